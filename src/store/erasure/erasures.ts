// Requests to erase a contact, one row each. The row records how far the work has come, so that any run can resume it.

import type { SuppressionReason } from "../../model/suppression/policy.ts";
import { contactPrefix } from "../../model/event-id.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import { DAY } from "../../lib/time.ts";
import type { Db } from "../db.ts";
import { LEAVE_DECISIONS } from "./contact-rows.ts";

/** A request as stored; times in ms. */
export interface Erasure {
  id: string;
  /** The address; null once the erasure is done. */
  contact: string | null;
  /** The keyed hash of the address; null once it is forgotten (see {@link forgetHashes}). */
  hash: string | null;
  note: string | null;
  asked_at: number;
  asked_by: string;
  /** A repeated request sets a new one, so that everything that arrived between the two requests is erased too. */
  tombstone: string;
  /** 1 once the contact's object holds the tombstone. */
  begun: 0 | 1;
  /** Everything received until then is erased. */
  erased_at: number | null;
  version: number | null;
  /** Which pass through the bucket is under way. */
  pass: 1 | 2;
  /** The last key of the bucket that the current pass has processed. */
  cursor: string;
  events: number;
  messages: number;
  contacts: number;
  suppressions: number;
  claims: number;
  dead_letters: number;
  looked_at: number;
  rewritten: number;
  elements: number;
  /** How far the current pass has come in the database. */
  rows_cursor: string;
  /** Rows of others in which the address was replaced. */
  mentions: number;
  /** Campaigns and tags that were renamed in the counters. */
  names: number;
  /** Objects of the bucket that could not be read, and the first of their keys, as JSON. */
  unreadable: number;
  unreadable_keys: string;
  /** The object at which the walk waits, since when (ms), and how often it was tried; null if it does not wait. */
  stuck_key: string | null;
  stuck_since: number | null;
  stuck_tries: number;
  kept_reason: SuppressionReason | null;
  kept_since: number | null;
  finished_at: number | null;
}

/** A request that is still under way. */
export type Running = Erasure & { contact: string };

/** The request with this id; null if there is none. */
export async function getErasure(db: Db, id: string): Promise<Erasure | null> {
  return await db.prepare("SELECT * FROM erasures WHERE id = ?1").bind(id).first<Erasure>();
}

/** The latest request for the contact with this hash; null if there is none or its hash is forgotten. */
export async function findErasure(db: Db, hash: string): Promise<Erasure | null> {
  return await db
    .prepare("SELECT * FROM erasures WHERE hash = ?1 ORDER BY id DESC LIMIT 1")
    .bind(hash)
    .first<Erasure>();
}

/** The requests under way, at most `most` of them, the one that has come least far first. */
export async function runningErasures(db: Db, most: number): Promise<Running[]> {
  const { results } = await db
    .prepare("SELECT * FROM erasures WHERE contact IS NOT NULL ORDER BY cursor LIMIT ?1")
    .bind(most)
    .all<Running>();
  return results;
}

/**
 * Stores a request, whose walk through the bucket begins at the key `from`. If a request for this contact is under way
 * already, that one begins again with the new tombstone and from the earlier of both keys, so that everything received
 * before either request is erased. Returns the row of the request that is under way now.
 */
export async function openErasure(
  db: Db,
  asked: {
    id: string;
    contact: string;
    hash: string;
    note: string | null;
    asked_at: number;
    asked_by: string;
  },
  from: string,
): Promise<Running> {
  const { id, contact, hash, note, asked_at, asked_by } = asked;
  const [, found] = await db.batch<Running>([
    db
      .prepare(
        `INSERT INTO erasures (id, contact, prefix, hash, note, asked_at, asked_by, tombstone, cursor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?1, ?8)
         ON CONFLICT (contact) WHERE contact IS NOT NULL DO UPDATE SET
           tombstone = excluded.tombstone, begun = 0, pass = 1, cursor = min(cursor, excluded.cursor), rows_cursor = ''`,
      )
      .bind(id, contact, contactPrefix(contact), hash, note, asked_at, asked_by, from),
    db.prepare("SELECT * FROM erasures WHERE contact = ?1").bind(contact),
  ]);
  const [row] = found?.results ?? [];
  if (row === undefined) throw new Error("the request was not kept");
  return row;
}

/** Ends a request, unless it has begun again meanwhile. From now on its row holds no address. `now`: ms. */
export async function finishErasure(
  db: Db,
  { id, tombstone }: Pick<Erasure, "id" | "tombstone">,
  now: number,
): Promise<void> {
  await db.batch([
    // A decision may have been on its way when the rows were deleted.
    db.prepare(LEAVE_DECISIONS).bind(id),
    db
      .prepare(
        `UPDATE erasures SET contact = NULL, prefix = NULL, cursor = '', rows_cursor = '', stuck_key = NULL, finished_at = ?2
         WHERE id = ?1 AND finished_at IS NULL AND begun = 1 AND pass = 2 AND tombstone = ?3`,
      )
      .bind(id, now, tombstone),
  ]);
}

/** Forgets the hashes of requests that ended before `until` (ms), except those that a suppression still needs. */
export async function forgetHashes(db: Db, until: number): Promise<void> {
  await db
    .prepare(
      `UPDATE erasures SET hash = NULL
       WHERE hash IS NOT NULL AND finished_at < ?1 AND kept_reason IS NULL`,
    )
    .bind(until)
    .run();
}

/** Up to which time of receipt each of the contacts with these hashes is erased: hash to ms. */
export async function erasedAt(db: Db, hashes: Iterable<string>): Promise<Map<string, number>> {
  const { results } = await db
    .prepare(
      `SELECT e.hash, max(e.asked_at, coalesce(e.erased_at, 0)) AS at FROM json_each(?1) AS h
       CROSS JOIN erasures AS e ON e.hash = h.value ORDER BY at`,
    )
    .bind(JSON.stringify([...hashes]))
    .all<{ hash: string; at: number }>();
  return new Map(results.map(({ hash, at }) => [hash, at]));
}

/** How long a delivery may be under way, ms: longer than a queue keeps it, and as long as tombstones exist. */
const UNDER_WAY = 35 * DAY;

/** When the latest erasure of the last 35 days took effect, ms; -Infinity if there was none. `now`: ms. */
export async function lastErasedAt(db: Db, now: number): Promise<number> {
  // Requests under way may be older, and have begun again.
  const at = await db
    .prepare(
      `SELECT max(max(asked_at, coalesce(erased_at, 0))) AS at FROM (
         SELECT asked_at, erased_at FROM erasures WHERE id >= ?1
         UNION ALL SELECT asked_at, erased_at FROM erasures WHERE contact IS NOT NULL)`,
    )
    .bind(firstIdAt(now - UNDER_WAY))
    .first<number>("at");
  return at ?? -Infinity;
}
