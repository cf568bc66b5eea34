// Positions in the feeds: how they move, and the cursor text that clients store.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BEGINNING,
  countBetween,
  decodePosition,
  earlierOf,
  earliestOf,
  encodePosition,
  feedOf,
  feedsBetween,
  isBehind,
  isSamePosition,
  lastSeqOf,
  laterOf,
  moveBefore,
  moveBehind,
  positionAfter,
  seqsOfFeed,
  stretchesBefore,
  type FeedPosition,
} from "../../src/store/feed-position.ts";

const MOST = 2 ** 40 - 1;
const place = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: MOST }));
/** A deployment with one database, and one with several. */
const inFirst = place;
const anywhere = fc
  .tuple(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 8_191 })), place)
  .map(([feed, own]) => seqsOfFeed(feed).beginning + own);
const single = fc.oneof(fc.constant(BEGINNING), inFirst.map(positionAfter));
const vector = fc
  .array(anywhere, { maxLength: 8 })
  .map((seqs) => seqs.reduce((position, seq) => moveBehind(position, { seq }), BEGINNING));
const position = fc.oneof(single, vector);

/** Whether all rows that are done at one position are done at the other. */
const isNotBehind = (one: FeedPosition, other: FeedPosition): boolean =>
  isSamePosition(laterOf(one, other), other);

describe("a position", () => {
  it("has a row behind it after moving behind the row, and not after moving before the row", () => {
    fc.assert(
      fc.property(position, anywhere, (from, seq) => {
        fc.pre(seq < seqsOfFeed(feedOf(seq)).last);
        expect(isBehind(moveBehind(from, { seq }), { seq })).toBe(true);
        expect(isBehind(moveBehind(from, { seq }), { seq: seq + 1 })).toBe(false);
        expect(isBehind(moveBefore(from, { seq }), { seq })).toBe(false);
        expect(isBehind(moveBefore(from, { seq }), { seq: seq - 1 })).toBe(true);
      }),
    );
  });

  it("stays where it was in all feeds but that of the row", () => {
    fc.assert(
      fc.property(position, anywhere, anywhere, (from, moved, other) => {
        fc.pre(feedOf(moved) !== feedOf(other));
        for (const to of [moveBehind(from, { seq: moved }), moveBefore(from, { seq: moved })])
          expect(isBehind(to, { seq: other })).toBe(isBehind(from, { seq: other }));
      }),
    );
  });

  it("that is the earlier of two has exactly the rows behind it that both have, the later those that one has", () => {
    fc.assert(
      fc.property(position, position, anywhere, (one, other, seq) => {
        const [left, right] = [isBehind(one, { seq }), isBehind(other, { seq })];
        expect(isBehind(earlierOf(one, other), { seq })).toBe(left && right);
        expect(isBehind(laterOf(one, other), { seq })).toBe(left || right);
      }),
    );
    expect(earliestOf([])).toBeNull();
    expect(earliestOf([7, 3, 5].map(positionAfter))).toEqual(positionAfter(3));
  });

  it("is in a partial order with the others, which moving keeps", () => {
    fc.assert(
      fc.property(position, position, position, anywhere, (one, other, third, seq) => {
        expect(isNotBehind(one, one)).toBe(true);
        if (isNotBehind(one, other) && isNotBehind(other, one)) expect(one).toEqual(other);
        const [low, middle, high] = [earlierOf(one, other), other, laterOf(other, third)];
        for (const [before, after] of [
          [low, middle],
          [middle, high],
          [low, high],
        ] as const) {
          expect(isNotBehind(before, after)).toBe(true);
          expect(isNotBehind(moveBehind(before, { seq }), moveBehind(after, { seq }))).toBe(true);
          expect(isNotBehind(moveBefore(before, { seq }), moveBefore(after, { seq }))).toBe(true);
        }
      }),
    );
  });

  it("counts the rows of all feeds up to another position, and 0 where that is earlier", () => {
    expect(countBetween(BEGINNING, positionAfter(5))).toBe(5);
    expect(countBetween(positionAfter(3), positionAfter(5))).toBe(2);
    expect(countBetween(positionAfter(5), positionAfter(3))).toBe(0);
    expect(isSamePosition(positionAfter(5), moveBefore(BEGINNING, { seq: 6 }))).toBe(true);
    const second = seqsOfFeed(1).beginning;
    const both = moveBehind(positionAfter(5), { seq: second + 7 });
    expect(countBetween(positionAfter(3), both)).toBe(2 + 7);
    expect(countBetween(moveBehind(BEGINNING, { seq: second + 9 }), both)).toBe(5);
    expect(feedsBetween(positionAfter(5), both)).toEqual([1]);
    expect(feedsBetween(BEGINNING, both)).toEqual([0, 1]);
    expect(feedsBetween(both, BEGINNING)).toEqual([]);
  });

  it("lies behind the stretches that it says lie before it, and behind no other row", () => {
    fc.assert(
      fc.property(position, anywhere, (one, seq) => {
        const within = stretchesBefore(one).some(({ first, last }) => first <= seq && seq <= last);
        expect(isBehind(one, { seq })).toBe(within);
      }),
    );
  });

  it("with one database is the number that it always was, also where it is stored", () => {
    fc.assert(
      fc.property(single, inFirst, inFirst, (from, seq, other) => {
        expect(moveBehind(from, { seq })).toBe(seq);
        expect(moveBefore(from, { seq })).toBe(seq - 1);
        expect(earlierOf(positionAfter(seq), positionAfter(other))).toBe(Math.min(seq, other));
        expect(laterOf(positionAfter(seq), positionAfter(other))).toBe(Math.max(seq, other));
      }),
    );
  });

  it("that was stored with one database stands before all rows of the feeds that came later", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), anywhere, (stored, seq) => {
        fc.pre(feedOf(seq) > 0);
        const old = stored as unknown as FeedPosition;
        expect(isBehind(old, { seq })).toBe(false);
        expect(isBehind(moveBehind(old, { seq }), { seq: Math.min(stored, MOST) })).toBe(true);
        expect(lastSeqOf(old, feedOf(seq))).toBe(seqsOfFeed(feedOf(seq)).beginning);
      }),
    );
  });

  it("survives being stored as JSON", () => {
    fc.assert(
      fc.property(position, (one) => {
        const stored = JSON.parse(JSON.stringify(one)) as FeedPosition;
        expect(stored).toEqual(one);
        expect(isSamePosition(stored, one)).toBe(true);
      }),
    );
  });
});

describe("a cursor", () => {
  it("decodes to the position that it was made from, and is opaque", () => {
    fc.assert(
      fc.property(position, (one) => {
        const text = encodePosition(one);
        expect(text).toMatch(/^v2\.[\w-]+$/);
        expect(decodePosition(text)).toEqual(one);
      }),
    );
    expect(decodePosition(encodePosition(BEGINNING))).toEqual(BEGINNING);
  });

  it("has room for a hundred and twenty-eight databases", () => {
    const seqs = Array.from({ length: 128 }, (_, feed) => seqsOfFeed(feed).last);
    const all = seqs.reduce((one, seq) => moveBehind(one, { seq }), BEGINNING);
    expect(decodePosition(encodePosition(all))).toEqual(all);
  });

  it("may be a bare number, as older versions returned it: a place in the first feed", () => {
    fc.assert(
      fc.property(inFirst, (number) => {
        expect(decodePosition(String(number))).toEqual(positionAfter(number));
      }),
    );
    expect(decodePosition("0")).toEqual(BEGINNING);
    expect(decodePosition("999999999999999")).toEqual(positionAfter(MOST));
  });

  it("is refused in any other form", () => {
    const encode = (text: string): string => `v2.${Buffer.from(text).toString("base64url")}`;
    for (const text of [
      "",
      "x",
      "-1",
      "1.5",
      "1e9",
      " 1",
      "1234567890123456",
      "v2.",
      "v1.MDox",
      encode("0:"),
      encode("0:-1"),
      encode("0:05"),
      encode("00:5"),
      encode("0:5 "),
      `${encode("0:5")}=`,
      encode("1:0"),
      encode("0:0,1:7"),
      encode("1:7,0:5"),
      encode("1:5,1:7"),
      encode("1:7,"),
      encode(`0:${2 ** 40}`),
      encode("8192:1"),
      encode("9999:1"),
      encode(Array.from({ length: 129 }, (_, feed) => `${feed}:1`).join(",")),
      `v2.${"A".repeat(10_000)}`,
    ])
      expect(decodePosition(text), text.slice(0, 40)).toBeNull();
  });

  it("is never misread: any accepted text decodes to a position that survives encoding and decoding", () => {
    const pairs = fc
      .array(fc.tuple(fc.integer({ min: 0, max: 9_999 }), fc.integer({ min: 0, max: 2 ** 41 })), {
        maxLength: 4,
      })
      .map((list) => Buffer.from(list.map((pair) => pair.join(":")).join(",")).toString("base64url"));
    const any = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), pairs);
    fc.assert(
      fc.property(any, fc.boolean(), (text, prefixed) => {
        const read = decodePosition(prefixed ? `v2.${text}` : text);
        if (read === null) return;
        expect([read].flat().every(Number.isSafeInteger)).toBe(true);
        expect(decodePosition(encodePosition(read))).toEqual(read);
      }),
      { numRuns: 1000 },
    );
  });
});
