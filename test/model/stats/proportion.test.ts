// Confidence intervals, checked by their properties and against published values.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newcombe, comparisonOf, wilson } from "../../../src/model/stats/proportion.ts";

describe("confidence intervals", () => {
  it("by Wilson lie within 0 to 1, contain the rate, are symmetric, and are narrower for larger samples", () => {
    const sample = fc
      .integer({ min: 1, max: 1e6 })
      .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
    fc.assert(
      fc.property(sample, ([hits, n]) => {
        const one = wilson(hits, n);
        const mirrored = wilson(n - hits, n);
        const more = wilson(hits * 4, n * 4);
        if (one === null || mirrored === null || more === null) throw new Error("no interval");
        expect(one.low).toBeGreaterThanOrEqual(0);
        expect(one.high).toBeLessThanOrEqual(1);
        expect(one.low).toBeLessThanOrEqual(one.rate);
        expect(one.high).toBeGreaterThanOrEqual(one.rate);
        expect(one.low).toBeCloseTo(1 - mirrored.high, 10);
        expect(more.high - more.low).toBeLessThan(one.high - one.low);
        expect(newcombe(one, one).low).toBeLessThanOrEqual(0);
        expect(comparisonOf(newcombe(one, one))).toBe("no difference can be told");
      }),
    );
    expect([wilson(0, 0), wilson(3, 2)]).toEqual([null, null]);
  });

  // Newcombe 1998: "Two-sided confidence intervals for the single proportion", table I, method 3; and "Interval
  // estimation for the difference", table II, method 10.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("match the published one for %i in %i", (hits, n, low, high) => {
    const found = wilson(hits, n);
    expect(found?.low).toBeCloseTo(low, 4);
    expect(found?.high).toBeCloseTo(high, 4);
  });

  it.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [10, 10, 0, 10, 0.6075, 1],
  ])("match the published one for %i/%i - %i/%i", (a, n, b, m, low, high) => {
    const [one, other] = [wilson(a, n), wilson(b, m)];
    if (one === null || other === null) throw new Error("no interval");
    const found = newcombe(one, other);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });
});
