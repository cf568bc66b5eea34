// When a destination's refusals are a storm: told from dead addresses by what is usual there, and by what happens
// elsewhere.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_STORM } from "../../../src/model/suppression/policy.ts";
import {
  addCounts,
  isStorm,
  maybeStorm,
  NO_OUTCOMES,
  type OutcomeCounts,
} from "../../../src/model/suppression/storm.ts";

const counts = (outcomes: number, hard: number, refused = 0): OutcomeCounts => ({ outcomes, hard, refused });
/** A busy destination, where one mail in a hundred bounces hard. */
const USUAL = counts(20_000, 200);
const CALM = counts(5_000, 50);
const judged = (
  window: OutcomeCounts,
  more: Partial<Record<"latest" | "elsewhere" | "usual", OutcomeCounts>> = {},
) => isStorm({ window, latest: window, elsewhere: CALM, usual: USUAL, ...more }, DEFAULT_STORM);

describe("a storm", () => {
  it("is told by its figures, case by case", () => {
    const cases: [name: string, is: boolean, told: boolean][] = [
      ["everybody is called unknown", true, judged(counts(100, 98))],
      ["every third is called unknown, where one in a hundred was", true, judged(counts(300, 100))],
      ["one in ten is", false, judged(counts(300, 30))],
      ["there are too few to tell", false, judged(counts(49, 49))],
      ["mail is blocked at large", true, judged(counts(100, 0, 61))],
      ["some are blocked, some unknown", true, judged(counts(100, 35, 35), { usual: NO_OUTCOMES })],
      ["as many are unknown as ever", false, judged(counts(100, 30), { usual: counts(2_000, 700) })],
      ["an old list bounces everywhere", false, judged(counts(300, 100), { elsewhere: counts(500, 170) })],
      [
        "an old list at a new sender's",
        false,
        judged(counts(100, 40), { elsewhere: NO_OUTCOMES, usual: NO_OUTCOMES }),
      ],
      [
        "a new sender sees everybody unknown",
        true,
        judged(counts(100, 95), { elsewhere: NO_OUTCOMES, usual: NO_OUTCOMES }),
      ],
      ["the storm is over", false, judged(counts(300, 150), { latest: counts(60, 1) })],
    ];
    for (const [name, is, told] of cases) expect(told, name).toBe(is);
  });

  it("is never told from a few outcomes, nor where addresses bounce as they always do", () => {
    const count = fc.record({ good: fc.nat(500), refused: fc.nat(500), hard: fc.nat(500) });
    const drawn = count.map(({ good, refused, hard }) => counts(good + refused + hard, hard, refused));
    fc.assert(
      fc.property(drawn, drawn, drawn, drawn, (window, latest, elsewhere, usual) => {
        const told = isStorm({ window, latest, elsewhere, usual }, DEFAULT_STORM);
        if (!maybeStorm(window, DEFAULT_STORM)) expect(told).toBe(false);
        // Hard bounces alone, in the same share as before, however many mails there are.
        const same = { window: counts(window.outcomes, window.hard), latest, elsewhere };
        const before = counts(window.outcomes * 1_000, window.hard * 1_000);
        if (window.hard <= 0.9 * window.outcomes)
          expect(isStorm({ ...same, usual: before }, DEFAULT_STORM)).toBe(false);
      }),
    );
  });

  it("stays one when a destination refuses still more", () => {
    const some = fc.record({ good: fc.nat(300), hard: fc.nat(300), refused: fc.nat(300) });
    fc.assert(
      fc.property(some, fc.nat(300), ({ good, hard, refused }, more) => {
        const window = counts(good + hard + refused, hard, refused);
        const worse = addCounts(window, counts(more, more));
        if (judged(window)) expect(judged(worse)).toBe(true);
      }),
    );
  });
});
