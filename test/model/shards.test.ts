// The division of prefixes over databases, and the setting that asks for them.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contactPrefix } from "../../src/model/event-id.ts";
import { decodeFrame, encodeParked } from "../../src/model/envelope.ts";
import {
  divideEvenly,
  feedStart,
  isWithin,
  MOST_SHARDS,
  ownerOf,
  rangeAround,
  wantedShards,
  type ShardMap,
} from "../../src/model/storage/shards.ts";

const prefix = fc.emailAddress().map(contactPrefix);
/** A map whose ranges begin anywhere and belong to any database. */
const map = fc
  .uniqueArray(fc.tuple(prefix, fc.nat(MOST_SHARDS - 1)), { selector: ([lo]) => lo, maxLength: 30 })
  .map((begins): ShardMap => {
    const ranges = begins.toSorted(([a], [b]) => (a < b ? -1 : 1));
    return { version: 1, shards: MOST_SHARDS, ranges: [["", 0], ...ranges] };
  });

describe("the prefixes", () => {
  it("each lie in one range of an even division, and in about as many of each", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MOST_SHARDS }), prefix, (count, one) => {
        const ranges = divideEvenly(count);
        expect(ranges).toHaveLength(count);
        expect(ranges.filter((range) => isWithin([range], one))).toHaveLength(1);
      }),
    );
    const counts = divideEvenly(4).map(
      (range) =>
        Array.from({ length: 4_000 }, (_, n) => contactPrefix(`${n}@x.com`)).filter((one) =>
          isWithin([range], one),
        ).length,
    );
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  it("belong to the database whose range is around them, whatever the map", () => {
    fc.assert(
      fc.property(map, prefix, (one, asked) => {
        const around = rangeAround(one, asked);
        expect(isWithin([around], asked)).toBe(true);
        expect(one.ranges.find(([lo]) => lo === around.lo)?.[1]).toBe(ownerOf(one, asked));
        const holding = one.ranges.findLast(([lo]) => lo <= asked);
        expect(ownerOf(one, asked)).toBe(holding?.[1]);
      }),
    );
  });

  it("have seqs that fit into a safe integer in every database", () => {
    expect(Number.isSafeInteger(feedStart(MOST_SHARDS))).toBe(true);
    expect(feedStart(1) - feedStart(0)).toBe(2 ** 40);
  });
});

describe("STORAGE.shards", () => {
  const env = { DB: {}, DB_1: {}, DB_2: {}, SHARDS_TRIAL: "yes" };

  it("is 1 by default, and counts databases that are bound", () => {
    expect(wantedShards(env)).toEqual({ count: 1, problem: null });
    expect(wantedShards({ ...env, STORAGE: { shards: 3 } })).toEqual({ count: 3, problem: null });
    expect(wantedShards({ ...env, STORAGE: '{"shards":2}' })).toEqual({ count: 2, problem: null });
    for (const STORAGE of ["{", null, [], "text", { limit_gb: 1 }])
      expect(wantedShards({ ...env, STORAGE })).toEqual({ count: 1, problem: null });
  });

  it("counts as 1 with a mistake, which says what to do", () => {
    for (const shards of [0, -1, 1.5, MOST_SHARDS + 1, "2", null, true])
      expect(wantedShards({ ...env, STORAGE: { shards } })).toEqual({
        count: 1,
        problem: `must be a whole number from 1 to ${MOST_SHARDS}`,
      });
    const { count, problem } = wantedShards({ ...env, STORAGE: { shards: 4 } });
    expect([count, problem]).toEqual([
      1,
      expect.stringContaining("the binding DB_3: add it to wrangler.toml"),
    ]);
  });
});

describe("a parked part", () => {
  it("travels without anything of the request but its id, source and time", async () => {
    const envelope = {
      id: "e1",
      source: "s",
      provider: "mailjet",
      receivedAt: 5,
      method: "GET",
      url: "https://edge.example/webhooks/s?email=ann@example.com",
      headers: [["x-mail", "ann@example.com"] as [string, string]],
      network: "192.0.2.0/24",
    };
    const parked = { line: 3, ranges: divideEvenly(3).slice(1) };
    const frame = encodeParked(envelope, "b", parked);
    expect(new TextDecoder().decode(frame)).not.toMatch(/ann|192/);
    const decoded = await decodeFrame(frame);
    expect(decoded).toMatchObject({ batch: "b", parked, envelope: { id: "e1", source: "s", receivedAt: 5 } });
  });
});
