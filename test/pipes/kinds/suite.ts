// What every kind of pipe has to do, whatever its protocol: a case (cases/) brings the kind's settings, its peer and
// the ways in which its protocol says no. What is particular to a kind stands in its own test file.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import * as z from "zod";
import type { Exchange } from "../../../src/pipes/transport/http.ts";
import type { Attempt, Kind, Outcome, Outgoing, DeliveryResult } from "../../../src/pipes/kinds/kind.ts";
import { attemptOf, eventually, failures, outgoingOf, outgoingOfSize, type Fields } from "../attempts.ts";
import type { RoomState, Taken } from "../peers/rooms.ts";

/** How a suite talks to its peer: rooms.ts does for the written ones, `queue` brings its own. */
export interface PeerControl {
  /** From now on the peer behaves like this, in words of its own. */
  behave(behaviour: unknown): Promise<void>;
  tell(): Promise<Omit<RoomState, "flooded">>;
  /** Forgets what came, and behaves well again. */
  forget(): Promise<void>;
}

/** What brings a peer to do something: words to it, other settings, or other events. */
export interface Provocation {
  behaviour?: unknown;
  settings?: Record<string, unknown>;
  fields?: Fields;
}

export interface Refusal extends Provocation {
  when: string;
  result: DeliveryResult;
  status?: number | null;
  /** ms */
  retryAfter?: number;
}

export interface KindCase {
  /** The kind's id, with what is special about the case. */
  name: string;
  kind: Kind;
  control: PeerControl;
  /** Settings as people would enter them, with which the peer takes events; `changes` on top. */
  settings: (changes?: Record<string, unknown>) => Record<string, unknown>;
  /** Changes of the settings with which nothing gets through, by name. */
  wrong: Readonly<Record<string, Record<string, unknown>>>;
  /** Every secret of `settings()` that must never be seen. */
  secretValues: readonly string[];
  /** How the protocol answers, above all no. */
  errors: readonly Refusal[];
  /** Where it answers event by event: what makes it not take the events at these places. */
  items?: readonly {
    when: string;
    result: DeliveryResult;
    at: (places: readonly number[]) => Provocation;
  }[];
  /** What makes the peer keep a request and never answer. */
  hangs: readonly Provocation[];
  /** What makes it answer with what it was sent, and with what it should not know, where its answers have words. */
  echoes?: readonly unknown[];
  /** Changes of the settings under which batches hold most; the kind's defaults otherwise. */
  batched?: Record<string, unknown>;
  /** How the event is to be found at the peer where not all is told there; null where it does not get there. */
  arrives?: (outgoing: Outgoing, attempt: Attempt) => Taken | null;
  /** Settings that take any JSON, so that no value is wrong. */
  free?: readonly string[];
  /** Bytes of the largest `text` of one event that gets through; null where it has no bound of ours. */
  largest: number | null;
  /** Requests that one attempt takes; 1 if left out. */
  requests?: number;
  /** Bindings of the Worker that it delivers to, instead of over the network. */
  bindings?: object;
}

const VERDICTS: readonly DeliveryResult[] = [
  "delivered",
  "refused",
  "unavailable",
  "slow_down",
  "denied",
  "gone",
];

/** The shared suite. */
export function describeKind(given: KindCase): void {
  const { name, kind, control, errors, secretValues, batched = {}, items = [], echoes = [], largest } = given;
  const settingsOf = (changes: Record<string, unknown> = {}): unknown =>
    kind.settings.parse(given.settings({ ...batched, ...changes }));
  const form = given.settings()["payload"] === "cloudevents" ? "cloudevents" : "event";
  const { events, bytes } = kind.batchOf?.(settingsOf()) ?? kind.batch;
  const requests = given.requests ?? 1;
  const one = (index = 0, fields: Fields = {}): Outgoing => outgoingOf(index, fields, form);
  const some = (count: number, fields: Fields = {}): Outgoing[] =>
    Array.from({ length: Math.min(count, events) }, (_, index) => one(index, fields));
  const sized = (index: number, size: number): Outgoing => outgoingOfSize(index, size, form);
  const attempting = (changes: Partial<Attempt> = {}): ReturnType<typeof attemptOf> =>
    attemptOf({ ...changes, env: { ...env, ...given.bindings } });
  const arrives =
    given.arrives ??
    (({ id, type, text }, attempt): Taken => ({ id, type, attempt: attempt.id, order: null, text }));
  const said: unknown[] = [];

  /** Delivers, and looks at what has to hold of each outcome. */
  const deliver = async (
    batch: readonly Outgoing[],
    settings: unknown = settingsOf(),
    attempt: Attempt = attempting().attempt,
  ): Promise<Outcome> => {
    const outcome = await kind.deliver(batch, settings, attempt);
    said.push(outcome);
    expect(VERDICTS).toContain(outcome.result);
    if (outcome.result !== "delivered") expect(outcome.reason).toMatch(/\w/);
    for (const { index, reason } of outcome.failed ?? []) {
      expect(batch[index]).toBeDefined();
      expect(reason).toMatch(/\w/);
    }
    expect(JSON.stringify(outcome)).not.toContain("@example.com");
    return outcome;
  };

  /** Delivers, and looks for all of it at the peer, in its order. */
  const getsThrough = async (
    batch: readonly Outgoing[],
    settings: unknown = settingsOf(),
    { attempt, notes }: ReturnType<typeof attemptOf> = attempting(),
  ): Promise<void> => {
    await control.forget();
    const outcome = await deliver(batch, settings, attempt);
    const told = await control.tell();
    expect(told.refused).toEqual([]);
    expect(outcome).toMatchObject({ result: "delivered", reason: null });
    expect(outcome.failed ?? []).toEqual([]);
    expectArrived(told.taken, batch, attempt);
    expect(told.requests).toBe(requests);
    expect(notes).toHaveLength(requests);
    if (outcome.status !== null) expect(notes.at(-1)?.response?.status).toBe(outcome.status);
  };
  const expectArrived = (taken: readonly Taken[], batch: readonly Outgoing[], attempt: Attempt): void => {
    const read = ({ raw: _, text, ...rest }: Taken) => ({ ...rest, payload: JSON.parse(text) as unknown });
    expect(taken.map(read)).toEqual(
      batch.flatMap((outgoing) => {
        const arrived = arrives(outgoing, attempt);
        return arrived === null ? [] : [read(arrived)];
      }),
    );
  };
  const taken = async (): Promise<Taken[]> => (await control.tell()).taken;

  /** No secret in any spelling. */
  const expectNoSecrets = (...things: unknown[]): void => {
    const all = JSON.stringify(things);
    for (const secret of secretValues) {
      const base64 = Buffer.from(secret).toString("base64");
      const spelt = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), base64];
      for (const word of [...spelt, new URLSearchParams({ "": secret }).toString().slice(1)])
        expect(all).not.toContain(word);
    }
  };

  describe(`pipe kind ${name}`, () => {
    const written: unknown[] = [];
    beforeEach(async () => {
      for (const level of ["log", "info", "warn", "error", "debug"] as const) {
        const spy = vi.spyOn(console, level).mockImplementation((...words) => void written.push(words));
        onTestFinished(() => spy.mockRestore());
      }
      await control.forget();
    });
    // Whatever a test did.
    afterEach(async () => {
      await control.forget();
      expectNoSecrets(said, written);
      // What went over the wire has addresses; our own log has none.
      expect(JSON.stringify(written)).not.toContain("@example.com");
    });

    test("what arrives is what was sent, with its ids", async () => {
      const data = { reason: "complaint", scope: null };
      const batch = [
        one(),
        one(1, { type: "contact.suppressed", message_id: null, data }),
        one(2, { type: "pipe.paused", contact: null }),
        one(3),
      ];
      await getsThrough(batch.slice(0, events));
    });

    test("a repeat has the same ids and an attempt id of its own", async () => {
      const [first, second] = [attempting(), attempting()];
      for (const { attempt } of [first, second])
        expect(await deliver([one()], settingsOf(), attempt)).toMatchObject({ result: "delivered" });
      const [before, after] = await taken();
      expectArrived(before === undefined ? [] : [before], [one()], first.attempt);
      expectArrived(after === undefined ? [] : [after], [one()], second.attempt);
    });

    test("an order is told without the address, and the same for each of a contact's events", async () => {
      const eve = { contact: "eve@example.com" };
      const batch = [one(0, eve), one(1, eve), one(2)];
      for (let at = 0; at < batch.length; at += events)
        expect(await deliver(batch.slice(at, at + events))).toMatchObject({ result: "delivered" });
      const [first, second, other] = (await taken()).map(({ order }) => order);
      expect([first, second, other].join()).not.toContain("@");
      if (typeof first !== "string") return expect([second ?? null, other ?? null]).toEqual([null, null]);
      expect(second).toBe(first);
      expect(other).not.toBe(first);
    });

    test.each(Object.entries(given.wrong))("%s is denied, and nothing arrives", async (_, changes) => {
      const outcome = await deliver(some(2), settingsOf(changes));
      expect(outcome.result).toBe("denied");
      expect(outcome.failed).toBeUndefined();
      expect(await taken()).toEqual([]);
    });

    test("a batch of as many events as there may be goes in one request", async () => {
      await getsThrough(some(events));
    });

    test("so does one of as many bytes as there may be, of many events and of few", async () => {
      const most = largest ?? bytes;
      for (const count of [events, Math.min(events, 2)]) {
        const size = Math.min(most, Math.floor(bytes / count));
        const sizes = Array.from({ length: count }, () => size);
        // What is left over goes to the first, as far as it may.
        sizes[0] = Math.min(most, bytes - (count - 1) * size);
        await getsThrough(sizes.map((size, index) => sized(index, size)));
      }
    });

    test.runIf(largest !== null)(
      "the largest event gets through; a larger one is refused, and does not hold up its neighbours",
      async () => {
        const most = largest ?? 0;
        await getsThrough([sized(0, most)]);
        await control.forget();
        const tooLarge = sized(1, most + 1);
        const alone = await deliver([tooLarge]);
        expect(alone).toMatchObject({
          result: "refused",
          status: null,
          reason: expect.stringMatching(/large/),
        });
        expect((await control.tell()).requests).toBe(0);
        if (events < 3) return;
        const { attempt } = attempting();
        const outcome = await deliver([one(0), tooLarge, one(2)], settingsOf(), attempt);
        const reason = expect.stringMatching(/large/) as unknown;
        expect(outcome.result).toBe("delivered");
        expect(outcome.failed).toEqual([{ index: 1, result: "refused", reason }]);
        expectArrived(await taken(), [one(0), one(2)], attempt);
      },
    );

    test.each(errors)("$when: $result", async (error) => {
      if (error.behaviour !== undefined) await control.behave(error.behaviour);
      const outcome = await deliver(some(2, error.fields), settingsOf(error.settings));
      expect(outcome.result).toBe(error.result);
      if (error.status !== undefined) expect(outcome.status).toBe(error.status);
      if (error.retryAfter !== undefined) {
        // A date has whole seconds, and some time has passed since the case was written.
        expect(outcome.retryAfter).toBeGreaterThan(error.retryAfter * 0.95 - 1000);
        expect(outcome.retryAfter).toBeLessThanOrEqual(error.retryAfter + 1000);
      }
      if (error.result !== "delivered") expect(await taken()).toEqual([]);
      // What was said once is not held against it, and nothing is left open.
      if (given.bindings === undefined) await eventually(async () => (await control.tell()).open === 0);
      await getsThrough([one()]);
    });

    test.each(items)("$when: $result for one of three, and for all", async ({ result, at }) => {
      const provoke = async (batch: Outgoing[], places: number[]): Promise<Outcome> => {
        const { behaviour, settings, fields = {} } = at(places);
        if (behaviour !== undefined) await control.behave(behaviour);
        const changed = batch.map((_, index) => one(index, places.includes(index) ? fields : {}));
        return await deliver(changed, settingsOf(settings));
      };
      const alone = await provoke(some(3), [1]);
      expect(alone.result).toBe("delivered");
      expect(failures(alone)).toEqual({ 1: result === "denied" ? "unavailable" : result });
      expect((await taken()).length).toBe(2);
      await control.forget();
      const all = await provoke(some(2), [0, 1]);
      expect(all.result).toBe(result);
      expect(failures(all)).toEqual(result === "denied" ? {} : { 0: result, 1: result });
      expect(await taken()).toEqual([]);
    });

    test.each(given.hangs)("an attempt whose time is up ends at once: $behaviour $settings", async (hang) => {
      if (hang.behaviour !== undefined) await control.behave(hang.behaviour);
      const abort = new AbortController();
      const { attempt } = attempting({ signal: abort.signal });
      const delivering = deliver([one(0, hang.fields)], settingsOf(hang.settings), attempt);
      await eventually(async () => (await control.tell()).open > 0);
      const began = Date.now();
      abort.abort();
      expect(await delivering).toMatchObject({ result: "unavailable", status: null });
      expect(Date.now() - began).toBeLessThan(1000);
      // The call of a binding cannot be called back.
      if (given.bindings === undefined) await eventually(async () => (await control.tell()).open === 0);
    });

    test("an attempt whose time is up before it began does not begin", async () => {
      const { attempt } = attempting({ signal: AbortSignal.abort() });
      expect(await deliver([one()], settingsOf(), attempt)).toMatchObject({ result: "unavailable" });
      expect(await taken()).toEqual([]);
    });

    test.runIf(given.bindings === undefined)(
      "this machine is called in local development alone",
      async () => {
        const { attempt } = attempting({ loopback: false });
        const outcome = await deliver([one()], settingsOf(), attempt);
        expect(outcome).toMatchObject({ result: "denied", status: null });
        expect((await control.tell()).requests).toBe(0);
      },
    );

    test("secrets are in no note, reason or line of the log, whatever is answered", async () => {
      const wrong = Object.values(given.wrong);
      const noted: Exchange[] = [];
      const provocations: Provocation[] = [
        {},
        ...errors,
        ...echoes.map((behaviour) => ({ behaviour })),
        ...wrong.map((settings) => ({ settings })),
      ];
      for (const { behaviour, settings, fields } of provocations) {
        await control.forget();
        if (behaviour !== undefined) await control.behave(behaviour);
        const { attempt, notes } = attempting();
        await deliver([one(0, fields)], settingsOf(settings), attempt);
        noted.push(...notes);
      }
      expect(noted.length).toBeGreaterThan(errors.length + echoes.length);
      expectNoSecrets(noted);
      if (echoes.length > 0)
        expect(JSON.stringify(noted.map(({ response }) => response))).toContain("(hidden)");
    });

    test("settings are strict, described, and say which of them are secret", () => {
      const whole = given.settings();
      const told = kind.settings.safeParse({ ...whole, no_such_setting: 1 });
      expect(told.error?.issues.map((issue) => JSON.stringify(issue)).join()).toContain("no_such_setting");
      const schema = z.toJSONSchema(kind.settings, { io: "input" });
      expect(Object.keys(schema.properties ?? {})).toEqual(expect.arrayContaining([...kind.secrets]));
      const open = Object.entries(whole).filter(([setting]) => !kind.secrets.includes(setting));
      expectNoSecrets(open);
      const issuesOf = (changed: Record<string, unknown>) =>
        kind.settings.safeParse(changed).error?.issues ?? [];
      for (const setting of schema.required ?? []) {
        const { [setting]: _, ...rest } = whole;
        expect(
          issuesOf(rest)
            .map(({ path, message }) => `${path[0]?.toString()} ${message}`)
            .join("\n"),
        ).toMatch(new RegExp(`^${setting} must `, "m"));
      }
      for (const setting of Object.keys(whole).filter((name) => !(given.free ?? []).includes(name))) {
        const issues = issuesOf({ ...whole, [setting]: { wrong: 1 } });
        expect(issues.map(({ path }) => path[0])).toContain(setting);
        for (const { message } of issues) expect(message).toMatch(/must |Unrecognized key/);
        expectNoSecrets(issues);
      }
    });
  });
}
