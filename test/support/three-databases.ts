// Three databases, with the contacts divided among them and a feed in each, as a deployment with three shards has them. It
// depends on no configuration, so that a suite can say which contacts lie where, and that rows have moved.

import { env } from "cloudflare:workers";
import { contactPrefix } from "../../src/model/event-id.ts";
import { seqsOfFeed } from "../../src/store/feed-position.ts";
import type { HoldingShard } from "../../src/store/events/feeds.ts";
import type { Shards } from "../../src/store/shards.ts";
import { createSchema } from "./database.ts";
import { deliver, envWith, freshStorage, mailjetEvent, mailjetPost, messagesOf } from "./support.ts";

/** The databases, in order of their numbers. */
export const DATABASES = [env.DB, env.TEST_DB_1, env.TEST_DB_2] as const;

/** The number of a contact's database. */
export const ownerOf = (contact: string): number => contactPrefix(contact).charCodeAt(0) % DATABASES.length;

/** Empties all three, and lets the feeds of the second and the third begin where they must. */
export async function freshDatabases(): Promise<void> {
  await Promise.all(DATABASES.map(async (db) => await db.prepare("SELECT 1").run()));
  await freshStorage();
  for (const [feed, db] of DATABASES.entries()) {
    if (feed === 0) continue;
    const { beginning } = seqsOfFeed(feed);
    await createSchema(env.TEST_MIGRATIONS, db);
    await db.batch([
      db
        .prepare("INSERT INTO feed (first_seq, n, batch, stored_at, ids) VALUES (?1, 1, '', 0, '[null]')")
        .bind(beginning),
      db
        .prepare(
          "INSERT INTO notices (seq, id, type, at, told, data) VALUES (?1, 'gone-' || ?1, 'gone', 0, 0, '{}')",
        )
        .bind(beginning),
      db.prepare("UPDATE counting SET position = ?1").bind(beginning),
    ]);
  }
}

/** The first `count` databases. `holds`: feeds of others of which the last one holds events, too. */
export function shardsOf(count: number, holds: readonly number[] = []): Shards {
  const all = DATABASES.slice(0, count).map((db, index): HoldingShard =>
    index === count - 1 ? { index, db, holds } : { index, db },
  );
  const [first = { index: 0, db: env.DB }] = all;
  const owner = (contact: string): HoldingShard => all[ownerOf(contact)] ?? first;
  return {
    all,
    home: env.DB,
    of: async (contact) => await Promise.resolve(owner(contact)),
    group: async (items, contactOf) =>
      await Promise.resolve(Map.groupBy(items, (item) => owner(contactOf(item)))),
  };
}

/** The bindings with a database in place of the first one. */
export const withDatabase = (feed: number): Env => envWith({ DB: DATABASES[feed] });

let made = 0;

/** Messages of the queue that report an event of each contact. */
export async function reportsOf(
  contacts: readonly string[],
  fields: Record<string, unknown> = {},
): Promise<Uint8Array[]> {
  const events = contacts.map((email) => {
    made += 1;
    return mailjetEvent({ email, time: 1_790_000_000 + made, MessageID: made, ...fields });
  });
  return await messagesOf(mailjetPost(JSON.stringify(events)));
}

/** Stores an event of each contact in the contact's database, and those of one database together, in that order. */
export async function storeDivided(
  contacts: readonly string[],
  fields: Record<string, unknown> = {},
): Promise<void> {
  for (const [feed, own] of Map.groupBy(contacts, ownerOf))
    await deliver(await reportsOf(own, fields), withDatabase(feed));
}

/** The table that holds the rows of events, whatever the schema calls it. */
async function rowsOfEvents(db: D1Database): Promise<string> {
  const table = await db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('events', 'event_rows')")
    .first<string>("name");
  return table ?? "events";
}

/** Deletes events from a database, which the feed goes on naming. */
export async function deleteEvents(db: D1Database, ids: readonly string[]): Promise<void> {
  const table = await rowsOfEvents(db);
  await db
    .prepare(`DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?1))`)
    .bind(JSON.stringify(ids))
    .run();
}

/**
 * Stores the same reports in another database as well, as events of the feed in which the first one has them: as if their
 * contacts were on the move. Resolves to the ids.
 */
export async function storeAsMoved(
  reports: readonly Uint8Array[],
  { from, to }: { from: number; to: number },
): Promise<string[]> {
  const [source, target] = [DATABASES[from] ?? env.DB, DATABASES[to] ?? env.DB];
  const endOf = async (db: D1Database): Promise<number> =>
    (await db.prepare("SELECT max(first_seq) AS n FROM feed").first<number>("n")) ?? 0;
  const [before, beforeThere] = [await endOf(source), await endOf(target)];
  for (const feed of [from, to]) await deliver(reports, withDatabase(feed));
  const { results: feed } = await source
    .prepare("SELECT first_seq, n, batch, stored_at, ids FROM feed WHERE first_seq > ?1")
    .bind(before)
    .all<{ first_seq: number; n: number; batch: string; stored_at: number; ids: string }>();
  const table = await rowsOfEvents(target);
  const named = feed.flatMap(({ first_seq, ids }) =>
    (JSON.parse(ids) as string[]).map((id, index) => ({ id, seq: first_seq + index })),
  );
  await target.batch([
    target.prepare("DELETE FROM feed WHERE first_seq > ?1").bind(beforeThere),
    ...feed.map(({ first_seq, n, batch, stored_at, ids }) =>
      target
        .prepare("INSERT INTO feed (first_seq, n, batch, stored_at, ids) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(first_seq, n, batch, stored_at, ids),
    ),
    ...named.map(({ id, seq }) => target.prepare(`UPDATE ${table} SET seq = ?2 WHERE id = ?1`).bind(id, seq)),
  ]);
  return named.map(({ id }) => id);
}
