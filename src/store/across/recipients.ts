// The recipients of campaigns over several databases: those of the first database in the order of its feed, then those of
// the second, and so on. A contact lies in one database, so none is listed twice.

import type { Db } from "../db.ts";
import {
  listRecipients,
  MOST_READ,
  type Recipient,
  type RecipientCursor,
  type RecipientPage,
  type RecipientQuery,
} from "../events/recipients.ts";
import { listMessages, MOST_MESSAGES, type FoundMessage } from "../events/messages.ts";
import type { Shards } from "../shards.ts";
import { askOne, onlyShard } from "./ask.ts";

/** Where a page ended: in the database with this number, and there behind a seq, or at its beginning. */
export interface RecipientPlace {
  shard: number;
  /** Null at the beginning. */
  after: RecipientCursor | null;
}

/** A page. It may be short, or empty, and still have a next one. */
interface Page<T> {
  items: T[];
  next: RecipientPlace | null;
}

/** Reads a page of recipients behind `after`. Rejects if a database does not answer. */
export async function listRecipientsAcross(
  shards: Shards,
  query: RecipientQuery,
  after: RecipientPlace | undefined,
  limit: number,
): Promise<Page<Recipient>> {
  const list = async (db: Db, from: RecipientCursor | undefined, most: number) =>
    await listRecipients(db, query, from, most);
  return await walkShards(shards, { after, limit, list });
}

/** Reads a page of the campaigns' mails, each to one contact, behind `after`; at most 100. Rejects likewise. */
export async function listMessagesAcross(
  shards: Shards,
  query: Omit<RecipientQuery, "byMessage">,
  after: RecipientPlace | undefined,
  limit: number,
): Promise<Page<FoundMessage>> {
  const list = async (db: Db, from: RecipientCursor | undefined, most: number) =>
    await listMessages(db, query, from, most);
  return await walkShards(shards, { after, limit: Math.min(limit, MOST_MESSAGES), list });
}

interface Walk<T> {
  after: RecipientPlace | undefined;
  limit: number;
  list: (db: Db, from: RecipientCursor | undefined, most: number) => Promise<RecipientPage<T>>;
}

/** Lists the databases one after the other, until the page is full or as many rows were read as one page may. */
async function walkShards<T>(shards: Shards, { after, limit, list }: Walk<T>): Promise<Page<T>> {
  const only = onlyShard(shards);
  const items: T[] = [];
  let place: RecipientPlace = after ?? { shard: 0, after: null };
  for (let read = 0; ;) {
    const { shard: index, after: from } = place;
    const shard = shards.all[index];
    if (shard === undefined) return { items, next: null };
    const ask = async (db: Db) => await list(db, from ?? undefined, limit - items.length);
    const page = await (only === null ? askOne(shard, ask) : ask(shard.db));
    items.push(...page.items);
    read += page.read;
    place = page.next === null ? { shard: index + 1, after: null } : { shard: index, after: page.next };
    if (place.shard === shards.all.length) return { items, next: null };
    if (page.next !== null || items.length >= limit || read >= MOST_READ) return { items, next: place };
  }
}
