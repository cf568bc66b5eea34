// Three databases, with the contacts divided among them and a feed in each, as a deployment with three shards has them.

import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { contactPrefix } from "../../src/model/event-id.ts";
import { seqsOfFeed } from "../../src/store/feed-position.ts";
import type { HoldingShard } from "../../src/store/events/feeds.ts";
import type { Shards } from "../../src/store/shards.ts";
import { deliver, envWith, freshStorage, mailjetEvent, mailjetPost, messagesOf } from "./support.ts";

/** The databases, in order of their numbers. */
export const DATABASES = [env.DB, env.DB_1, env.DB_2] as const;

/** The number of a contact's database. */
export const ownerOf = (contact: string): number => contactPrefix(contact).charCodeAt(0) % DATABASES.length;

/** Empties all three, and lets the feeds of the second and the third begin where they must. */
export async function freshDatabases(): Promise<void> {
  await Promise.all(DATABASES.map(async (db) => await db.prepare("SELECT 1").run()));
  await freshStorage();
  for (const [feed, db] of DATABASES.entries()) {
    if (feed === 0) continue;
    const { beginning } = seqsOfFeed(feed);
    await applyD1Migrations(db, env.TEST_MIGRATIONS);
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

/** Stores an event of each contact in the contact's database, and those of one database together, in that order. */
export async function storeDivided(
  contacts: readonly string[],
  fields: Record<string, unknown> = {},
): Promise<void> {
  for (const [feed, own] of Map.groupBy(contacts, ownerOf)) {
    const events = own.map((email) => {
      made += 1;
      return mailjetEvent({ email, time: 1_790_000_000 + made, MessageID: made, ...fields });
    });
    await deliver(await messagesOf(mailjetPost(JSON.stringify(events))), withDatabase(feed));
  }
}
