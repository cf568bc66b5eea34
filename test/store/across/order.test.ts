// Merging the pages of several lists: the order is SQLite's, and no page hides an item.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys, compareTexts, limitOfEach, mergeParts } from "../../../src/store/across/order.ts";
import { allPages } from "../../support/divided.ts";

const sign = (n: number): number => Math.sign(n);

describe("texts", () => {
  it("are compared by their bytes in UTF-8, as SQLite does it", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "b", "é", "\ud7ff", "\ue000", "\uffff", "😀", "\u{10ffff}"),
    });
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(sign(compareTexts(one, other))).toBe(
          sign(Buffer.compare(Buffer.from(one), Buffer.from(other))),
        );
      }),
    );
  });
});

describe("merged pages", () => {
  const key = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom("a", "b", "\uffff", "😀"));
  const lists = fc.array(fc.uniqueArray(key, { maxLength: 8, selector: String }), {
    minLength: 1,
    maxLength: 4,
  });

  it("are the whole list in order, once each, whatever each database passes over", async () => {
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        async (all, limit, looks) => {
          const sorted = all.map((list) => list.toSorted(compareKeys));
          const listed = await allPages(async (after: [number, string] | undefined) => {
            // A database may stop before its limit, and say how far it has looked.
            const pages = sorted.map((list) => {
              const rest = list.filter((one) => after === undefined || compareKeys(one, after) > 0);
              const items = rest.slice(0, Math.min(limit, looks));
              return { items, next: rest.length > items.length ? (items.at(-1) ?? null) : null };
            });
            const { items, next } = mergeParts(pages, (one) => one, limit);
            expect(items.length).toBeLessThanOrEqual(limit);
            return await Promise.resolve({ items, next });
          });
          const distinct = new Map(sorted.flat().map((one) => [String(one), one]));
          expect(listed).toEqual([...distinct.values()].toSorted(compareKeys));
        },
      ),
    );
  });

  it("take no more rows of many databases than a page of one may have, beyond a thousand each", () => {
    expect([
      limitOfEach(100, 3),
      limitOfEach(5_000, 1),
      limitOfEach(5_000, 2),
      limitOfEach(5_000, 16),
    ]).toEqual([100, 5_000, 2_500, 1_000]);
  });
});
