// How a pipe reads the feeds of several databases in turn: every row once, each feed in its order, none held up.

import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { createTurns, type Turns } from "../../../src/pipes/round/turns.ts";
import { listEvents } from "../../../src/store/events/events.ts";
import { endOfFeeds } from "../../../src/store/events/feeds.ts";
import {
  BEGINNING,
  countBetween,
  feedOf,
  feedsBetween,
  moveBefore,
  moveBehind,
  type FeedPosition,
} from "../../../src/store/feed-position.ts";
import { countingDb } from "../../support/counting-db.ts";
import {
  DATABASES,
  deleteEvents,
  freshDatabases,
  shardsOf,
  storeDivided,
} from "../../support/three-databases.ts";

const three = shardsOf(3);
const people = Array.from({ length: 30 }, (_, i) => `p${i}@example.com`);

beforeEach(async () => {
  await freshDatabases();
  for (let i = 0; i < 4; i++) await storeDivided(people.slice(i * 3));
});

/** Reads until nothing is left; the seqs in the order in which they came, page by page. */
async function readAll(turns: () => Turns, limit: number): Promise<number[][]> {
  const pages: number[][] = [];
  for (let position = BEGINNING; ;) {
    const { rows, more } = await turns()({ after: position, limit, first: null });
    const last = rows.at(-1);
    if (last === undefined) return pages;
    pages.push(rows.map(({ seq }) => seq));
    position = moveBehind(position, last);
    expect(more || feedsBetween(position, await endOfFeeds(three)).length === 0).toBe(true);
  }
}

describe("a pipe that reads three feeds", () => {
  it("gets every row once and each feed in its order, also if it begins anew between pages", async () => {
    const count = countBetween(BEGINNING, await endOfFeeds(three));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.boolean(), async (limit, restarts) => {
        const kept = createTurns(three, "events");
        const pages = await readAll(() => (restarts ? createTurns(three, "events") : kept), limit);
        expect(new Set(pages.flat()).size).toBe(count);
        expect(pages.flat()).toHaveLength(count);
        for (const page of pages) expect(new Set(page.map(feedOf)).size).toBe(1);
        for (const feed of [0, 1, 2]) {
          const own = pages.flat().filter((seq) => feedOf(seq) === feed);
          expect(own).toEqual(own.toSorted((one, other) => one - other));
        }
      }),
      { numRuns: 8 },
    );
  });

  it("takes them in turn, so that a long one holds up no other", async () => {
    const turns = createTurns(three, "events");
    const feeds = (await readAll(() => turns, 3)).map(([seq = 0]) => feedOf(seq));
    expect(feeds.slice(0, 6)).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it("begins with the feed that has precedence, as long as that has something new", async () => {
    const turns = createTurns(three, "events");
    const firstOf = async (after: FeedPosition, first: number): Promise<number> => {
      const { rows } = await turns({ after, limit: 2, first });
      return feedOf(rows[0]?.seq ?? -1);
    };
    for (const first of [2, 2, 1, 0]) expect(await firstOf(BEGINNING, first)).toBe(first);
    const end = await endOfFeeds(three);
    const withoutSecond = moveBefore(end, { seq: 1 });
    expect(await firstOf(withoutSecond, 1)).toBe(0);
  });

  it("passes over a feed whose rows behind the position are all deleted", async () => {
    const [, second] = DATABASES;
    const end = await endOfFeeds(three);
    const { events } = await listEvents(second, { order: "asc", limit: 1_000 });
    await deleteEvents(
      second,
      events.map(({ id }) => id),
    );
    const turns = createTurns(three, "events");
    const begun = await turns({ after: BEGINNING, limit: 1, first: 1 });
    expect(begun.rows.map(({ seq }) => feedOf(seq))).toEqual([2]);
    const after = moveBefore(end, { seq: 2 ** 40 + 1 });
    expect(await turns({ after, limit: 1, first: null })).toEqual({ rows: [], more: false });
  });
});

describe("a pipe that reads one feed", () => {
  it("asks one question for a page", async () => {
    const { db, asked } = countingDb();
    const turns = createTurns({ ...shardsOf(1), all: [{ index: 0, db }], home: db }, "events");
    expect((await turns({ after: BEGINNING, limit: 10, first: null })).rows).toHaveLength(10);
    expect(asked).toHaveLength(1);
  });
});
