// How full a database is, worked out for files that shrink and for files that do not, and how long there is room.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forecast, longestRetention, type Growth } from "../../src/model/storage/forecast.ts";
import {
  freeWithin,
  hasRoom,
  levelOf,
  moveMark,
  usedBytes,
  type Fill,
  type Mark,
} from "../../src/model/storage/level.ts";

const EMPTY = 300_000;
const LIMIT = 100_000_000;
const NOISE = LIMIT / 1_000;

interface File {
  events: number;
  others: number;
  used(): number;
  look(): Fill;
}

/** A file as SQLite keeps it. `shrinks`: whether the size that is told leaves out what is free. */
function fileOf(shrinks: boolean, each: number): File {
  let largest = 0;
  let mark: Mark | null = null;
  const file: File = {
    events: 0,
    others: 0,
    used: () => EMPTY + file.events * each + file.others,
    look: () => {
      largest = Math.max(largest, file.used());
      const look = { size: shrinks ? file.used() : largest, events: file.events };
      const limits = { limit: LIMIT, empty: EMPTY };
      mark = moveMark(mark, look, limits);
      return { ...limits, ...look, mark };
    },
  };
  return file;
}

/** Stores events while there is room, up to the limit. Returns how many. */
function fillUp(file: File): number {
  const before = file.events;
  while (hasRoom(file.look()) && file.used() < LIMIT) file.events += 1_000;
  return file.events - before;
}

const step = fc.record({
  does: fc.constantFrom("store", "store", "store", "delete"),
  events: fc.integer({ min: 0, max: 20_000 }),
  others: fc.integer({ min: 0, max: 200_000 }),
});
const history = fc.record({
  shrinks: fc.boolean(),
  each: fc.integer({ min: 200, max: 2_000 }),
  steps: fc.array(step, { minLength: 5, maxLength: 60 }),
});

describe("the level of a database", () => {
  it("is what is used, whether the size falls when events are deleted or stays, once the file has grown", () => {
    fc.assert(
      fc.property(history, ({ shrinks, each, steps }) => {
        const database = fileOf(shrinks, each);
        database.look();
        for (const { does, events } of steps) {
          database.events =
            does === "store" ? database.events + events : Math.max(0, database.events - events);
          const fill = database.look();
          if (freeWithin(fill) === null) continue;
          // Each event counts whole, and growth that is only noise goes unnoticed.
          expect(Math.abs(usedBytes(fill) - database.used())).toBeLessThanOrEqual(NOISE + 2 * each + 1);
        }
      }),
    );
  });

  it("stops storing before the file has grown more than one step beyond 95 %, whatever else grows with the events", () => {
    fc.assert(
      fc.property(history, ({ shrinks, each, steps }) => {
        const database = fileOf(shrinks, each);
        let largest = 0;
        for (const { does, events, others } of [...steps, ...steps, ...steps]) {
          const open = hasRoom(database.look());
          if (does === "delete") database.events = Math.max(0, database.events - events);
          else if (open) {
            database.events += events;
            database.others += others;
          }
          largest = Math.max(largest, database.look().size);
        }
        const largestStep = 20_000 * each + 200_000;
        expect(largest).toBeLessThanOrEqual(0.95 * LIMIT + NOISE + largestStep);
      }),
    );
  });

  it.each([true, false])("has room again once enough events are deleted (the size falls: %s)", (shrinks) => {
    const database = fileOf(shrinks, 500);
    fillUp(database);
    expect(levelOf(database.look())).toMatchObject({ threshold: 95 });
    database.events = Math.round(database.events * 0.8);
    const fill = database.look();
    expect(hasRoom(fill)).toBe(true);
    expect(levelOf(fill).threshold).toBe(70);
    const stored = fillUp(database);
    expect(stored).toBeGreaterThan(30_000);
  });

  it("counts all events that are deleted, also those that were stored in the room of other rows", () => {
    const database = fileOf(false, 500);
    database.look();
    database.events = 100_000;
    database.others = 20_000_000;
    database.look();
    database.others = 0;
    database.events += 40_000;
    database.look();
    database.events -= 40_000;
    expect(freeWithin(database.look())).toBeGreaterThan(19_000_000);
  });

  it("of a database that nobody has seen growing is its size, and storing goes on until it grows", () => {
    const database = fileOf(false, 500);
    database.events = 195_000;
    const fill = database.look();
    expect([levelOf(fill).threshold, freeWithin(fill), hasRoom(fill)]).toEqual([95, null, true]);
    database.events += 1_000;
    expect(hasRoom(database.look())).toBe(false);
  });

  it("names the highest threshold that is passed", () => {
    const at = (percent: number) =>
      levelOf({
        limit: 100_000,
        empty: 0,
        size: percent * 1_000,
        events: 5,
        mark: { size: percent * 1_000, events: 5 },
      }).threshold;
    expect([0, 69.9, 70, 84.9, 85, 94.9, 95, 130].map(at)).toEqual([null, null, 70, 70, 85, 85, 95, 95]);
  });
});

const growth: fc.Arbitrary<Growth> = fc
  .record({
    limit: fc.integer({ min: 1_000_000, max: 10_000_000_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    events: fc.integer({ min: 0, max: 20_000_000 }),
    each: fc.integer({ min: 100, max: 5_000 }),
    perDay: fc.integer({ min: 0, max: 5_000_000 }),
  })
  .map(({ limit, share, events, each, perDay }) => {
    const used = limit * share;
    return { limit, used, events: Math.min(events, Math.floor(used / each)), each, perDay };
  });
const keepDays = fc.option(fc.integer({ min: 35, max: 2_000 }), { nil: null });
const daysOf = (one: Growth, keep: number | null): number => forecast(one, keep).daysLeft ?? Infinity;

describe("the forecast", () => {
  it("never gives more days for a higher rate, a longer retention or a smaller limit", () => {
    const more = fc.double({ min: 1, max: 20, noNaN: true });
    fc.assert(
      fc.property(growth, keepDays, more, (one, keep, factor) => {
        const days = daysOf(one, keep);
        expect(daysOf({ ...one, perDay: one.perDay * factor }, keep)).toBeLessThanOrEqual(days);
        expect(daysOf({ ...one, limit: one.limit * factor }, keep)).toBeGreaterThanOrEqual(days);
        expect(daysOf(one, keep === null ? null : Math.ceil(keep * factor))).toBeLessThanOrEqual(days);
        expect(daysOf(one, null)).toBeLessThanOrEqual(days);
      }),
    );
  });

  it("agrees with counting day by day, for a database that is filled at a constant rate from its beginning", () => {
    const constant = fc.record({
      perDay: fc.integer({ min: 1_000, max: 500_000 }),
      each: fc.integer({ min: 200, max: 1_000 }),
      age: fc.integer({ min: 0, max: 30 }),
      keep: fc.option(fc.integer({ min: 35, max: 120 }), { nil: null }),
      limit: fc.integer({ min: 100_000_000, max: 5_000_000_000 }),
    });
    fc.assert(
      fc.property(constant, ({ perDay, each, age, keep, limit }) => {
        const sizeAfter = (days: number): number => Math.min(days, keep ?? Infinity) * perDay * each;
        const today: Growth = { limit, used: sizeAfter(age), events: age * perDay, each, perDay };
        fc.pre(today.used < 0.95 * limit);
        const { daysLeft, settlesAt } = forecast(today, keep);
        let day = age;
        while (sizeAfter(day + 1) <= 0.95 * limit && day < 3_000_000 && day < (keep ?? Infinity)) day += 1;
        if (keep !== null && day >= keep) {
          expect(daysLeft).toBeNull();
          expect(settlesAt).toBeCloseTo(sizeAfter(keep), 0);
        } else expect(Math.floor(daysLeft ?? Infinity)).toBe(day - age);
      }),
      { numRuns: 50 },
    );
  });

  it("names as the longest retention the last one with which storing never stops", () => {
    fc.assert(
      fc.property(growth, (one) => {
        fc.pre(one.perDay > 0);
        const longest = longestRetention(one);
        expect(daysOf(one, longest ?? 35) === Infinity).toBe(longest !== null);
        if (longest !== null) expect(daysOf(one, longest + 1)).toBeLessThan(Infinity);
      }),
    );
  });
});
