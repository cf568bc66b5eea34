// Ids that begin with a time: they contain it, sort by it, and are unique.

import fc from "fast-check";
import { expect, it } from "vitest";
import { firstIdAt, timeId, timeOfId } from "../../src/lib/time-id.ts";
import { randomBytes, seeded } from "../support/random.ts";

const random = seeded("ids");

it("ids of envelopes and batches contain their time, sort by it, and are unique", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (now) => {
      const id = timeId(now, randomBytes(10, random));
      expect(timeOfId(id)).toBe(now);
      expect(id >= firstIdAt(now) && id < firstIdAt(now + 1)).toBe(true);
    }),
  );
  const ids = Array.from({ length: 10_000 }, () => timeId(0, randomBytes(10, random)));
  expect(new Set(ids).size).toBe(10_000);
});
