// The circuit breaker by itself: what one delivery changes, and what holds after any series of deliveries.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isProbing,
  isWaiting,
  judgeDelivery,
  LEAST_REFUSED,
  LIMITS,
  PATIENCE,
  probeWait,
  resetCircuit,
  type Decision,
  type DestinationState,
  type Findings,
  type Stop,
} from "../../src/pipes/circuit.ts";

const NOW = Date.UTC(2026, 10, 21, 9, 30);
const SECOND = 1_000;
const HOUR = 3_600_000;

const FRESH: DestinationState = {
  consecutiveFailures: 0,
  consecutiveDenials: 0,
  consecutiveRefusals: 0,
  failing_since: null,
  circuit: null,
  delivered: 0,
  delivered_at: null,
  failed_at: null,
  failure: null,
};
const NOTHING: Findings = {
  delivered: 0,
  refused: 0,
  answered: false,
  failure: null,
  consecutiveFailures: 0,
  consecutiveDenials: 0,
  stop: null,
};
const DOWN: Stop = { result: "unavailable", reason: "answered 503", retryAfter: null };

/** A delivery that found the destination down. */
const down = (change: Partial<Stop> = {}): Findings => ({
  ...NOTHING,
  failure: "answered 503",
  consecutiveFailures: LIMITS.failures,
  stop: { ...DOWN, ...change },
});

/** Judges with a draw in the middle, which leaves waits as they are. */
const judge = (state: DestinationState, findings: Findings, now = NOW): Decision<DestinationState> =>
  judgeDelivery(state, findings, now, 0.5);

describe("a closed circuit", () => {
  it("stays closed while events arrive, and counts them", () => {
    const { state, stopped, pause } = judge(FRESH, { ...NOTHING, delivered: 7 });
    expect(state).toEqual({ ...FRESH, delivered: 7, delivered_at: NOW });
    expect({ stopped, pause }).toEqual({ stopped: false, pause: null });
  });

  it("stays closed when single events fail, and remembers why", () => {
    const found = { ...NOTHING, delivered: 1, refused: 2, failure: "answered 400" };
    expect(judge(FRESH, found).state).toMatchObject({
      circuit: null,
      consecutiveRefusals: 0,
      failed_at: NOW,
      failure: "answered 400",
    });
  });

  it("opens when nothing gets through, for five seconds at first", () => {
    const { state, stopped, pause } = judge(FRESH, down());
    expect(state.circuit).toEqual({
      result: "unavailable",
      reason: "answered 503",
      since: NOW,
      until: NOW + 5 * SECOND,
      probes: 1,
    });
    expect(state.consecutiveFailures).toBe(LIMITS.failures);
    expect(isProbing(state)).toBe(true);
    expect({ stopped, pause }).toEqual({ stopped: true, pause: null });
  });

  it("opens for as long as the destination asks, and wants no probes then", () => {
    const { state } = judge(FRESH, down({ result: "slow_down", retryAfter: 600 * SECOND }));
    expect(state.circuit?.until).toBe(NOW + 600 * SECOND);
    expect(isProbing(state)).toBe(false);
    expect(judge(state, NOTHING, NOW + 600 * SECOND).state.circuit).toBeNull();
  });
});

describe("an open circuit", () => {
  const open = judge(FRESH, down()).state;

  it("lets nothing through before its time, and then a probe", () => {
    expect(isWaiting(open, NOW + 5 * SECOND - 1)).toBe(true);
    expect(isWaiting(open, NOW + 5 * SECOND)).toBe(false);
    expect(isWaiting(FRESH, NOW)).toBe(false);
  });

  it("stays open from the same moment on when a probe fails, and waits longer", () => {
    const later = NOW + 10 * SECOND;
    expect(judge(open, down(), later).state.circuit).toMatchObject({
      since: NOW,
      until: later + 15 * SECOND,
      probes: 2,
    });
  });

  it("stays open as long as nothing is sent, and closes with an answer about an event", () => {
    expect(judge(open, NOTHING).state.circuit).toEqual(open.circuit);
    const found = { ...NOTHING, answered: true, refused: 1, failure: "answered 400" };
    expect(judge(open, found).state.circuit).toBeNull();
  });

  it("closes with the first event that arrives", () => {
    expect(judge(open, { ...NOTHING, delivered: 1 }).state.circuit).toBeNull();
  });

  it("opens anew, from now on, when an event arrives and then nothing does", () => {
    const later = NOW + HOUR;
    const { state } = judge(open, { ...down(), delivered: 1 }, later);
    expect(state.circuit).toMatchObject({ since: later, until: later + 5 * SECOND, probes: 1 });
  });

  it("probes at once after a person resumed the pipe, and has 75 hours again", () => {
    const later = NOW + 70 * HOUR;
    const reset = resetCircuit({ ...open, consecutiveRefusals: 199, failing_since: NOW }, later);
    expect(isWaiting(reset, later)).toBe(false);
    expect(reset).toMatchObject({ consecutiveRefusals: 0, failing_since: null });
    expect(judge(reset, down(), later + 70 * HOUR).pause).toBeNull();
    expect(resetCircuit(FRESH, later)).toEqual(FRESH);
  });
});

describe("pausing", () => {
  const open = judge(FRESH, down()).state;

  it("comes after 75 hours in which nothing got through", () => {
    expect(judge(open, down(), NOW + PATIENCE).pause).toBeNull();
    expect(judge(open, down(), NOW + PATIENCE + 1).pause).toBe(
      "nothing got through for 75 hours: answered 503",
    );
  });

  it("comes at once when the destination asks never to be called again", () => {
    expect(judge(FRESH, down({ result: "gone", reason: "answered 410" })).pause).toBe(
      "answered 410: the destination asks not to be called again",
    );
  });

  it("comes after 75 hours in which many events were refused and none got through", () => {
    const refusing = { ...NOTHING, answered: true, refused: LEAST_REFUSED, failure: "answered 400" };
    const { state, pause } = judge(FRESH, refusing);
    expect([pause, state.failing_since]).toEqual([null, NOW]);
    expect(judge(state, refusing, NOW + PATIENCE)).toMatchObject({ stopped: false, pause: null });
    expect(judge(state, refusing, NOW + PATIENCE + 1)).toMatchObject({
      stopped: true,
      pause: "nothing got through for 75 hours: answered 400",
    });
    const between = judge(state, { ...NOTHING, delivered: 1, answered: true }, NOW + HOUR).state;
    expect(between).toMatchObject({ consecutiveRefusals: 0, failing_since: null });
    expect(judge(between, refusing, NOW + PATIENCE + 1).pause).toBeNull();
  });

  it("does not come because of a few events that the destination refuses", () => {
    const few = { ...NOTHING, answered: true, refused: LEAST_REFUSED - 1, failure: "answered 422" };
    const { state } = judge(FRESH, few);
    const retried = judge(state, { ...few, refused: 0 }, NOW + PATIENCE + 1);
    expect(retried).toMatchObject({ stopped: false, pause: null });
  });
});

const stop: fc.Arbitrary<Stop> = fc.record({
  result: fc.constantFrom("unavailable", "slow_down", "denied", "gone"),
  reason: fc.constantFrom("answered 503", "answered 401"),
  retryAfter: fc.option(fc.integer({ min: 0, max: 2 * HOUR })),
});
const delivery = fc.record({
  wait: fc.integer({ min: 0, max: 10 * HOUR }),
  random: fc.double({ min: 0, max: 1, noNaN: true }),
  findings: fc.record({
    delivered: fc.oneof(fc.constant(0), fc.nat({ max: 20 })),
    refused: fc.nat({ max: 120 }),
    answered: fc.boolean(),
    failure: fc.option(fc.constantFrom("answered 400", "answered 503")),
    consecutiveFailures: fc.nat({ max: 8 }),
    consecutiveDenials: fc.nat({ max: 12 }),
    stop: fc.option(stop, { freq: 2 }),
  }),
});

interface Step {
  now: number;
  before: DestinationState;
  findings: Findings;
  random: number;
  decision: Decision<DestinationState>;
}

/** Every delivery of a series, in turn. */
function everyStep(holds: (step: Step, steps: readonly Step[]) => void): void {
  fc.assert(
    fc.property(fc.array(delivery, { maxLength: 40 }), (deliveries) => {
      let now = NOW;
      let before = FRESH;
      const steps: Step[] = [];
      for (const { wait, random, findings } of deliveries) {
        now += wait;
        const decision = judgeDelivery(before, findings, now, random);
        steps.push({ now, before, findings, random, decision });
        holds(steps[steps.length - 1] as Step, steps);
        before = decision.state;
      }
    }),
    { numRuns: 500 },
  );
}

describe("after any series of deliveries", () => {
  it("the circuit is open after each stop, and closed after each success without one", () => {
    everyStep(({ findings, decision: { state, stopped } }) => {
      if (findings.stop !== null) expect([state.circuit !== null, stopped]).toEqual([true, true]);
      else if (findings.delivered > 0) expect(state.circuit).toBeNull();
    });
  });

  it("an answer never opens a closed circuit", () => {
    everyStep(({ before, findings, decision: { state } }) => {
      if (findings.stop === null && before.circuit === null) expect(state.circuit).toBeNull();
    });
  });

  it("it waits at least as long as it was asked to, and at most 36 minutes otherwise", () => {
    everyStep(({ now, findings: { stop: found }, decision: { state } }) => {
      if (found === null || state.circuit === null) return;
      const wait = state.circuit.until - now;
      expect(wait).toBeGreaterThanOrEqual(Math.max(found.retryAfter ?? 0, 4 * SECOND));
      expect(wait).toBeLessThanOrEqual(Math.max(found.retryAfter ?? 0, 36 * 60 * SECOND));
    });
  });

  it("it has been open since the first failure after the last success, and counts each probe", () => {
    everyStep(({ decision: { state } }, steps) => {
      if (state.circuit === null) return;
      const closed = steps.findLastIndex(
        ({ findings, before }) => findings.delivered > 0 || findings.answered || before.circuit === null,
      );
      const stops = steps.slice(Math.max(closed, 0)).filter(({ findings }) => findings.stop !== null);
      expect(state.circuit.since).toBe(stops[0]?.now);
      expect(state.circuit.probes).toBe(stops.length);
    });
  });

  it("the pipe is paused on 410 and after 75 hours alone, and sends nothing more then", () => {
    everyStep(({ now, before, findings, decision: { pause, stopped, state } }) => {
      if (pause === null) return;
      expect(stopped).toBe(true);
      const since = findings.delivered > 0 || findings.answered ? null : before.circuit?.since;
      const late = since !== null && since !== undefined && now - since > PATIENCE;
      const refused =
        state.consecutiveRefusals >= LEAST_REFUSED && now - (state.failing_since ?? now) > PATIENCE;
      expect(findings.stop?.result === "gone" || late || refused).toBe(true);
    });
  });

  it("it counts every event that arrived", () => {
    everyStep(({ decision: { state } }, steps) => {
      const sum = steps.reduce((total, { findings }) => total + findings.delivered, 0);
      expect(state.delivered).toBe(sum);
      const last = steps.findLast(({ findings }) => findings.delivered > 0);
      expect(state.delivered_at).toBe(last?.now ?? null);
    });
  });
});

it("waits longer from probe to probe, up to half an hour, and up to a fifth more or less", () => {
  const waits = Array.from({ length: 8 }, (_, probes) => probeWait(probes, 0.5) / SECOND);
  expect(waits).toEqual([5, 15, 60, 300, 900, 1800, 1800, 1800]);
  expect([probeWait(0, 0), probeWait(0, 1)]).toEqual([4 * SECOND, 6 * SECOND]);
});
