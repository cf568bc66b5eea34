// Buckets of time, and the tables from which a range is read.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  endOf,
  alignToBuckets,
  rangesByTable,
  startOf,
  type Bucket,
} from "../../../src/model/stats/counts.ts";
import { DAY } from "../../api/stats/told.ts";

describe("buckets", () => {
  it("lie end to end and contain their instants, and the pieces of a range cover it exactly once", () => {
    const instants = fc.integer({ min: 0, max: 4e12 });
    const buckets = fc.constantFrom<Bucket>("5m", "hour", "day", "week", "month", "none");
    fc.assert(
      fc.property(instants, instants, buckets, (a, b, bucket) => {
        const start = startOf(bucket, a);
        const end = endOf(bucket, start);
        expect(start <= a && a < end).toBe(true);
        expect(startOf(bucket, end)).toBe(end);
        expect(startOf(bucket, end - 1)).toBe(start);
        if (bucket === "week") expect(new Date(start).getUTCDay()).toBe(1);
        fc.pre(a < b);
        const range = alignToBuckets({ from: a, to: b }, bucket, false);
        expect(alignToBuckets(range, bucket, false)).toEqual(range);
        expect(range.from <= a && range.to >= b).toBe(true);
        let at = range.from;
        for (const piece of rangesByTable(range, bucket)) {
          expect(piece.from).toBe(at);
          expect(piece.to).toBeGreaterThan(at);
          if (piece.by === "day") expect(piece.from % DAY === 0 && piece.to % DAY === 0).toBe(true);
          at = piece.to;
        }
        expect(at).toBe(range.to);
      }),
    );
  });
});
