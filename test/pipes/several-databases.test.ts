// What pipes keep and read of the feeds of several databases, beside the events themselves: system events, what waits,
// and what filters ask.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { lookUpDivided } from "../../src/pipes/filter/lookups.ts";
import { openRetries } from "../../src/pipes/retries.ts";
import { DAY, HOUR } from "../../src/lib/time.ts";
import {
  BEGINNING,
  feedOf,
  moveBehind,
  positionAfter,
  seqsOfFeed,
  type FeedPosition,
} from "../../src/store/feed-position.ts";
import { announcePipes, keepAnnounced } from "../../src/store/pipes/announced.ts";
import {
  forgetSystemEvents,
  placeSystemEvents,
  readSystemEvents,
  readSystemEventSeqs,
  systemEventsBefore,
  systemEventsEnd,
  type SystemEvent,
} from "../../src/store/pipes/system-events.ts";
import { askApi } from "../support/support.ts";
import { DATABASES, freshDatabases, ownerOf, shardsOf, withDatabase } from "../support/three-databases.ts";

const three = shardsOf(3);
const people = Array.from({ length: 9 }, (_, i) => `p${i}@example.com`);
const behind = (...seqs: number[]): FeedPosition =>
  seqs.reduce((position, seq) => moveBehind(position, { seq }), BEGINNING);

beforeEach(freshDatabases);

/** Suppresses contacts, each in its database. */
async function suppress(contacts: readonly string[]): Promise<void> {
  for (const contact of contacts)
    expect(
      (await askApi("PUT", `/v1/suppressions/${contact}`, {}, withDatabase(ownerOf(contact)))).status,
    ).toBe(200);
}

const read = async (after: FeedPosition = BEGINNING): Promise<SystemEvent[]> =>
  (
    await Promise.all(
      [0, 1, 2].map(async (feed) => await readSystemEvents(three, feed, { after, limit: 100 })),
    )
  ).flat();
const contactsOf = (events: readonly { contact: string | null }[]): string[] =>
  events.map(({ contact }) => contact ?? "").toSorted();

describe("system events in three databases", () => {
  it("are reported in the others as soon as a pipe is announced, though the pipes stand in the first", async () => {
    await suppress(people.slice(0, 4));
    expect(await read()).toEqual([]);
    await announcePipes(three, Date.now());
    await suppress(people.slice(4));
    const expected = people.slice(4).filter((contact) => ownerOf(contact) > 0);
    expect(expected.length).toBeGreaterThan(2);
    const events = await read();
    expect(contactsOf(events)).toEqual(expected.toSorted());
    for (const { contact, seq } of events) expect(feedOf(seq)).toBe(ownerOf(contact ?? ""));
    expect(await env.DB.prepare("SELECT count(*) AS n FROM pipes").first("n")).toBe(0);
  });

  it("stay announced in databases that come later, and until an hour after the last pipe has gone", async () => {
    const announced = async (): Promise<unknown[]> =>
      await Promise.all(
        DATABASES.map(async (db) => await db.prepare("SELECT count(*) AS n FROM pipes").first("n")),
      );
    const now = Date.now();
    await keepAnnounced(three, { any: true, now });
    await keepAnnounced(three, { any: true, now: now + HOUR });
    expect(await announced()).toEqual([0, 1, 1]);
    await announcePipes(three, now + HOUR);
    await keepAnnounced(three, { any: false, now: now + 2 * HOUR });
    expect(await announced()).toEqual([0, 1, 1]);
    await keepAnnounced(three, { any: false, now: now + 2 * HOUR + 1 });
    expect(await announced()).toEqual([0, 0, 0]);
  });

  it("are found by position, by seq, by id and by time", async () => {
    await announcePipes(three, Date.now());
    await suppress(people);
    const events = await read();
    const end = await systemEventsEnd(three);
    expect(await read(end)).toEqual([]);
    expect(
      await readSystemEventSeqs(
        three,
        events.map(({ seq }) => seq),
      ),
    ).toEqual(events);
    expect(await placeSystemEvents(three, [...events.map(({ id }) => id), "none"])).toHaveLength(
      events.length,
    );
    for (const { told } of events) {
      const before = await systemEventsBefore(three, told);
      expect(await read(before)).toEqual(events.filter((event) => event.told >= told));
    }
  });

  it("are deleted in each database once every pipe has passed them, but not those that came since", async () => {
    await announcePipes(three, Date.now());
    await suppress(people);
    const end = await systemEventsEnd(three);
    const later = Date.now() + 31 * DAY;
    const events = await read();
    const [, second] = await Promise.all(
      [0, 1].map(async (feed) => await readSystemEvents(three, feed, { after: BEGINNING, limit: 100 })),
    );
    const first = second?.[0]?.seq ?? 0;
    const passed = behind(first, seqsOfFeed(2).beginning);
    await forgetSystemEvents(three, { pipes: new Map([["p", passed]]), end }, later);
    expect((await read()).map(({ seq }) => seq)).toEqual(
      events.map(({ seq }) => seq).filter((seq) => seq !== first),
    );
    await forgetSystemEvents(three, { pipes: new Map([["p", end]]), end: BEGINNING }, later);
    expect(await read()).toHaveLength(events.length - 1);
    await forgetSystemEvents(three, { pipes: new Map([["p", end]]), end }, later);
    expect(await read()).toEqual([]);
    expect(await systemEventsEnd(three)).toEqual(end); // the last row of each stays, emptied
  });
});

describe("what waits in a pipe", () => {
  it("is counted, let go and kept by the feeds of its positions", async () => {
    const stub = env.PIPES.getByName("retries of several feeds");
    await runInDurableObject(stub, (_, { storage }) => {
      const retries = openRetries(storage);
      const [one, two] = [seqsOfFeed(1).beginning, seqsOfFeed(2).beginning];
      const rest = { grp: "", tries: 1, due: 0, reason: "", asked: 0 } as const;
      for (const seq of [3, 9, one + 1, one + 5, two + 2]) {
        retries.put({ feed: "events", seq, id: `e${seq}`, ...rest });
        retries.put({ feed: "notices", seq, id: `n${seq}`, ...rest });
      }
      expect(retries.firstSystemEvents()).toEqual([3, one + 1, two + 2]);
      const some = { events: behind(5, one + 5), notices: behind(two + 2) };
      expect(retries.before(some, false)).toBe(4);
      expect(retries.count()).toBe(10);
      expect(retries.before(some, true)).toBe(4);
      expect(retries.before(some, true)).toBe(0);
      expect(
        retries
          .list(20)
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual([`e9`, `e${two + 2}`, "n3", "n9", `n${one + 1}`, `n${one + 5}`].toSorted());
      expect(retries.firstSystemEvents()).toEqual([3, one + 1]);
      expect(retries.before({ events: positionAfter(9), notices: BEGINNING }, true)).toBe(1);
    });
  });
});

describe("a filter's look-up", () => {
  it("asks each contact's own database, and answers in the order of the events", async () => {
    const suppressed = people.filter((_, index) => index % 2 === 0);
    await suppress(suppressed);
    const about = [...people.map((contact) => ({ contact })), { contact: null }];
    const found = await lookUpDivided(three, env.BUCKET, about, { message: true, suppression: true });
    expect(found.map(({ suppression }) => suppression !== null)).toEqual(
      about.map(({ contact }) => contact !== null && suppressed.includes(contact)),
    );
    for (const { message } of found) expect(message?.status).toBe("unknown");
  });
});
