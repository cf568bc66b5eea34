// The capped cache: it returns what was stored last or nothing, and never holds more than allowed.

import fc from "fast-check";
import { expect, it } from "vitest";
import { cappedCache } from "../../src/lib/capped-cache.ts";
import { memoize } from "../../src/lib/memoize.ts";

const KEYS = ["a", "b", "c", "d", "e", "f"];
const step = fc.record({ key: fc.constantFrom(...KEYS), value: fc.nat(), deletes: fc.boolean() });

it("returns the latest value of a key or nothing, and holds at most as many keys as allowed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step), (most, steps) => {
      const cache = cappedCache<number>(most);
      const latest = new Map<string, number>();
      for (const { key, value, deletes } of steps) {
        if (deletes) {
          cache.delete(key);
          latest.delete(key);
          expect(cache.get(key)).toBeUndefined();
        } else {
          cache.set(key, value);
          latest.set(key, value);
          expect(cache.get(key)).toBe(value);
        }
        const held = KEYS.filter((one) => cache.get(one) !== undefined);
        expect(held.length).toBeLessThanOrEqual(most);
        for (const one of held) expect(cache.get(one)).toBe(latest.get(one));
      }
    }),
  );
});

it("keeps everything while it has room, and a full one keeps its keys when one of them gets a new value", () => {
  const cache = cappedCache<number>(KEYS.length);
  for (const [index, key] of KEYS.entries()) cache.set(key, index);
  cache.set("a", 100);
  expect(KEYS.map((key) => cache.get(key))).toEqual([100, 1, 2, 3, 4, 5]);
  cache.set("g", 6);
  expect([...KEYS, "g"].map((key) => cache.get(key))).toEqual([...KEYS.map(() => undefined), 6]);
});

it("a memoized function computes an answer once while the cache holds it, and a long text's every time", () => {
  const computed: string[] = [];
  const upper = memoize((word) => {
    computed.push(word);
    return word.toUpperCase();
  }, 2);
  const long = "x".repeat(65);
  expect(["a", "a", "b", "a", long, long, "c", "a"].map(upper)).toEqual([
    "A",
    "A",
    "B",
    "A",
    long.toUpperCase(),
    long.toUpperCase(),
    "C",
    "A",
  ]);
  expect(computed).toEqual(["a", "b", long, long, "c", "a"]);
});
