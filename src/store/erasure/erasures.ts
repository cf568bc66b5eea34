// Requests to erase a contact, one row each. The row records how far the work has come, so that any run can resume it.

import type { SuppressionReason } from "../../model/suppression/policy.ts";
import { CONTACT_CHARS, contactPrefix } from "../../model/event-id.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import { DAY } from "../../lib/time.ts";
import type { Db } from "../db.ts";
import { DELETE_ATTEMPTS, LEAVE_ATTEMPTS } from "../pipes/delivery-log.ts";
import { isOf } from "../prefix-range.ts";
import { leaveFeed } from "../feed-rows.ts";
import { goneFrom } from "../write/counters.ts";
import { COUNT_REST } from "../write/counting.ts";
import { DROP_ERASED_FIRSTS } from "../write/firsts.ts";
import { endedMessages } from "../write/ended-messages.ts";
import { EMPTY_TOLD, INSERT_ERASED_EVENTS } from "../pipes/system-events.ts";

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
  db: D1Database,
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

/** Most events that one transaction deletes. */
const SLICE = 5_000;

const DOOMED = `SELECT e.id FROM erasures AS x CROSS JOIN events AS e ON ${isOf("e", "x")}
  AND e.received_at <= x.erased_at WHERE x.id = ?1 LIMIT ${SLICE}`;
const DOOMED_EVENTS = `(SELECT * FROM events WHERE id IN (${DOOMED}))`;

const NOTE_TOMBSTONE = `
  UPDATE erasures SET begun = 1, erased_at = ?2, version = ?3, claims = claims + ?4,
    kept_reason = coalesce(kept_reason, ?5, (SELECT suppressed FROM contacts AS c WHERE c.contact = erasures.contact),
      (SELECT reason FROM erased WHERE erased.hash = erasures.hash)),
    kept_since = coalesce(kept_since, ?6, (SELECT since FROM contacts AS c WHERE c.contact = erasures.contact),
      (SELECT since FROM erased WHERE erased.hash = erasures.hash))
  WHERE id = ?1 AND contact IS NOT NULL AND begun = 0 AND tombstone = ?7`;

const KEEP_HASH = `
  INSERT INTO erased (hash, reason, since) SELECT hash, kept_reason, kept_since FROM erasures
  WHERE id = ?1 AND kept_reason IS NOT NULL AND erased_at IS NOT NULL ON CONFLICT DO NOTHING`;

/** The messages whose events are all deleted; a message with later events keeps its row. */
const OWN_MESSAGES = endedMessages(
  `SELECT message_id, substr(id, 1, ${CONTACT_CHARS}) FROM ${DOOMED_EVENTS} WHERE message_id IS NOT NULL`,
  "(SELECT contact, prefix, erased_at FROM erasures WHERE id = ?1)",
  "(e.received_at > who.erased_at OR e.contact <> who.contact)",
);

const COUNT = `
  UPDATE erasures AS x SET
    events = events + (SELECT count(*) FROM (${DOOMED})),
    messages = messages + (SELECT count(*) FROM message_rows WHERE (message_id, prefix) IN (${OWN_MESSAGES})),
    contacts = max(contacts, EXISTS (${DOOMED}),
      EXISTS (SELECT 1 FROM contacts AS c WHERE c.contact = x.contact AND c.version <= x.version)),
    suppressions = suppressions +
      (SELECT count(*) FROM suppressions AS s WHERE s.contact = x.contact AND s.version <= x.version)
  WHERE x.id = ?1 AND x.contact IS NOT NULL`;

const DELETE_MESSAGES = `DELETE FROM message_rows WHERE (message_id, prefix) IN (${OWN_MESSAGES})`;
const LEAVE_WORDS = `UPDATE unknown_words SET event = NULL
  WHERE event IN (${DOOMED})`;
const LEAVE_FEED = leaveFeed(`SELECT id, seq FROM ${DOOMED_EVENTS}`);
const DELETE_EVENTS = `DELETE FROM event_rows WHERE id IN (${DOOMED})`;
const DELETE_OTHERS = ["contacts", "suppressions"].map(
  (table) => `DELETE FROM ${table} WHERE (contact, version) IN (
    SELECT t.contact, t.version FROM erasures AS x CROSS JOIN ${table} AS t
    ON t.contact = x.contact AND t.version <= x.version WHERE x.id = ?1)`,
);

/** That the contact was among those of a decision in bulk: without it the decision cannot be taken back for the contact. */
const LEAVE_DECISIONS = `DELETE FROM bulk_decided WHERE contact = (SELECT contact FROM erasures WHERE id = ?1)`;

/**
 * Deletes the contact's rows, a slice of its events at a time, and counts them in the same transaction. After the first
 * of these transactions no other transaction can bring rows back: see REFUSE_ERASED in src/store/write/slice.ts.
 * `id`: the erasure's; `tombstone`: what the contact's object reports about the tombstone that it holds, times in ms.
 */
export async function removeRows(
  db: D1Database,
  id: string,
  tombstone: {
    id: string;
    at: number;
    version: number;
    claims: number;
    kept: { reason: SuppressionReason; at: number } | null;
  },
): Promise<void> {
  const { at, version, claims, kept } = tombstone;
  const values = [at, version, claims, kept?.reason ?? null, kept?.at ?? null, tombstone.id];
  const statements = [
    ...COUNT_REST.map((sql) => db.prepare(sql)),
    db.prepare(NOTE_TOMBSTONE).bind(id, ...values),
    ...[
      INSERT_ERASED_EVENTS,
      EMPTY_TOLD,
      LEAVE_ATTEMPTS,
      DELETE_ATTEMPTS,
      KEEP_HASH,
      COUNT,
      ...goneFrom(DOOMED_EVENTS),
      DELETE_MESSAGES,
      LEAVE_WORDS,
      LEAVE_DECISIONS,
      LEAVE_FEED,
    ].map((sql) => db.prepare(sql).bind(id)),
    db.prepare(DROP_ERASED_FIRSTS).bind(id),
    db.prepare(DELETE_EVENTS).bind(id),
    ...DELETE_OTHERS.map((sql) => db.prepare(sql).bind(id)),
  ];
  const place = statements.length - DELETE_OTHERS.length - 1;
  for (;;) {
    const results = await db.batch(statements);
    if ((results[place]?.meta.changes ?? 0) < SLICE) return;
  }
}

/** Ends a request, unless it has begun again meanwhile. From now on its row holds no address. `now`: ms. */
export async function finishErasure(
  db: D1Database,
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
export async function forgetHashes(db: D1Database, until: number): Promise<void> {
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
