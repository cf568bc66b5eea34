// The replacements for node:crypto before the first answer: the same digests, and a comparison that finds every
// difference.

import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes, equalEverywhere } from "../../src/lib/equal-bytes.ts";
import { sha256, sha256Hex } from "../../src/lib/sha256.ts";

describe("SHA-256", () => {
  it("equals node:crypto's for texts of any length, also with lone surrogates", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 100 }),
      fc.constantFrom("\uD800", "a\uDC00b", ""),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 5 }), (part, times) => {
        const whole = part.repeat(times);
        const expected = createHash("sha256").update(whole);
        expect(sha256Hex(whole)).toBe(expected.copy().digest("hex"));
        expect([...sha256(whole)]).toEqual([...expected.digest()]);
      }),
    );
  });
});

describe.each([
  ["the platform's", equalBytes],
  ["the one for elsewhere", equalEverywhere],
])("comparing bytes, %s", (_name, equal) => {
  it("finds a difference in any bit", () => {
    const pair = fc
      .uint8Array({ minLength: 1, maxLength: 256 })
      .chain((bytes) =>
        fc.record({ bytes: fc.constant(bytes), at: fc.nat(bytes.length - 1), bit: fc.nat(7) }),
      );
    fc.assert(
      fc.property(pair, ({ bytes, at, bit }) => {
        const other = bytes.slice();
        expect(equal(bytes, other)).toBe(true);
        other[at] = (other[at] ?? 0) ^ (1 << bit);
        expect(equal(bytes, other)).toBe(false);
      }),
    );
  });

  it("throws for bytes of different lengths", () => {
    expect(() => equal(new Uint8Array(2), new Uint8Array(3))).toThrow(TypeError);
  });
});

it("the platform has timingSafeEqual, which compares in constant time", () => {
  expect("timingSafeEqual" in crypto.subtle).toBe(true);
});
