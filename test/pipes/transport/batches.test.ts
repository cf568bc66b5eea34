// Cutting a batch and putting its outcome together: whatever the sizes and answers, each event is accounted for once.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Outcome, Outgoing, DeliveryResult } from "../../../src/pipes/kinds/kind.ts";
import { deliverInRequests } from "../../../src/pipes/transport/batches.ts";
import { outgoing } from "../attempts.ts";

const LIMITS = { events: 4, bytes: 100, one: 150 };
const VERDICTS: DeliveryResult[] = ["delivered", "refused", "unavailable", "slow_down", "denied", "gone"];

interface Answered {
  result: DeliveryResult;
  /** Which of its events it does not take, where the result is `delivered`. */
  items: boolean[];
}

const answers = fc.array(
  fc.record({ result: fc.constantFrom(...VERDICTS), items: fc.array(fc.boolean(), { maxLength: 4 }) }),
  { minLength: 60, maxLength: 60 },
);

describe("deliverInSlices", () => {
  it("accounts for each event once, within the limits and in order", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 170 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(sizes, answers, async (lengths, script) => {
        const batch = lengths.map(() => outgoing());
        const place = new Map(batch.map((event, index) => [event, index]));
        const sizeOf = (event: Outgoing): number => lengths[place.get(event) ?? -1] ?? 0;
        const sent: Outgoing[][] = [];
        const taken = new Set<number>();

        const send = async (slice: readonly Outgoing[]): Promise<Outcome> => {
          const { result, items } = script[sent.length] as Answered;
          sent.push([...slice]);
          const refused =
            result === "delivered" ? slice.map((_, at) => items[at] === true) : slice.map(() => true);
          for (const [at, event] of slice.entries())
            if (refused[at] === false) taken.add(place.get(event) ?? -1);
          const reason = result === "delivered" ? null : "words";
          const common = { result, reason, status: 200, retryAfter: 3 };
          if (result !== "delivered" || !refused.includes(true)) return common;
          const failed = refused.flatMap((not, index) =>
            not ? [{ index, result: "unavailable" as const, reason: "words" }] : [],
          );
          return { ...common, failed };
        };

        const outcome = await deliverInRequests(batch, sizeOf, LIMITS, send);
        const failed = outcome.failed ?? [];

        for (const slice of sent) {
          const total = slice.reduce((sum, event) => sum + sizeOf(event), 0);
          expect(slice.length).toBeGreaterThan(0);
          expect(slice.length).toBeLessThanOrEqual(LIMITS.events);
          if (slice.length > 1) expect(total).toBeLessThanOrEqual(LIMITS.bytes);
          else expect(total).toBeLessThanOrEqual(LIMITS.one);
        }
        // Those of several that were refused whole came again in halves.
        const last = sent.filter((slice, at) => slice.length === 1 || script[at]?.result !== "refused");
        const order = last.flat().map((event) => place.get(event) ?? -1);
        expect(order).toEqual(order.toSorted((one, other) => one - other));

        // Told as delivered: exactly what was taken.
        if (outcome.result === "delivered") {
          const lost = new Set(failed.map(({ index }) => index));
          expect(lost.size).toBe(failed.length);
          expect(batch.map((_, index) => !lost.has(index))).toEqual(
            batch.map((_, index) => taken.has(index)),
          );
        } else expect(taken.size).toBe(0);
        // And nothing that fits is refused that the destination did not refuse alone.
        const alone = new Set(
          sent.flatMap((slice, at) =>
            slice.length === 1 && script[at]?.result === "refused"
              ? (place.get(slice[0] as Outgoing) ?? -1)
              : [],
          ),
        );
        for (const { index, result } of failed) {
          if (result === "refused" && !alone.has(index)) expect(lengths[index]).toBeGreaterThan(LIMITS.one);
        }
      }),
      { numRuns: 500 },
    );
  });
});
