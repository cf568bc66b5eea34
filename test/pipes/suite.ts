// What every kind of pipe has to do, whatever its protocol. A kind's own suite calls this with its settings, its peer and
// the ways in which its protocol says no, and adds what is particular to it.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import * as z from "zod";
import { type Exchange, pipeFetch } from "../../src/pipes/http.ts";
import type { Attempt, Kind, Outcome, Outgoing, Verdict } from "../../src/pipes/kinds/kind.ts";
import { type PayloadForm, render } from "../../src/pipes/payload.ts";
import type { RoomState, Taken } from "./http-peer.ts";

/** How a suite talks to its peer. `httpControl` does for those of http-peer.ts; others bring their own. */
export interface PeerControl {
  /** From now on the peer behaves like this, in words of its own. */
  behave(behaviour: unknown): Promise<void>;
  /** What it took, in order, and how many requests or connections are open. */
  tell(): Promise<{ taken: Taken[]; open: number }>;
  /** Forgets what came, and behaves well again. */
  forget(): Promise<void>;
}

export interface KindCase<S> {
  kind: Kind<S>;
  control: PeerControl;
  /** Settings as people would enter them, with which the peer takes events; `changes` on top. */
  settings: (changes?: Record<string, unknown>) => Record<string, unknown>;
  /** What to change so that the peer does not know the credentials; null for kinds that have none. */
  wrongCredentials: Record<string, unknown> | null;
  /** Every secret of `settings()` that must never be seen, in each spelling in which it travels. */
  secretValues: readonly string[];
  /** How the protocol answers, above all no: what makes the peer do so, and what it has to be taken for. */
  errors: readonly { when: string; behaviour: unknown; verdict: Verdict; retryAfter?: number }[];
  /** What makes the peer keep a request and never answer. */
  hang: unknown;
  /** What makes it answer with what it was sent, where the protocol has words in its answers. */
  echo?: unknown;
  /** Changes of the settings under which the batch limits hold; the kind's defaults otherwise. */
  batched?: Record<string, unknown>;
  /** What the peer has taken as `text`, as JSON, where it is not the event's payload. */
  textOf?: (outgoing: Outgoing) => unknown;
  /** Bytes of the largest `text` of one event that gets through; `batch.bytes` otherwise. */
  largest?: number;
}

/** Control over a room of a peer made by http-peer.ts. */
export interface RoomControl extends PeerControl {
  tell(): Promise<RoomState>;
}

export function httpControl(port: number, room: string): RoomControl {
  const url = `http://127.0.0.1:${port}/control/${room}`;
  const call = async (method: string, body?: string): Promise<Response> => {
    const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) });
    if (response.status !== 200) throw new Error(await response.text());
    return response;
  };
  return {
    behave: async (behaviour) => void (await (await call("PUT", JSON.stringify(behaviour))).text()),
    tell: async () => await (await call("GET")).json(),
    forget: async () => void (await (await call("DELETE")).text()),
  };
}

/** An event on its way, of a contact of its own. */
export function outgoingOf(
  index: number,
  changes: Record<string, unknown> = {},
  form: PayloadForm = "event",
): Outgoing {
  const contact = `ann+${index}@example.com`;
  const id = `3fj0dm8c01k5gqfp8w7h2m4n6q8s${String(index).padStart(6, "0")}`;
  const at = Date.UTC(2026, 10, 21, 9, 30) + index;
  const time = new Date(at).toISOString();
  const event = {
    id,
    seq: index + 1,
    source: "mailjet",
    provider: "mailjet",
    type: "delivered",
    contact,
    message_id: `115292152123456789${index}`,
    occurred_at: time,
    received_at: time,
    description: 'said "250 2.0.0 OK" \\ Grüße, 你好 🚀\r\n\u2028\u0000',
    tags: ["a", "b,c"],
    metadata: { order: index, nested: { "key with space": [1.5, null, true] } },
    ...changes,
  };
  const outgoing = { id, type: event.type, contact, at, event };
  return { ...outgoing, text: render(outgoing, form, "mailjet") };
}

/** One whose payload has exactly so many bytes. */
export function outgoingOfSize(index: number, bytes: number, form: PayloadForm = "event"): Outgoing {
  const rest = new TextEncoder().encode(outgoingOf(index, { description: "" }, form).text).byteLength;
  return outgoingOf(index, { description: "x".repeat(bytes - rest) }, form);
}

/** An attempt and what was noted of it. `signal` ends it; after 15 s it ends by itself. */
export function attemptOf(
  changes: Partial<Attempt> = {},
  signal: AbortSignal = AbortSignal.timeout(15_000),
): { attempt: Attempt; notes: Exchange[] } {
  const notes: Exchange[] = [];
  const note = (exchange: Exchange): void => void notes.push(exchange);
  const fetch = pipeFetch(note, { signal, loopback: true });
  const id = `attempt-${crypto.randomUUID()}`;
  const attempt = {
    id,
    now: Date.now(),
    fetch,
    note,
    signal,
    loopback: true,
    env,
    kept: new Map(),
    ...changes,
  };
  return { attempt, notes };
}

/** Resolves once `holds`; rejects after 5 s. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 5000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("did not come about within 5 s");
    await scheduler.wait(20);
  }
}

const VERDICTS: readonly Verdict[] = ["delivered", "refused", "unavailable", "slow_down", "denied", "gone"];

/** The shared suite. `name` is the kind's id, with what is special about the case. */
export function describeKind<S>(name: string, given: KindCase<S>): void {
  const { kind, control, settings: rawSettings, errors, secretValues } = given;
  const settingsOf = (changes: Record<string, unknown> = {}): S => kind.settings.parse(rawSettings(changes));
  const formOf = (): PayloadForm => (rawSettings()["payload"] === "cloudevents" ? "cloudevents" : "event");
  const limitsOf = (settings: S): Kind["batch"] => kind.batchOf?.(settings) ?? kind.batch;
  const one = (index = 0): Outgoing => outgoingOf(index, {}, formOf());
  const expected = (batch: readonly Outgoing[]): unknown[] =>
    batch.map((outgoing) => given.textOf?.(outgoing) ?? JSON.parse(outgoing.text));
  const texts = (taken: readonly Taken[]): unknown[] => taken.map(({ text }) => JSON.parse(text) as unknown);
  const ids = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id);

  /** Delivers, and looks at what has to hold of each outcome. */
  const deliver = async (
    batch: readonly Outgoing[],
    settings: S,
    attempt: Attempt = attemptOf().attempt,
  ): Promise<Outcome> => {
    const outcome = await kind.deliver(batch, settings, attempt);
    expect(VERDICTS).toContain(outcome.verdict);
    if (outcome.verdict !== "delivered") expect(outcome.reason).toMatch(/\w/);
    for (const { index, reason } of outcome.failed ?? []) {
      expect(batch[index]).toBeDefined();
      expect(reason).toMatch(/\w/);
    }
    const words = JSON.stringify(outcome);
    for (const secret of secretValues) expect(words).not.toContain(secret);
    expect(words).not.toContain("@example.com");
    return outcome;
  };

  describe(`pipe kind ${name}`, () => {
    beforeEach(() => control.forget());
    afterEach(() => control.forget());

    test("what arrives is what was sent, with its ids", async () => {
      const settings = settingsOf(given.batched);
      const count = Math.min(limitsOf(settings).events, 3);
      const batch = [
        one(),
        outgoingOf(1, { type: "contact.suppressed", message_id: null }, formOf()),
        one(2),
      ].slice(0, count);
      const { attempt, notes } = attemptOf();
      const outcome = await deliver(batch, settings, attempt);
      expect(outcome).toMatchObject({ verdict: "delivered" });
      expect(outcome.failed ?? []).toEqual([]);
      const { taken } = await control.tell();
      expect(ids(taken)).toEqual(ids(batch));
      expect(texts(taken)).toEqual(expected(batch));
      expect(taken.map((event) => event.attempt)).toEqual(batch.map(() => attempt.id));
      expect(notes.length).toBeGreaterThan(0);
    });

    test("a repeat has the same ids and an attempt id of its own", async () => {
      const settings = settingsOf();
      for (let attempt = 0; attempt < 2; attempt++) {
        expect(await deliver([one()], settings)).toMatchObject({ verdict: "delivered" });
      }
      const { taken } = await control.tell();
      expect(ids(taken)).toEqual([one().id, one().id]);
      expect(new Set(taken.map(({ attempt }) => attempt)).size).toBe(2);
    });

    test.runIf(given.wrongCredentials !== null)(
      "wrong credentials are denied, and nothing arrives",
      async () => {
        const outcome = await deliver([one()], settingsOf(given.wrongCredentials ?? {}));
        expect(outcome).toMatchObject({ verdict: "denied" });
        expect((await control.tell()).taken).toEqual([]);
      },
    );

    test("a batch of as many events as there may be", async () => {
      const settings = settingsOf(given.batched);
      const batch = Array.from({ length: limitsOf(settings).events }, (_, index) => one(index));
      const outcome = await deliver(batch, settings);
      expect(outcome).toMatchObject({ verdict: "delivered" });
      expect(outcome.failed ?? []).toEqual([]);
      expect(ids((await control.tell()).taken)).toEqual(ids(batch));
    });

    test("a batch of as many bytes as there may be", async () => {
      const settings = settingsOf(given.batched);
      const { events, bytes } = limitsOf(settings);
      const largest = given.largest ?? bytes;
      const size = Math.min(largest, Math.floor(bytes / events));
      const sizes = Array.from({ length: events }, () => size);
      // What is left over goes to the first, as far as it may.
      sizes[0] = Math.min(largest, bytes - (events - 1) * size);
      const batch = sizes.map((size, index) => outgoingOfSize(index, size, formOf()));
      expect(await deliver(batch, settings)).toMatchObject({ verdict: "delivered" });
      expect(ids((await control.tell()).taken)).toEqual(ids(batch));
    });

    test("the largest event gets through; a larger one is refused, and does not hold up its neighbour", async () => {
      const settings = settingsOf(given.batched);
      const { events, bytes } = limitsOf(settings);
      const largest = given.largest ?? bytes;
      const fitting = outgoingOfSize(0, largest, formOf());
      expect(await deliver([fitting], settings)).toMatchObject({ verdict: "delivered" });
      const tooLarge = outgoingOfSize(1, largest + 1, formOf());
      expect(await deliver([tooLarge], settings)).toMatchObject({ verdict: "refused" });
      expect(ids((await control.tell()).taken)).toEqual([fitting.id]);
      if (events === 1) return;
      const outcome = await deliver([tooLarge, one(2)], settings);
      expect(outcome.verdict).toBe("delivered");
      expect(outcome.failed).toEqual([{ index: 0, verdict: "refused", reason: expect.any(String) }]);
      expect(ids((await control.tell()).taken)).toEqual([fitting.id, one(2).id]);
    });

    test.each(errors)("$when: $verdict", async ({ behaviour, verdict, retryAfter }) => {
      await control.behave(behaviour);
      const outcome = await deliver([one()], settingsOf());
      expect(outcome.verdict).toBe(verdict);
      if (retryAfter !== undefined) {
        // A date has whole seconds, and some time has passed since the case was written.
        expect(outcome.retryAfter).toBeGreaterThan(retryAfter * 0.95 - 1000);
        expect(outcome.retryAfter).toBeLessThanOrEqual(retryAfter + 1000);
      }
      // What was said once is not held against it.
      await control.forget();
      expect(await deliver([one()], settingsOf())).toMatchObject({ verdict: "delivered" });
    });

    test("an attempt whose time is up ends at once, and leaves nothing open", async () => {
      await control.behave(given.hang);
      const abort = new AbortController();
      const delivering = deliver([one()], settingsOf(), attemptOf({}, abort.signal).attempt);
      await eventually(async () => (await control.tell()).open > 0);
      const began = Date.now();
      abort.abort();
      expect(await delivering).toMatchObject({ verdict: "unavailable" });
      expect(Date.now() - began).toBeLessThan(1000);
      await eventually(async () => (await control.tell()).open === 0);
    });

    test("an attempt whose time is up before it began does not begin", async () => {
      const outcome = await deliver([one()], settingsOf(), attemptOf({}, AbortSignal.abort()).attempt);
      expect(outcome).toMatchObject({ verdict: "unavailable" });
      expect((await control.tell()).taken).toEqual([]);
    });

    test("secrets are in no note, reason or line of the log", async () => {
      const written: unknown[] = [];
      for (const level of ["log", "info", "warn", "error", "debug"] as const) {
        const spy = vi.spyOn(console, level).mockImplementation((...words) => void written.push(words));
        onTestFinished(() => spy.mockRestore());
      }
      const behaviours = [
        {},
        ...errors.map(({ behaviour }) => behaviour),
        ...(given.echo ? [given.echo] : []),
      ];
      const noted: Exchange[] = [];
      for (const behaviour of behaviours) {
        await control.behave(behaviour);
        const { attempt, notes } = attemptOf();
        await deliver([one()], settingsOf(), attempt);
        if (given.wrongCredentials !== null) await deliver([one()], settingsOf(given.wrongCredentials));
        noted.push(...notes);
      }
      expect(noted.length).toBeGreaterThanOrEqual(behaviours.length);
      const all = JSON.stringify({ noted, written });
      for (const secret of secretValues) {
        expect(all).not.toContain(secret);
        expect(all).not.toContain(JSON.stringify(secret).slice(1, -1));
        expect(all).not.toContain(encodeURIComponent(secret));
      }
      // Its own log has no addresses either; what went over the wire does.
      expect(JSON.stringify(written)).not.toContain("@example.com");
    });

    test("settings are strict, described, and say which of them are secret", () => {
      const whole = rawSettings();
      const told = kind.settings.safeParse({ ...whole, no_such_setting: 1 });
      expect(told.success).toBe(false);
      expect(told.error?.issues.map((issue) => JSON.stringify(issue)).join()).toContain("no_such_setting");
      const schema = z.toJSONSchema(kind.settings, { io: "input" });
      expect(Object.keys(schema.properties ?? {})).toEqual(expect.arrayContaining([...kind.secrets]));
      for (const name of schema.required ?? []) {
        const { [name]: _, ...rest } = whole;
        const paths = kind.settings.safeParse(rest).error?.issues.map(({ path }) => path[0]);
        expect(paths).toContain(name);
      }
      for (const setting of Object.keys(whole)) {
        const issues = kind.settings.safeParse({ ...whole, [setting]: { wrong: 1 } }).error?.issues ?? [];
        expect(issues.map(({ path }) => path[0])).toContain(setting);
        const words = JSON.stringify(issues);
        for (const secret of secretValues) expect(words).not.toContain(secret);
      }
    });
  });
}
