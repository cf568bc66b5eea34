// How long a source may be silent by its habit.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY } from "../../../src/lib/time.ts";
import { LEAST_PATIENCE, patienceOf } from "../../../src/model/stats/habit.ts";

const daysOf = (...numbers: number[]): number[] => numbers.map((n) => n * DAY);

describe("a source's habit", () => {
  it("is a day and a half for one that sends every day, and covers the weekend of one that does not", () => {
    expect(patienceOf(daysOf(1, 2, 3, 4, 5, 6))).toBe(1.5 * DAY);
    expect(patienceOf(daysOf(1, 2, 3, 4, 5, 8, 9, 10))).toBe(3.5 * DAY);
    expect(patienceOf(daysOf(1, 8, 15, 22, 27))).toBe(7.5 * DAY);
  });

  it("needs events on five of the last 28 days", () => {
    expect(patienceOf([])).toBeNull();
    expect(patienceOf(daysOf(1, 2, 3, 4))).toBeNull();
    expect(patienceOf(daysOf(1, 2, 3, 3, 3, 4))).toBeNull();
    expect(patienceOf(daysOf(1, 2, 3, 4, 40))).toBeNull();
  });

  it("never calls a pause strange that is no longer than one of the last weeks, whatever their order", () => {
    const days = fc.uniqueArray(fc.integer({ min: 0, max: 27 }), { minLength: 5 });
    fc.assert(
      fc.property(days, (numbers) => {
        const patience = patienceOf(daysOf(...numbers)) ?? 0;
        expect(patience).toBeGreaterThanOrEqual(LEAST_PATIENCE);
        const sorted = numbers.toSorted((a, b) => a - b);
        for (const [i, day] of sorted.slice(1).entries())
          expect((day - (sorted[i] ?? 0) - 1) * DAY).toBeLessThan(patience);
        expect(patienceOf(daysOf(...sorted))).toBe(patience);
      }),
    );
  });
});
