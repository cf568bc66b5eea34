// Dispatching against receivers that fail in every way: whatever they do, each event is accounted for once, and only
// those that are to blame fail.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dispatch, type Dispatched, type Rules } from "../../../src/pipes/round/dispatch.ts";
import type { Sendable } from "../../../src/pipes/round/lanes.ts";
import { createPace } from "../../../src/pipes/round/pace.ts";
import type { Outcome } from "../../../src/pipes/kinds/kind.ts";
import { outgoingOf } from "../attempts.ts";

/** What an event is to the receiver: fine, refused, one that leads nowhere there, or one that it breaks down over. */
type Nature = "fine" | "refused" | "denied" | "breaks";
type Weather = "fair" | "down" | "denies" | "slow_down";

interface Model {
  items: { nature: Nature; group: string }[];
  /** How the receiver is with each request in turn; fair after these. */
  weather: Weather[];
  /** Turns of the event loop that each request takes. */
  turns: number[];
  /** Whether it answers event by event. */
  byItem: boolean;
  rules: Pick<Rules, "events" | "concurrency" | "ordered" | "consecutiveFailures" | "probing" | "retried"> & {
    /** Whether the destination took something a moment ago. */
    up: boolean;
  };
}

interface Request {
  indexes: number[];
  outcome: Outcome;
}

const model: fc.Arbitrary<Model> = fc.record({
  items: fc.array(
    fc.record({
      nature: fc.oneof(
        { weight: 3, arbitrary: fc.constant("fine" as const) },
        { weight: 2, arbitrary: fc.constantFrom("refused" as const, "denied" as const, "breaks" as const) },
      ),
      group: fc.constantFrom("", "a", "b", "c", "d"),
    }),
    { maxLength: 25 },
  ),
  weather: fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constant("fair" as const) },
      { weight: 2, arbitrary: fc.constant("down" as const) },
      { weight: 1, arbitrary: fc.constantFrom("slow_down" as const, "denies" as const) },
    ),
    { maxLength: 15 },
  ),
  turns: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 10 }),
  byItem: fc.boolean(),
  rules: fc.record({
    events: fc.integer({ min: 1, max: 8 }),
    concurrency: fc.integer({ min: 1, max: 4 }),
    ordered: fc.boolean(),
    consecutiveFailures: fc.constantFrom(0, 0, 3),
    probing: fc.boolean(),
    retried: fc.boolean(),
    up: fc.boolean(),
  }),
});

const answer = (result: Outcome["result"], more: Partial<Outcome> = {}): Outcome => {
  return {
    result,
    reason: result === "delivered" ? null : result,
    status: null,
    retryAfter: null,
    ...more,
  };
};

/** Dispatches; the requests are in the order of their answers. */
async function run({ items, weather, turns, byItem, rules }: Model): Promise<{
  result: Dispatched;
  requests: Request[];
  /** Most requests at once. */
  most: number;
}> {
  const sendable = items.map(({ group }, index): Sendable => ({ out: outgoingOf(index), group }));
  const places = new Map(sendable.map((one, index) => [one, index]));
  const requests: Request[] = [];
  let [begun, open, most] = [0, 0, 0];
  const judge = (indexes: readonly number[], now: Weather): Outcome => {
    if (now === "slow_down") return answer("slow_down");
    const natures = indexes.map((index) => items[index]?.nature);
    if (now === "denies" || natures.includes("denied")) return answer("denied");
    if (now === "down" || natures.includes("breaks")) return answer("unavailable");
    const failed = natures.flatMap((nature, index) =>
      nature === "refused" ? [{ index, result: "refused" as const, reason: "no" }] : [],
    );
    if (failed.length === 0) return answer("delivered");
    if (!byItem) return answer("refused");
    return answer(failed.length === indexes.length ? "refused" : "delivered", { failed });
  };
  const send = async (batch: readonly Sendable[]): Promise<Outcome> => {
    const now = weather[begun] ?? "fair";
    const wait = turns[begun++ % turns.length] ?? 0;
    open++;
    most = Math.max(most, open);
    const indexes = batch.map((one) => places.get(one) ?? -1);
    const outcome = judge(indexes, now);
    for (let i = 0; i < wait; i++) await scheduler.wait(0);
    open--;
    requests.push({ indexes, outcome });
    return outcome;
  };
  const full = rulesOf(rules);
  return { result: await dispatch(sendable, full, send), requests, most };
}

function rulesOf({ up, ...rules }: Model["rules"]): Rules {
  const now = Date.now();
  const given = { ...rules, consecutiveDenials: 0, upUntil: up ? now + 60_000 : 0 };
  return { ...given, bytes: 1_000_000, pace: createPace(null), until: now + 60_000 };
}

/** Those that a request's answer says were taken. */
const takenBy = ({ indexes, outcome }: Request): number[] => {
  const not = new Set((outcome.failed ?? []).map(({ index }) => index));
  return outcome.result === "delivered" ? indexes.filter((_, place) => !not.has(place)) : [];
};

const always = async (holds: (given: Model, ran: Awaited<ReturnType<typeof run>>) => void): Promise<void> => {
  await fc.assert(
    fc.asyncProperty(model, async (given) => {
      holds(given, await run(given));
    }),
    { numRuns: 400 },
  );
};

describe("dispatch", () => {
  it("accounts for each event once: delivered is what was taken, and nothing is left out but by a stop", async () => {
    await always(({ items }, { result, requests }) => {
      const taken = requests.flatMap(takenBy);
      expect(new Set(taken)).toEqual(result.delivered);
      expect(taken).toHaveLength(result.delivered.size); // and once
      for (const index of result.failed.keys()) expect(result.delivered.has(index)).toBe(false);
      if (result.stop === null) expect(result.delivered.size + result.failed.size).toBe(items.length);
    });
  });

  it("blames nobody beside a poisonous event: a success after it clears its neighbours", async () => {
    await always(({ items }, { result, requests }) => {
      for (const [index, { tried }] of result.failed) {
        if (!tried || items[index]?.nature !== "fine") continue;
        const last = requests.findLastIndex(({ indexes }) => indexes.includes(index));
        expect(["unavailable", "denied"]).toContain(requests[last]?.outcome.result);
        if (requests[last]?.indexes.length === 1) continue; // the destination was down for it alone
        expect(requests.slice(last + 1).flatMap(takenBy)).toEqual([]);
      }
    });
  });

  it("finds every innocent one where a destination that is there answers for a batch as a whole", async () => {
    const refusing = model.map((given) => ({
      ...given,
      items: given.items.map((one) =>
        one.nature === "breaks" ? { ...one, nature: "refused" as const } : one,
      ),
      weather: [],
      rules: { ...given.rules, ordered: false, up: true, probing: false },
    }));
    await fc.assert(
      fc.asyncProperty(refusing, async (given) => {
        const { result } = await run(given);
        const fine = given.items.flatMap(({ nature }, index) => (nature === "fine" ? [index] : []));
        expect([...result.delivered].sort((a, b) => a - b)).toEqual(fine);
        expect(result.stop).toBeNull();
      }),
      { numRuns: 200 },
    );
  });

  it("sends nothing again for which it was answered alone", async () => {
    await always(({ byItem }, { requests }) => {
      if (!byItem) return;
      const refused = requests.flatMap(({ indexes, outcome }) =>
        (outcome.failed ?? []).map(({ index }) => indexes[index]),
      );
      expect(new Set(refused).size).toBe(refused.length);
    });
  });

  it("keeps each group's order: what is delivered of it is its beginning, one after the other", async () => {
    await always(({ items, rules }, { result, requests }) => {
      if (!rules.ordered) return;
      const taken = requests.flatMap(takenBy);
      for (const group of ["a", "b", "c", "d"]) {
        const own = items.flatMap((one, index) => (one.group === group ? [index] : []));
        const delivered = own.filter((index) => result.delivered.has(index));
        expect(delivered).toEqual(own.slice(0, delivered.length));
        expect(taken.filter((index) => items[index]?.group === group)).toEqual(delivered);
      }
    });
  });

  it("goes on whatever single events come to, as long as others get through", async () => {
    const natures = ["refused", "denied"] as const;
    const items = Array.from({ length: 900 }, (_, index) => ({
      nature: index % 10 === 0 ? ("fine" as const) : (natures[index % 2] ?? "refused"),
      group: "",
    }));
    const rules = { events: 1, concurrency: 4, ordered: false, consecutiveFailures: 0 };
    const plain = { ...rules, probing: false, retried: false, up: false };
    const { result } = await run({ items, weather: [], turns: [0], byItem: false, rules: plain });
    expect(result).toMatchObject({ stop: null, consecutiveFailures: 0 });
    expect([result.delivered.size, result.failed.size]).toEqual([90, 810]);
    expect([...result.failed.values()].every(({ tried, refused }) => tried && refused)).toBe(true);
  });

  it("stops before long where every event is denied, and blames none of them", async () => {
    const items = Array.from({ length: 200 }, () => ({ nature: "denied" as const, group: "" }));
    const rules = { events: 1, concurrency: 1, ordered: false, consecutiveFailures: 0 };
    const plain = { ...rules, probing: false, retried: false, up: false };
    const { result, requests } = await run({ items, weather: [], turns: [0], byItem: false, rules: plain });
    expect(result).toMatchObject({ stop: { result: "denied" }, failed: new Map() });
    expect(requests).toHaveLength(10);
  });

  it("leaves what was probed in vain unblamed, so that the next probes try other events", async () => {
    const items = Array.from({ length: 20 }, () => ({ nature: "breaks" as const, group: "" }));
    const rules = { events: 1, concurrency: 1, ordered: false, consecutiveFailures: 5 };
    const plain = { ...rules, probing: true, retried: false, up: true };
    const { result } = await run({ items, weather: [], turns: [0], byItem: false, rules: plain });
    expect(result.stop).toMatchObject({ result: "unavailable" });
    expect([...result.failed]).toEqual(
      [0, 1].map((index) => [index, { reason: "unavailable", tried: false, refused: false }]),
    );
  });

  it("has no more requests open than it may", async () => {
    await always(({ rules }, { most }) => expect(most).toBeLessThanOrEqual(rules.concurrency));
  });

  it("begins requests no faster than it may, however many lanes there are", async () => {
    const starts: number[] = [];
    const sendable = Array.from({ length: 12 }, (_, index): Sendable => ({
      out: outgoingOf(index),
      group: "",
    }));
    const plain = { ordered: false, consecutiveFailures: 0, probing: false, retried: false, up: false };
    const rules = { ...rulesOf({ ...plain, events: 1, concurrency: 4 }), pace: createPace(50) };
    const result = await dispatch(sendable, rules, async () => {
      starts.push(Date.now());
      return answer("delivered");
    });
    expect(result.delivered.size).toBe(12);
    // A timer may go off a millisecond early by the clock, and what is late does not hurry the next.
    for (const [at, start] of starts.entries())
      expect(start - (starts[0] ?? 0)).toBeGreaterThanOrEqual(at * 20 - 3);
  });
});
