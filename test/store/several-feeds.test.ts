// Lists, cursors and places over the feeds of several databases: every event once, in the order of its feed.

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { eventPages, findEvent, listEvents, type StoredEvent } from "../../src/store/events/events.ts";
import {
  countFeeds,
  endOfFeeds,
  positionAt,
  positionBehindSeq,
  readLatest,
  readPart,
  readSeqs,
  seqsOf,
} from "../../src/store/events/feeds.ts";
import {
  BEGINNING,
  countBetween,
  decodePosition,
  encodePosition,
  feedOf,
  isBehind,
  moveBehind,
  type FeedPosition,
} from "../../src/store/feed-position.ts";
import type { Shards } from "../../src/store/shards.ts";
import {
  DATABASES,
  deleteEvents,
  freshDatabases,
  ownerOf,
  reportsOf,
  shardsOf,
  storeAsMoved,
  storeDivided,
} from "../support/three-databases.ts";

const three = shardsOf(3);
const people = Array.from({ length: 24 }, (_, i) => `p${i}@example${i % 2}.com`);

/** All events of a database, as it alone lists them. */
const stored = async (feed: number): Promise<StoredEvent[]> => {
  const [db = env.DB] = DATABASES.slice(feed);
  return (await listEvents(db, { order: "asc", limit: 1_000 })).events;
};
const all = async (): Promise<StoredEvent[]> => (await Promise.all([0, 1, 2].map(stored))).flat();

interface Question {
  order: "asc" | "desc";
  contact?: string[];
  domain?: string[];
  type?: ("opened" | "clicked")[];
  campaign?: string[];
  message_id?: string;
}

const matches = ({ contact, domain, type, campaign, message_id }: Question, event: StoredEvent): boolean =>
  (contact === undefined || contact.includes(event.contact ?? "")) &&
  (domain === undefined || domain.includes(event.contact?.split("@")[1] ?? "")) &&
  (type === undefined || type.some((one) => one === event.type)) &&
  (campaign === undefined || campaign.includes(event.campaign ?? "")) &&
  (message_id === undefined || message_id === event.message_id);

/** A list to its end, each page by itself as callers of the API ask, or by one reader as exports do. */
async function readAll(
  shards: Shards,
  { order, ...filter }: Question,
  { limit, byPage, after }: { limit: number; byPage: boolean; after?: FeedPosition | undefined },
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  let read = eventPages(shards, { order, ...filter });
  let next: FeedPosition | null | undefined = after;
  do {
    const page = await read(next, limit);
    expect(page.events.length).toBeLessThanOrEqual(limit);
    events.push(...page.events);
    next = page.next === null ? null : decodePosition(encodePosition(page.next));
    if (byPage) read = eventPages(shards, { order, ...filter });
  } while (next !== null);
  return events;
}

const ids = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id).toSorted();

const question: fc.Arbitrary<Question> = fc.record(
  {
    order: fc.constantFrom("asc" as const, "desc" as const),
    contact: fc.uniqueArray(fc.constantFrom(...people, "nobody@example.com"), { minLength: 1, maxLength: 5 }),
    domain: fc.constant(["example1.com"]),
    type: fc.constantFrom(["opened" as const], ["clicked" as const]),
    campaign: fc.constantFrom(["spring"], ["autumn"], ["none"]),
    message_id: fc.constantFrom("5", "77", "none"),
  },
  { requiredKeys: ["order"] },
);
const manner = fc.record({ limit: fc.integer({ min: 1, max: 60 }), byPage: fc.boolean() });

beforeEach(async () => {
  await freshDatabases();
  for (let i = 0; i < 5; i++) {
    await storeDivided(people.slice(i), { event: "open", customcampaign: "spring" });
    await storeDivided(people.slice(0, 20 - i).toReversed(), { event: "click", customcampaign: "autumn" });
  }
});

describe("a list over the feeds of three databases", () => {
  it("has every event that matches once, in order of storage in each feed, and of receipt over all", async () => {
    const events = await all();
    expect(new Set(events.map(({ seq }) => feedOf(seq)))).toEqual(new Set([0, 1, 2]));
    await fc.assert(
      fc.asyncProperty(question, manner, async (asked, how) => {
        const listed = await readAll(three, asked, how);
        expect(ids(listed)).toEqual(ids(events.filter((event) => matches(asked, event))));
        const sign = asked.order === "asc" ? 1 : -1;
        const isSorted = (numbers: number[]): void =>
          expect(numbers).toEqual(numbers.toSorted((one, other) => sign * (one - other)));
        isSorted(listed.map(({ received_at }) => received_at));
        for (const own of Map.groupBy(listed, ({ seq }) => feedOf(seq)).values())
          isSorted(own.map(({ seq }) => seq));
      }),
      { numRuns: 60 },
    );
  });

  it("is what one database lists, if there is one", async () => {
    const [first] = three.all;
    for (const order of ["asc", "desc"] as const) {
      const page = await listEvents(env.DB, { order, limit: 30 });
      expect(await eventPages(shardsOf(1), { order })(undefined, 30)).toEqual(page);
      expect(page.events.every(({ seq }) => feedOf(seq) === first?.index)).toBe(true);
    }
  });

  it("goes on from a cursor of one database, and neither misses nor repeats an event", async () => {
    const [first, events] = [await stored(0), await all()];
    const one = shardsOf(1);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 90 }), manner, async (count, how) => {
        const begun = await eventPages(one, { order: "asc" })(undefined, count);
        for (const cursor of [begun.next, begun.resume]) {
          if (cursor === null) continue;
          const rest = await readAll(three, { order: "asc" }, { ...how, after: cursor });
          expect(ids([...begun.events, ...rest])).toEqual(ids(events));
        }
        const latest = await eventPages(one, { order: "desc" })(undefined, count);
        if (latest.next === null) return;
        const older = await readAll(three, { order: "desc" }, { ...how, after: latest.next });
        expect(ids([...latest.events, ...older])).toEqual(ids(first));
      }),
      { numRuns: 8 },
    );
    const bare = await readAll(
      three,
      { order: "asc" },
      { limit: 50, byPage: true, after: decodePosition("3") ?? BEGINNING },
    );
    expect(bare).toHaveLength(events.length - 3);
  });

  it("goes on from `resume` with what was stored later, in whichever feed, and with nothing else", async () => {
    const before = await all();
    const read = eventPages(three, { order: "asc" });
    let page = await read(undefined, 100);
    while (page.next !== null) page = await read(page.next, 100);
    const { resume } = page;
    expect(resume).not.toBeNull();
    expect(
      await readAll(three, { order: "asc" }, { limit: 10, byPage: true, after: resume ?? BEGINNING }),
    ).toEqual([]);
    await storeDivided(people.slice(3, 9));
    const later = await readAll(
      three,
      { order: "asc" },
      { limit: 2, byPage: true, after: resume ?? BEGINNING },
    );
    expect(ids([...before, ...later])).toEqual(ids(await all()));
    expect(later).toHaveLength(6);
  });

  it("finds single events wherever they lie", async () => {
    for (const event of (await all()).slice(-3))
      expect((await findEvent(three, event.id))?.event).toEqual(event);
    expect(await findEvent(three, "nothing")).toBeNull();
  });
});

describe("a position in the feeds of three databases", () => {
  it("at their ends is as many events from the beginning as there are", async () => {
    const events = await all();
    const end = await endOfFeeds(three);
    expect(countBetween(BEGINNING, end)).toBe(events.length);
    expect(await countFeeds(three, { after: BEGINNING, last: end, most: 10_000 })).toBe(events.length);
    expect(await countFeeds(three, { after: BEGINNING, last: end, most: 7 })).toBe(7);
    for (const event of events) expect(isBehind(end, event)).toBe(true);
  });

  it("at a time lies behind what was received before, and before the rest", async () => {
    const events = await all();
    for (const { received_at: time } of events.filter((_, index) => index % 40 === 0)) {
      const position = await positionAt(three, time, 0);
      for (const event of events) expect(isBehind(position, event)).toBe(event.received_at < time);
    }
  });

  it("behind a seq is at that time in the other feeds", async () => {
    const events = await all();
    for (const { seq, received_at: time } of events.filter((_, index) => index % 40 === 7)) {
      const position = await positionBehindSeq(three, seq);
      for (const event of events) {
        if (feedOf(event.seq) === feedOf(seq)) expect(isBehind(position, event)).toBe(event.seq <= seq);
        else if (event.received_at >= time) expect(isBehind(position, event)).toBe(false);
      }
    }
    const beyond = await positionBehindSeq(three, Math.max(...(await stored(1)).map(({ seq }) => seq)) + 5);
    for (const event of events) expect(isBehind(beyond, event)).toBe(true);
    expect(await positionBehindSeq(three, 0)).toEqual(BEGINNING);
  });

  it("moves through all feeds, one after the other, to the end of a stretch", async () => {
    const events = await all();
    const [after, last] = [await positionAt(three, events[60]?.received_at ?? 0, 0), await endOfFeeds(three)];
    const read: StoredEvent[] = [];
    let position = after;
    for (;;) {
      const part = await readPart(three, { after: position, last, limit: 7 });
      read.push(...part.events);
      const end = part.events.at(-1);
      if (end === undefined) break;
      position = moveBehind(part.after, end);
    }
    expect(ids(read)).toEqual(ids(events.filter((event) => !isBehind(after, event))));
  });

  it("is not needed for the latest events, which come from the ends of all feeds", async () => {
    const latest = await readLatest(three, 30);
    expect(latest).toHaveLength(30);
    for (const feed of [0, 1, 2]) {
      const own = latest.filter(({ seq }) => feedOf(seq) === feed);
      expect(ids(own)).toEqual(ids((await stored(feed)).slice(-own.length)));
    }
    expect(await readLatest(three, 10_000)).toHaveLength((await all()).length);
  });
});

describe("events whose contacts have moved to another database", () => {
  it("come once, while both databases have them and after", async () => {
    const moving = people.filter((contact) => ownerOf(contact) === 0).slice(0, 4);
    const third = await stored(2); // from now on, its feed is not the only one there
    const doomed = [
      ...(await storeAsMoved(await reportsOf(moving), { from: 0, to: 2 })),
      ...(await storeAsMoved(await reportsOf(moving.toReversed()), { from: 0, to: 2 })),
    ];
    expect(doomed).toHaveLength(8);
    const { results: there } = await env.TEST_DB_2.prepare("SELECT id FROM events").all<{ id: string }>();
    expect(there.map(({ id }) => id)).toEqual(expect.arrayContaining(doomed));
    const events = [...(await stored(0)), ...(await stored(1)), ...third];
    const shards = shardsOf(3, [0]);
    const check = async (): Promise<void> => {
      for (const order of ["asc", "desc"] as const)
        for (const limit of [5, 50])
          expect(ids(await readAll(shards, { order }, { limit, byPage: limit === 5 }))).toEqual(ids(events));
      const last = await endOfFeeds(shards);
      const walked: StoredEvent[] = [];
      for (let position = BEGINNING; ;) {
        const part = await readPart(shards, { after: position, last, limit: 9 });
        walked.push(...part.events);
        const end = part.events.at(-1);
        if (end === undefined) break;
        position = moveBehind(part.after, end);
      }
      expect(ids(walked)).toEqual(ids(events));
      const seqs = events.map(({ seq }) => seq);
      expect(ids(await readSeqs(shards, seqs))).toEqual(ids(events));
      expect(ids(await seqsOf(shards, ids(events)))).toEqual(ids(events));
    };
    await check();
    await deleteEvents(env.DB, doomed);
    await check();
  });
});
