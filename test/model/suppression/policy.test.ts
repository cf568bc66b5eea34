// The default suppression policy: which evidence suppresses, and which does not.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { suppressionsOf } from "../../../src/model/suppression/fold.ts";
import { strongestOf } from "../../../src/model/suppression/in-force.ts";
import {
  addEvidence,
  evidenceOf,
  NO_EVIDENCE,
  type Evidence,
} from "../../../src/model/suppression/evidence.ts";
import { DEFAULT_POLICY, samePolicy } from "../../../src/model/suppression/policy.ts";

const DAY = 86_400_000;

const START = Date.UTC(2026, 0, 10);
/** Long after all that happens here. */
const NOW = Date.UTC(2027, 0, 1);

const POLICIES = samePolicy(DEFAULT_POLICY);

type Kind = Evidence["kind"];

let serial = 0;

const evidence = (kind: Kind, days: number): Evidence => ({
  kind,
  at: START + days * DAY,
  id: `f${++serial}`,
  source: "mailjet",
});

const fold = (facts: readonly Evidence[]) =>
  facts.reduce((known, one) => addEvidence(known, one), NO_EVIDENCE);

const reasons = (facts: readonly Evidence[]): string[] =>
  suppressionsOf(fold(facts), POLICIES, NOW).map(
    ({ reason, lifted_at }) => reason + (lifted_at === null ? "" : " lifted"),
  );

describe("the default suppression policy", () => {
  it("suppresses by its rules, case by case", () => {
    const cases: [story: [Kind, number][], expected: string[]][] = [
      [[["good", 0]], []],
      [[["hard", 0]], ["hard_bounce"]],
      [
        [
          ["hard", 0],
          ["good", 1],
        ],
        ["hard_bounce"],
      ],
      [
        [
          ["complaint", 0],
          ["good", 1],
        ],
        ["complaint"],
      ],
      [
        [
          ["unsubscribed", 0],
          ["subscribed", 1],
        ],
        ["unsubscribed lifted"],
      ],
      [
        [
          ["subscribed", 0],
          ["unsubscribed", 1],
        ],
        ["unsubscribed"],
      ],
      [
        [
          ["unsubscribed", 1],
          ["subscribed", 1],
        ],
        ["unsubscribed"],
      ],
      [
        [
          ["unsubscribed", 0],
          ["subscribed", 1],
          ["unsubscribed", 2],
        ],
        ["unsubscribed lifted", "unsubscribed"],
      ],
      [
        [
          ["soft", 0],
          ["soft", 1],
          ["soft", 2],
        ],
        ["soft_bounces"],
      ],
      [
        [
          ["soft", 0],
          ["soft", 1],
        ],
        [],
      ],
      [
        [
          ["soft", 0],
          ["soft", 0.1],
          ["soft", 0.2],
        ],
        [],
      ],
      [
        [
          ["soft", 0],
          ["soft", 0.1],
          ["soft", 0.2],
          ["soft", 1],
        ],
        ["soft_bounces"],
      ],
      [
        [
          ["soft", 0],
          ["soft", 15],
          ["soft", 30],
        ],
        ["soft_bounces"],
      ],
      [
        [
          ["soft", 0],
          ["soft", 15],
          ["soft", 30.1],
        ],
        [],
      ],
      [
        [
          ["soft", 0],
          ["soft", 1],
          ["good", 1.5],
          ["soft", 2],
        ],
        [],
      ],
      [
        [
          ["soft", 0],
          ["soft", 1],
          ["good", 1.5],
          ["soft", 2],
          ["soft", 3],
          ["soft", 4],
        ],
        ["soft_bounces"],
      ],
      [
        [
          ["soft", 0],
          ["soft", 1],
          ["soft", 2],
          ["good", 3],
        ],
        ["soft_bounces"],
      ],
    ];
    for (const [story, expected] of cases) {
      expect(reasons(story.map(([kind, days]) => evidence(kind, days))), JSON.stringify(story)).toEqual(
        expected,
      );
    }
  });

  it("gives the same result for every order of arrival and for repeated evidence", () => {
    const kinds = fc.constantFrom<Kind>("hard", "soft", "good", "complaint", "unsubscribed", "subscribed");
    const facts = fc.array(fc.tuple(kinds, fc.integer({ min: 0, max: 40 })), { maxLength: 24 });
    fc.assert(
      fc.property(facts, fc.infiniteStream(fc.nat()), (drawn, random) => {
        const story = drawn.map(([kind, days]) => evidence(kind, days));
        const shuffled = [...story, ...story]
          .map((one) => ({ one, at: random.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        expect(suppressionsOf(fold(shuffled), POLICIES, NOW)).toEqual(
          suppressionsOf(fold(story), POLICIES, NOW),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("takes no evidence from blocks, drops and the like, and takes a bounce without a class as soft", () => {
    for (const type of [
      "blocked",
      "dropped",
      "failed",
      "deferred",
      "queued",
      "sent",
      "unknown",
      "autoresponded",
    ] as const) {
      expect(evidenceOf({ type, bounce: null, occurred_at: START }, "id", "s")).toBeNull();
    }
    expect(evidenceOf({ type: "bounced", bounce: null, occurred_at: START }, "id", "s")?.kind).toBe("soft");
  });

  it("keeps its evidence small, and its result right, over a long life", () => {
    const opens = Array.from({ length: 3_000 }, (_, i) => evidence("good", i / 10));
    const lists = Array.from({ length: 300 }, (_, i) =>
      evidence(i % 2 === 0 ? "unsubscribed" : "subscribed", i),
    );
    const known = fold([
      ...opens,
      ...lists,
      evidence("soft", 100.01),
      evidence("soft", 101.01),
      evidence("soft", 102.01),
    ]);
    expect(JSON.stringify(known).length).toBeLessThan(20_000);
    expect(strongestOf(suppressionsOf(known, POLICIES, NOW), NOW)).toBeNull();
    const bounced = fold([
      evidence("soft", 0),
      evidence("soft", 1),
      evidence("soft", 2),
      ...opens.map((one) => ({ ...one, at: one.at + 3 * DAY })),
    ]);
    expect(strongestOf(suppressionsOf(bounced, POLICIES, NOW), NOW)?.reason).toBe("soft_bounces");
  });

  it("reports the strongest reason in force", () => {
    const story = [evidence("hard", 0), evidence("complaint", 1), evidence("unsubscribed", 2)];
    expect(strongestOf(suppressionsOf(fold(story), POLICIES, NOW), NOW)?.reason).toBe("complaint");
  });
});
