// What every kind that speaks HTTP to a peer of queue-peer.ts has to show: round trip, authentication, limits, each class of
// error, cancellation, and that no secret comes to light.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { pipeFetch, type Exchange } from "../../src/pipes/http.ts";
import type { Attempt, Kind, Outcome, Outgoing, Verdict } from "../../src/pipes/kinds/kind.ts";
import type { Arrived, Told } from "./queue-peer.ts";

export interface Subject<S> {
  kind: Kind<S>;
  /** Its peer's name in peers.ts. */
  peer: string;
  /** Right settings, by the peer's URL. */
  settings(url: string): Record<string, unknown>;
  /** What must be found nowhere but on the wire. */
  secrets: readonly string[];
  /** Changes of the settings with which nothing gets through, by name. */
  wrong: Readonly<Record<string, Record<string, unknown>>>;
  /** The errors of the protocol beside those that all share. */
  errors: readonly (readonly [what: string, told: Told, verdict: Verdict])[];
  /** Answers for a single item, where the protocol has them. */
  items: readonly (readonly [told: string, verdict: Verdict])[];
  /** How the event is to be found at the receiver. */
  arrived(event: Outgoing, attempt: Attempt): Arrived;
  /** Bytes of text of the largest event that passes alone; null where only the destination knows. */
  largest: number | null;
}

let serial = 0;

/** An event of its own; its text is as long as asked, in bytes. */
export function outgoing(changes: Partial<Outgoing> = {}, length?: number): Outgoing {
  const id = `${(serial++).toString(32).padStart(8, "0")}01h00000000000000000000000`.slice(0, 34);
  const contact = changes.contact === undefined ? `ann-${serial}@example.com` : changes.contact;
  const event = { id, type: "opened", contact, description: 'Grüße, "Ann" \\ \u2028 🎉 \uFFFF <&>' };
  const text = JSON.stringify(event);
  const size = new TextEncoder().encode(text).byteLength;
  const padded =
    length === undefined ? text : JSON.stringify({ pad: "x".repeat(length - size - 9), ...event });
  return { id, type: "opened", contact, at: 1_790_000_000_000, text: padded, event, ...changes };
}

/** An attempt by hand, and what it noted. */
export function attemptWith({
  signal = new AbortController().signal,
  bindings = {},
}: { signal?: AbortSignal; bindings?: object } = {}): {
  attempt: Attempt;
  notes: Exchange[];
} {
  const notes: Exchange[] = [];
  const note = (exchange: Exchange): void => void notes.push(exchange);
  const attempt: Attempt = {
    id: `attempt-${serial++}`,
    now: Date.now(),
    fetch: pipeFetch(note, { signal, loopback: true }),
    note,
    signal,
    loopback: true,
    env: { ...env, ...bindings },
    kept: new Map(),
  };
  return { attempt, notes };
}

interface Seen {
  requests: number;
  refused: string[];
  arrived: Arrived[];
  /** Requests that still wait for an answer. */
  open: number;
}

/** The failures by index, as `verdict`. */
export function failures(outcome: Outcome): Record<number, string> {
  return Object.fromEntries((outcome.failed ?? []).map(({ index, verdict }) => [index, verdict]));
}

export function peerOf(name: string): {
  url: string;
  tell(told: Told): Promise<void>;
  /** What came since it was last asked; it starts anew. */
  seen(): Promise<Seen>;
  open(): Promise<number>;
} {
  const url = `http://127.0.0.1:${inject("peers")[name]}`;
  return {
    url,
    tell: async (told) => {
      await (await fetch(`${url}/-/tell`, { method: "POST", body: JSON.stringify(told) })).text();
    },
    seen: async () => await (await fetch(`${url}/-/seen`, { method: "POST" })).json<Seen>(),
    open: async () => (await (await fetch(`${url}/-/seen`)).json<Seen>()).open,
  };
}

/** The error classes that all HTTP destinations share. */
const SHARED: readonly (readonly [string, Told, Verdict])[] = [
  ["a bare 400", { status: 400, body: "no" }, "refused"],
  ["401", { status: 401 }, "denied"],
  ["404", { status: 404 }, "denied"],
  ["408", { status: 408 }, "unavailable"],
  ["413", { status: 413 }, "refused"],
  ["429", { status: 429, headers: { "retry-after": "7" } }, "slow_down"],
  ["500", { status: 500, body: "<html>" }, "unavailable"],
  ["503", { status: 503, headers: { "retry-after": "7" } }, "unavailable"],
  ["a move", { status: 307, headers: { location: "http://127.0.0.1:1/" } }, "denied"],
  ["200 with garbage", { status: 200, body: "<html>captive portal</html>" }, "unavailable"],
  ["200 with nothing", { status: 200, body: "" }, "unavailable"],
  ["200 with null", { status: 200, body: "null" }, "unavailable"],
  ["a cut connection", { mode: "cut" }, "unavailable"],
  ["a flood", { mode: "flood" }, "unavailable"],
];

export function describeHttpKind<S>(subject: Subject<S>): void {
  const { kind, secrets } = subject;

  describe(`${kind.id} at a strict peer`, () => {
    const peer = peerOf(subject.peer);
    const said: unknown[] = [];
    const told: string[] = [];

    beforeEach(async () => {
      await peer.seen();
      for (const name of ["log", "info", "warn", "error", "debug"] as const) {
        vi.spyOn(console, name).mockImplementation((...words) => void said.push(words));
      }
    });

    // Whatever a test did: no secret in what it noted, answered or printed, nor an address in the reasons.
    afterEach(() => {
      vi.restoreAllMocks();
      const all = [...told, JSON.stringify(said)].join("\n");
      for (const secret of secrets) {
        expect(all).not.toContain(secret);
        expect(all).not.toContain(btoa(secret));
      }
    });

    async function deliver(
      batch: readonly Outgoing[],
      { changes = {}, signal = new AbortController().signal, attempt: given = attemptWith({ signal }) } = {},
    ): Promise<Outcome & { attempt: Attempt; notes: Exchange[] }> {
      const settings = kind.settings.parse({ ...subject.settings(peer.url), ...changes });
      const outcome = await kind.deliver(batch, settings, given.attempt);
      told.push(JSON.stringify([outcome, given.notes]));
      expect(JSON.stringify([outcome.reason, outcome.failed])).not.toMatch(/@example/);
      return { ...outcome, ...given };
    }

    it("hands on what it was given, ids included", async () => {
      const batch = [outgoing(), outgoing({ type: "contact.suppressed" }), outgoing({ contact: null })];
      const { attempt, notes, ...outcome } = await deliver(batch);
      expect(outcome.verdict).toBe("delivered");
      expect(outcome.failed).toBeUndefined();
      const { arrived, refused, requests } = await peer.seen();
      expect(refused).toEqual([]);
      expect(arrived.map(({ text: _, ...rest }) => rest)).toEqual(
        batch.map((event) => {
          const { text: _, ...rest } = subject.arrived(event, attempt);
          return rest;
        }),
      );
      expect(arrived.map(({ text }) => JSON.parse(text))).toEqual(batch.map(({ text }) => JSON.parse(text)));
      expect(requests).toBe(1);
      expect(notes).toHaveLength(1);
      expect(notes[0]?.response?.status).toBe(outcome.status);
    });

    it("tells an order's key without the address, the same for each of a contact's events", async () => {
      const [first, second, other] = [
        outgoing({ contact: "eve@example.com" }),
        outgoing({ contact: "eve@example.com" }),
        outgoing(),
      ];
      await deliver([first, second, other]);
      const { arrived } = await peer.seen();
      expect(arrived[0]?.order).toBe(arrived[1]?.order);
      if (arrived[0]?.order !== null) expect(arrived[0]?.order).not.toBe(arrived[2]?.order);
      expect(arrived.map(({ order }) => order).join()).not.toContain("@");
    });

    it.each(Object.entries(subject.wrong))("is denied with %s", async (_, changes) => {
      const outcome = await deliver([outgoing(), outgoing()], { changes });
      expect(outcome.verdict).toBe("denied");
      expect(outcome.reason).toMatch(/^answered \d+/);
      expect(outcome.failed).toBeUndefined();
      expect((await peer.seen()).arrived).toEqual([]);
    });

    it("delivers a batch at its limit in one request", async () => {
      const { events, bytes } = kind.batch;
      const batch = Array.from({ length: events }, () => outgoing({}, Math.floor(bytes / events)));
      expect((await deliver(batch)).verdict).toBe("delivered");
      const { arrived, requests, refused } = await peer.seen();
      expect([arrived.length, requests, refused]).toEqual([events, 1, []]);
    });

    it("delivers few events of the same bytes in one request", async () => {
      const batch = [
        outgoing({}, Math.floor(kind.batch.bytes / 2)),
        outgoing({}, Math.floor(kind.batch.bytes / 2)),
      ];
      expect((await deliver(batch)).verdict).toBe("delivered");
      expect((await peer.seen()).requests).toBe(1);
    });

    const { largest } = subject;
    if (largest !== null) {
      it("delivers the largest event, refuses a larger one, and takes its neighbours along", async () => {
        expect((await deliver([outgoing({}, largest)])).verdict).toBe("delivered");
        expect((await peer.seen()).arrived).toHaveLength(1);

        const { attempt: _, notes: __, ...alone } = await deliver([outgoing({}, largest + 2000)]);
        expect(alone).toMatchObject({
          verdict: "refused",
          status: null,
          failed: [{ index: 0, verdict: "refused" }],
        });
        expect((await peer.seen()).requests).toBe(0);

        const batch = [outgoing(), outgoing({}, largest + 2000), outgoing()];
        const mixed = await deliver(batch);
        expect(mixed).toMatchObject({ verdict: "delivered", failed: [{ index: 1, verdict: "refused" }] });
        expect(mixed.reason).toMatch(/too large/);
        const { arrived } = await peer.seen();
        expect(arrived.map(({ text }) => text.length)).toEqual(
          [batch[0], batch[2]].map((event) =>
            event === undefined ? 0 : subject.arrived(event, mixed.attempt).text.length,
          ),
        );
      });
    }

    it.each([...SHARED, ...subject.errors])("understands %s", async (_, order, verdict) => {
      await peer.tell(order);
      const outcome = await deliver([outgoing(), outgoing()]);
      expect(outcome.verdict).toBe(verdict);
      expect(outcome.reason).toBeTruthy();
      if (order.headers?.["retry-after"] !== undefined) expect(outcome.retryAfter).toBe(7000);
      if (order.status !== undefined) expect(outcome.status).toBe(order.status);
      expect((await peer.seen()).arrived).toEqual([]);
      // And the next request is none the worse for it.
      expect((await deliver([outgoing()])).verdict).toBe("delivered");
    });

    if (subject.items.length > 0) {
      it.each(subject.items)("understands %s for one of three, and for all", async (code, verdict) => {
        await peer.tell({ items: { 1: code } });
        const one = await deliver([outgoing(), outgoing(), outgoing()]);
        expect(one.verdict).toBe("delivered");
        expect(failures(one)).toEqual({ 1: verdict === "denied" ? "unavailable" : verdict });
        expect((await peer.seen()).arrived).toHaveLength(2);

        await peer.tell({ items: { 0: code, 1: code } });
        const all = await deliver([outgoing(), outgoing()]);
        expect(all.verdict).toBe(verdict);
        expect(failures(all)).toEqual(verdict === "denied" ? {} : { 0: verdict, 1: verdict });
        expect((await peer.seen()).arrived).toEqual([]);
      });
    }

    it("stops at once when its time is up, and leaves nothing running", async () => {
      await peer.tell({ mode: "hang" });
      const time = new AbortController();
      const delivering = deliver([outgoing()], { signal: time.signal });
      await vi.waitFor(async () => expect(await peer.open()).toBe(1), { timeout: 5000, interval: 20 });
      const began = Date.now();
      time.abort();
      const outcome = await delivering;
      expect(Date.now() - began).toBeLessThan(1000);
      expect(outcome).toMatchObject({ verdict: "unavailable", status: null });
      await vi.waitFor(async () => expect(await peer.open()).toBe(0), { timeout: 5000, interval: 20 });
    });

    it("shows no secret, even where the destination sends it back", async () => {
      await peer.tell({ status: 400, body: `no: ${secrets.join(" ")}` });
      const { notes } = await deliver([outgoing()]);
      expect(notes).toHaveLength(1);
      expect(notes[0]?.response?.body).toMatch(/^no: \(hidden\)/);
    });

    it("refuses settings that are incomplete, unknown or no URL, and names the field", () => {
      const right = subject.settings(peer.url);
      expect(kind.settings.safeParse(right).error).toBeUndefined();
      expect(kind.settings.safeParse({ ...right, colour: "red" }).success).toBe(false);
      for (const name of Object.keys(right)) {
        const result = kind.settings.safeParse({ ...right, [name]: { wrong: true } });
        expect(result.error?.issues.map(({ path }) => path[0])).toContain(name);
        expect(result.error?.issues.map(({ message }) => message).join()).toMatch(/must be/);
      }
      const hidden = kind.secrets.map((name) => String(right[name])).join();
      for (const secret of secrets) expect(hidden).toContain(secret);
    });
  });
}
