// A contact's suppressions as a pure function of the evidence: the same in every order, by list, lifted, held.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decision } from "../../../src/model/suppression/decision.ts";
import { suppressionsOf, type Suppression } from "../../../src/model/suppression/fold.ts";
import { strongestOf } from "../../../src/model/suppression/in-force.ts";
import {
  addManualSuppression,
  addEvidence,
  addDecision,
  NO_EVIDENCE,
  type ManualSuppression,
  type Evidence,
  type EvidenceRecord,
} from "../../../src/model/suppression/evidence.ts";
import { DEFAULT_POLICY, samePolicy, type Policies } from "../../../src/model/suppression/policy.ts";

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 10);
/** Long after all that happens here. */
const NOW = Date.UTC(2027, 0, 1);
const POLICIES = samePolicy(DEFAULT_POLICY);
const STORM = { destination: "gmail", refused: 40, outcomes: 50, at: START };

type Said = { evidence: Evidence } | { entry: ManualSuppression } | { ruling: Decision };
const add = (facts: EvidenceRecord, said: Said): EvidenceRecord => {
  if ("evidence" in said) return addEvidence(facts, said.evidence);
  return "entry" in said ? addManualSuppression(facts, said.entry) : addDecision(facts, said.ruling);
};
const fold = (story: readonly Said[]): EvidenceRecord => story.reduce(add, NO_EVIDENCE);
const of = (story: readonly Said[], policies: Policies = POLICIES): Suppression[] =>
  suppressionsOf(fold(story), policies, NOW);
/** The suppressions in short: reason@scope, followed by the person or event that lifted it, or by "held". */
const told = (story: readonly Said[], policies?: Policies): string[] =>
  of(story, policies).map(
    ({ reason, scope, lifted_by, held }) =>
      reason +
      (scope && `@${scope}`) +
      (lifted_by === null ? "" : ` -${lifted_by}`) +
      (held === null ? "" : " held"),
  );

let serial = 0;
const at = (days: number): number => START + Math.round(days * DAY);
const evidence = (kind: Evidence["kind"], days: number, more: Partial<Evidence> = {}): Said => ({
  evidence: { kind, at: at(days), id: `f${++serial}`, source: "mailjet", ...more },
});
const entry = (days: number, more: Partial<ManualSuppression> = {}): Said => ({
  entry: {
    reason: "manual",
    at: at(days),
    id: `e${++serial}`,
    source: "api",
    scope: "",
    by: "bob",
    note: null,
    ...more,
  },
});
const ruling = (kind: Decision["kind"], days: number, more: Partial<Decision> = {}): Said => ({
  ruling: {
    kind,
    at: at(days),
    id: `r${++serial}`,
    by: "eve",
    note: null,
    reason: null,
    scope: null,
    ends: [],
    ...more,
  },
});
const byList = samePolicy({ ...DEFAULT_POLICY, scope: "list" });

describe("the suppressions of a contact", () => {
  const scopes = fc.constantFrom("", "mailjet:1", "mailjet:2");
  const days = fc.integer({ min: 0, max: 12 });
  const said = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        what: fc.constantFrom<Evidence["kind"]>(
          "hard",
          "soft",
          "soft",
          "good",
          "complaint",
          "unsubscribed",
          "subscribed",
        ),
        days,
        scope: scopes,
        storm: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        what: fc.constant("entry" as const),
        days,
        scope: scopes,
        reason: fc.constantFrom<ManualSuppression["reason"]>(
          "manual",
          "hard_bounce",
          "unsubscribed",
          "soft_bounces",
        ),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constantFrom<Decision["kind"]>("lift", "release", "drop"),
        days,
        only: fc.option(
          fc.constantFrom<ManualSuppression["reason"]>(
            "manual",
            "hard_bounce",
            "unsubscribed",
            "soft_bounces",
          ),
        ),
        scope: fc.option(scopes),
        future: fc.boolean(),
      }),
    },
  );
  const stories = fc.array(said, { maxLength: 22 }).map((drawn) =>
    drawn.map((one, i): Said => {
      const id = `x${i}`;
      if (one.what === "entry") return entry(one.days, { id, scope: one.scope, reason: one.reason });
      if (one.what === "lift" || one.what === "release" || one.what === "drop") {
        const ends = "future" in one && one.future ? ["x0", "x1"] : [];
        const { only, scope } = one as { only: ManualSuppression["reason"] | null; scope: string | null };
        return ruling(one.what, one.days, {
          id,
          ends,
          ...(one.what === "lift" ? { reason: only, scope } : {}),
        });
      }
      const { scope, storm } = one as { scope: string; storm: boolean };
      const more = one.what === "soft" ? (storm ? { storm: STORM } : {}) : scope === "" ? {} : { scope };
      return evidence(one.what, one.days, { id, ...more });
    }),
  );

  it("are the same for every order of arrival, lifts included, and for repeated evidence", () => {
    fc.assert(
      fc.property(stories, fc.infiniteStream(fc.nat()), fc.boolean(), (story, random, lists) => {
        const policies = lists ? byList : POLICIES;
        const shuffled = [...story, ...story]
          .map((one) => ({ one, place: random.next().value ?? 0 }))
          .sort((a, b) => a.place - b.place)
          .map(({ one }) => one);
        expect(of(shuffled, policies)).toEqual(of(story, policies));
      }),
      { numRuns: 1_000 },
    );
  });

  it("are all ended by a lift if their event happened until then, and not if it happens afterwards", () => {
    fc.assert(
      fc.property(stories, days, (story, day) => {
        const lift = ruling("lift", day, { id: "last", by: "last" });
        const calm = story.filter((one) => !("ruling" in one));
        for (const one of of([...calm, lift])) {
          expect(one.lifted_at !== null && one.lifted_at <= at(day), JSON.stringify(one)).toBe(
            one.at <= at(day),
          );
        }
        const after = calm.filter(
          (one) => ("evidence" in one ? one.evidence.at : "entry" in one ? one.entry.at : 0) > at(day),
        );
        const standing = (list: Suppression[]) => list.filter(({ lifted_at }) => lifted_at === null);
        expect(standing(of([...calm, lift]))).toEqual(standing(of(after)));
      }),
      { numRuns: 500 },
    );
  });

  it("are held only if they come from soft bounces, and a storm alone never suppresses", () => {
    fc.assert(
      fc.property(stories, (story) => {
        for (const one of of(story)) if (one.held !== null) expect(one.reason).toBe("soft_bounces");
        const storm = story.filter(
          (one) => "evidence" in one && (one.evidence.storm !== undefined || one.evidence.kind === "good"),
        );
        expect(strongestOf(of(storm), NOW)).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  it("stay small over a long life, whatever the order", () => {
    const long = Array.from({ length: 400 }, (_, i) => [
      evidence("hard", i / 7),
      evidence("complaint", i / 5, { scope: `mailjet:${i % 9}` }),
      evidence("unsubscribed", i / 3, { scope: `mailjet:${i % 5}` }),
      entry(i / 9, { note: "x".repeat(500), scope: `a:${i % 90}` }),
      ruling("lift", i, { reason: "manual", note: "y".repeat(500) }),
    ]).flat();
    const facts = fold(long);
    expect(JSON.stringify(facts).length).toBeLessThan(200_000);
    expect(suppressionsOf(fold(long.toReversed()), byList, NOW)).toEqual(suppressionsOf(facts, byList, NOW));
    expect(JSON.stringify(suppressionsOf(facts, byList, NOW)).length).toBeLessThan(150_000);
    // The first evidence speaks for all, however many follow.
    expect(of(long).find(({ reason }) => reason === "hard_bounce")?.at).toBe(START);
  });

  it("follow the rules, case by case", () => {
    const soft = (days: number) => evidence("soft", days);
    const stormy = (days: number) => evidence("soft", days, { storm: STORM });
    const cases: [name: string, story: Said[], expected: string[], policies?: Policies][] = [
      ["a lift ends", [evidence("hard", 0), ruling("lift", 1)], ["hard_bounce -eve"]],
      [
        "later evidence suppresses anew",
        [evidence("hard", 0), ruling("lift", 1), evidence("hard", 2)],
        ["hard_bounce -eve", "hard_bounce"],
      ],
      [
        "earlier evidence that is heard of later does not",
        [ruling("lift", 1), evidence("hard", 0)],
        ["hard_bounce -eve"],
      ],
      [
        "a lift of one reason",
        [evidence("hard", 0), evidence("complaint", 0), ruling("lift", 1, { reason: "hard_bounce" })],
        ["hard_bounce -eve", "complaint"],
      ],
      [
        "what is dated later but was known",
        [evidence("hard", 5, { id: "early" }), ruling("lift", 1, { ends: ["early"] }), evidence("hard", 3)],
        ["hard_bounce", "hard_bounce -eve"],
      ],
      [
        "a lift begins the run of soft bounces anew",
        [soft(0), soft(1), ruling("lift", 1.5), soft(2), soft(3)],
        [],
      ],
      [
        "... and it can be met again",
        [soft(0), soft(1), soft(2), ruling("lift", 2.5), soft(3), soft(4), soft(5)],
        ["soft_bounces -eve", "soft_bounces"],
      ],
      [
        "an unsubscribe is lifted by a subscribe or by hand, whichever was first",
        [evidence("unsubscribed", 0), ruling("lift", 1), evidence("subscribed", 2)],
        ["unsubscribed -eve"],
      ],
      [
        "a subscribe does not lift what a person entered for another reason",
        [entry(0), evidence("subscribed", 1)],
        ["manual"],
      ],
      [
        "joining one list again lifts neither an unsubscribe from all mail nor one from another list",
        [
          evidence("unsubscribed", 0),
          evidence("unsubscribed", 1, { scope: "mailjet:1" }),
          evidence("unsubscribed", 2, { scope: "mailjet:2" }),
          evidence("subscribed", 3, { id: "sub", scope: "mailjet:1" }),
        ],
        ["unsubscribed", "unsubscribed -sub"],
      ],
      [
        "joining the only list that was left lifts the unsubscribe, although it suppressed all mail",
        [
          evidence("unsubscribed", 0, { scope: "mailjet:1" }),
          evidence("subscribed", 1, { id: "sub", scope: "mailjet:1" }),
        ],
        ["unsubscribed -sub"],
      ],
      [
        "a subscribe to all mail lifts the unsubscribes from all lists",
        [
          evidence("unsubscribed", 0),
          evidence("unsubscribed", 1, { scope: "mailjet:1" }),
          entry(2, { reason: "unsubscribed", scope: "mailjet:2" }),
          evidence("subscribed", 3, { id: "sub" }),
        ],
        ["unsubscribed -sub", "unsubscribed@mailjet:2 -sub"],
      ],
      [
        "a subscribe to all mail lifts the unsubscribes from all lists, also where lists are kept apart",
        [evidence("unsubscribed", 0, { scope: "mailjet:1" }), evidence("subscribed", 1, { id: "sub" })],
        ["unsubscribed@mailjet:1 -sub"],
        byList,
      ],
      [
        "joining a list does not lift an unsubscribe from all mail, also where lists are kept apart",
        [evidence("unsubscribed", 0), evidence("subscribed", 1, { scope: "mailjet:1" })],
        ["unsubscribed"],
        byList,
      ],
      [
        "joining a list does not lift an imported unsubscribe from all mail",
        [entry(0, { reason: "unsubscribed" }), evidence("subscribed", 1, { scope: "mailjet:1" })],
        ["unsubscribed"],
      ],
      [
        "lists apart",
        [
          evidence("unsubscribed", 0, { scope: "mailjet:1" }),
          evidence("unsubscribed", 1, { scope: "mailjet:2" }),
          evidence("subscribed", 2, { id: "sub", scope: "mailjet:1" }),
        ],
        ["unsubscribed@mailjet:1 -sub", "unsubscribed@mailjet:2"],
        byList,
      ],
      [
        "lists taken for all mail",
        [
          evidence("unsubscribed", 0, { scope: "mailjet:1" }),
          evidence("unsubscribed", 1, { scope: "mailjet:2" }),
        ],
        ["unsubscribed"],
      ],
      [
        "a lift of one list",
        [entry(0, { scope: "a:1" }), entry(0, { scope: "a:2" }), ruling("lift", 1, { scope: "a:1" })],
        ["manual@a:1 -eve", "manual@a:2"],
      ],
      ["held", [stormy(0), stormy(1), stormy(2)], ["soft_bounces held"]],
      ["held by the one that decides", [soft(0), soft(1), stormy(2)], ["soft_bounces held"]],
      ["in force without the storm's", [soft(0), stormy(1), soft(2), soft(3)], ["soft_bounces"]],
      ["released", [stormy(0), stormy(1), stormy(2), ruling("release", 3)], ["soft_bounces"]],
      ["dropped", [stormy(0), stormy(1), stormy(2), ruling("drop", 3)], []],
      [
        "the first word counts",
        [stormy(0), stormy(1), stormy(2), ruling("release", 4), ruling("drop", 3)],
        [],
      ],
      [
        "dropped ones do not come back with the next storm",
        [stormy(0), stormy(1), stormy(2), ruling("drop", 3), stormy(4)],
        [],
      ],
      [
        "reasons that do not count",
        [evidence("hard", 0), evidence("complaint", 0)],
        ["complaint"],
        samePolicy({ ...DEFAULT_POLICY, reasons: ["complaint"] }),
      ],
    ];
    for (const [name, story, expected, policies] of cases)
      expect(told(story, policies), name).toEqual(expected);
    const mixed: Policies = {
      longestWindowDays: 30,
      of: (source) =>
        source === "strict" ? { ...DEFAULT_POLICY, softBounces: 1, softBounceDays: 1 } : DEFAULT_POLICY,
    };
    expect(told([evidence("soft", 0)], mixed)).toEqual([]);
    expect(told([evidence("soft", 0, { source: "strict" })], mixed)).toEqual(["soft_bounces"]);
    expect(of([stormy(0), stormy(1), stormy(2)])[0]?.held).toBe(
      "gmail refused 40 of 50 mails (80 %) in the 15 minutes before 2026-01-10T00:00Z",
    );
  });

  it("of one list count for that list, beside those for all mail", () => {
    const found = of([entry(0, { scope: "a:1" })]);
    expect([
      strongestOf(found, NOW),
      strongestOf(found, NOW, "a:2"),
      strongestOf(found, NOW, "a:1")?.scope,
    ]).toEqual([null, null, "a:1"]);
    expect(strongestOf(of([entry(0), evidence("hard", 0)]), NOW)?.reason).toBe("manual");
    expect(strongestOf(of([entry(0), evidence("complaint", 0)]), NOW)?.reason).toBe("complaint");
  });
});
