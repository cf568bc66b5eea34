// Positions in a feed: how they move, and the cursor text that clients store.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BEGINNING,
  countBetween,
  decodePosition,
  earlierOf,
  earliestOf,
  encodePosition,
  isBehind,
  isSamePosition,
  lastSeqOf,
  moveBefore,
  moveBehind,
  positionAfter,
} from "../../src/store/feed-position.ts";

const seq = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 999_999_999_999_999 }));
const position = seq.map(positionAfter);

describe("a position", () => {
  it("has a row behind it after moving behind the row, and not after moving before the row", () => {
    fc.assert(
      fc.property(position, seq, (from, row) => {
        expect(isBehind(moveBehind(from, { seq: row }), { seq: row })).toBe(true);
        expect(isBehind(moveBehind(from, { seq: row }), { seq: row + 1 })).toBe(false);
        expect(isBehind(moveBefore(from, { seq: row }), { seq: row })).toBe(false);
        expect(isBehind(moveBefore(from, { seq: row }), { seq: row - 1 })).toBe(true);
      }),
    );
  });

  it("that is the earlier of two has exactly the rows behind it that both have", () => {
    fc.assert(
      fc.property(position, position, seq, (one, other, row) => {
        const both = isBehind(one, { seq: row }) && isBehind(other, { seq: row });
        expect(isBehind(earlierOf(one, other), { seq: row })).toBe(both);
      }),
    );
    expect(earliestOf([])).toBeNull();
    expect(earliestOf([7, 3, 5].map(positionAfter))).toEqual(positionAfter(3));
  });

  it("counts the rows up to another position, and 0 up to an earlier one", () => {
    expect(countBetween(BEGINNING, positionAfter(5))).toBe(5);
    expect(countBetween(positionAfter(3), positionAfter(5))).toBe(2);
    expect(countBetween(positionAfter(5), positionAfter(3))).toBe(0);
    expect(isSamePosition(positionAfter(5), moveBefore(BEGINNING, { seq: 6 }))).toBe(true);
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

  it("may be a bare number, as older versions returned it", () => {
    fc.assert(
      fc.property(seq, (number) => {
        expect(decodePosition(String(number))).toEqual(positionAfter(number));
      }),
    );
    expect(decodePosition("0")).toEqual(BEGINNING);
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
      encode("1:5"),
      encode("0:"),
      encode("0:-1"),
      encode("0:05"),
      encode("00:5"),
      encode("0:5 "),
      `${encode("0:5")}=`,
      encode("0:5,1:7"),
      `v2.${"A".repeat(10_000)}`,
    ])
      expect(decodePosition(text), text.slice(0, 40)).toBeNull();
  });

  it("is never misread: any accepted text decodes to a position that survives encoding and decoding", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.boolean(), (text, prefixed) => {
        const read = decodePosition(prefixed ? `v2.${text}` : text);
        if (read === null) return;
        expect(Number.isSafeInteger(lastSeqOf(read))).toBe(true);
        expect(decodePosition(encodePosition(read))).toEqual(read);
      }),
      { numRuns: 1000 },
    );
  });
});
