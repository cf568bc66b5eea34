// The rules that are pure: ids, a message's status, a contact's suppressions.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { strongestOf, suppressionsOf } from "../src/model/suppression/fold.ts";
import { addEvidence, evidenceOf, NO_EVIDENCE, type Evidence } from "../src/model/suppression/evidence.ts";
import { DEFAULT_POLICY, samePolicy } from "../src/model/suppression/policy.ts";
import {
  decodeFrame,
  encodeFrame,
  encodeGzipped,
  encodePointer,
  headerOf,
  fromLine,
  toLine,
  type Envelope,
} from "../src/model/envelope.ts";
import { EVENT_TYPES } from "../src/model/event.ts";
import {
  claimKey,
  contactPrefix,
  eventId,
  EVENT_ID_LENGTH,
  firstIdAt,
  timeId,
  timeOfId,
} from "../src/model/event-id.ts";
import { decidingEvent } from "../src/model/message.ts";

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 10);
const POLICIES = samePolicy(DEFAULT_POLICY);

describe("ids", () => {
  it("of events sort by time within a contact, begin with the contact's prefix, and tell keys apart", () => {
    const time = fc.integer({ min: 0, max: 2 ** 43 });
    fc.assert(
      fc.property(time, time, fc.emailAddress(), (a, b, contact) => {
        const key = claimKey("mailjet", ["x"]);
        const [first, second] = [a, b].map((occurred_at) => eventId({ contact, occurred_at }, key));
        expect(first).toHaveLength(EVENT_ID_LENGTH);
        expect(first?.startsWith(contactPrefix(contact))).toBe(true);
        expect(Math.sign((first ?? "").localeCompare(second ?? "", "en"))).toBe(Math.sign(a - b));
      }),
    );
    expect(claimKey("a", ["b", "c"])).not.toBe(claimKey("a", ["bc", ""]));
    expect(claimKey("a", ["b"])).not.toBe(claimKey("b", ["a"]));
  });

  it("of envelopes and batches carry their time and differ", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (now) => {
        const id = timeId(now, crypto.getRandomValues(new Uint8Array(10)));
        expect(timeOfId(id)).toBe(now);
        expect(id >= firstIdAt(now) && id < firstIdAt(now + 1)).toBe(true);
      }),
    );
    const ids = Array.from({ length: 10_000 }, () => timeId(0, crypto.getRandomValues(new Uint8Array(10))));
    expect(new Set(ids).size).toBe(10_000);
  });
});

describe("envelopes", () => {
  const envelope = fc.record<Envelope>({
    id: fc.string({ minLength: 1 }),
    source: fc.string({ minLength: 1 }),
    provider: fc.string(),
    receivedAt: fc.nat(),
    method: fc.constantFrom("POST", "GET"),
    url: fc.webUrl({ withQueryParameters: true }),
    headers: fc.array(fc.tuple(fc.string(), fc.string())),
    body: fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(`\uFEFF${text}`)),
    ),
  });

  it("come out of a frame and out of an archive line as they went in", async () => {
    await fc.assert(
      fc.asyncProperty(envelope, fc.constantFrom(undefined, 1, 9), async (sent, level) => {
        expect(await decodeFrame(encodeFrame(sent))).toEqual({ envelope: sent, batch: null });
        expect(await decodeFrame(await encodeGzipped(sent, level))).toEqual({ envelope: sent, batch: null });
        const { body: _, ...head } = sent;
        expect(headerOf(encodeFrame(sent))).toEqual(head);
        expect(await decodeFrame(encodePointer(sent, "b"))).toEqual({ envelope: head, batch: "b" });
        const line = toLine(sent);
        expect(line).not.toContain("\n");
        const { body, ...rest } = fromLine(line);
        expect(rest).toEqual(head);
        expect([...body]).toEqual([...sent.body]);
      }),
      { numRuns: 200 },
    );
  });

  it("never come out of bytes that are no frame", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        await expect(decodeFrame(bytes)).rejects.toThrow();
      }),
    );
  });
});

describe("a message's status", () => {
  const order = [
    [{ type: "queued" }],
    [{ type: "sent" }],
    [{ type: "deferred" }],
    [{ type: "bounced", bounce: "soft" }, { type: "blocked" }, { type: "dropped" }, { type: "failed" }],
    [{ type: "delivered" }],
    [{ type: "bounced", bounce: "hard" }],
    [{ type: "opened" }],
    [{ type: "clicked" }],
    [{ type: "unsubscribed" }],
    [{ type: "complained" }],
  ] as const;

  it("is the highest of its events, whatever their order and times", () => {
    const ranked = order.flatMap((level, rank) => level.map((event) => ({ bounce: null, ...event, rank })));
    const some = fc.array(fc.tuple(fc.constantFrom(...ranked), fc.nat(1_000)), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(some, (drawn) => {
        const events = drawn.map(([event, occurred_at], i) => ({ ...event, occurred_at, id: `id-${i}` }));
        const deciding = decidingEvent(events);
        expect(deciding?.rank).toBe(Math.max(...events.map(({ rank }) => rank)));
        expect(decidingEvent(events.toReversed())).toEqual(deciding);
      }),
    );
    expect(decidingEvent([])).toBeNull();
  });

  it("ranks every type", () => {
    for (const type of EVENT_TYPES) {
      expect(decidingEvent([{ type, bounce: null, occurred_at: 0, id: "a" }])?.type).toBe(type);
    }
  });
});

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
  suppressionsOf(fold(facts), POLICIES).map(
    ({ reason, lifted_at }) => reason + (lifted_at === null ? "" : " lifted"),
  );

describe("suppression", () => {
  it("follows the policy, case by case", () => {
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

  it("is the same for every order of arrival, and for facts that come twice", () => {
    const kinds = fc.constantFrom<Kind>("hard", "soft", "good", "complaint", "unsubscribed", "subscribed");
    const facts = fc.array(fc.tuple(kinds, fc.integer({ min: 0, max: 40 })), { maxLength: 24 });
    fc.assert(
      fc.property(facts, fc.infiniteStream(fc.nat()), (drawn, random) => {
        const story = drawn.map(([kind, days]) => evidence(kind, days));
        const shuffled = [...story, ...story]
          .map((one) => ({ one, at: random.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        expect(suppressionsOf(fold(shuffled), POLICIES)).toEqual(suppressionsOf(fold(story), POLICIES));
      }),
      { numRuns: 500 },
    );
  });

  it("never comes of blocks and drops", () => {
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

  it("stays small, and right, over a long life", () => {
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
    expect(strongestOf(suppressionsOf(known, POLICIES))).toBeNull();
    const bounced = fold([
      evidence("soft", 0),
      evidence("soft", 1),
      evidence("soft", 2),
      ...opens.map((one) => ({ ...one, at: one.at + 3 * DAY })),
    ]);
    expect(strongestOf(suppressionsOf(bounced, POLICIES))?.reason).toBe("soft_bounces");
  });

  it("names the strongest reason that is in force", () => {
    const story = [evidence("hard", 0), evidence("complaint", 1), evidence("unsubscribed", 2)];
    expect(strongestOf(suppressionsOf(fold(story), POLICIES))?.reason).toBe("complaint");
  });
});
