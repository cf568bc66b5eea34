// Requests to erase a contact: one row each, which says how far the work went, so that any run can take it up.

import type { SuppressionReason } from "../../model/suppression/policy.ts";
import { contactPrefix } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import { DELETE_ATTEMPTS, LEAVE_ATTEMPTS } from "../pipes/delivery-log.ts";
import { goneFrom } from "../write/counters.ts";
import { EMPTY_TOLD, INSERT_ERASED_EVENTS } from "../pipes/system-events.ts";

/** A request as stored; times in ms. */
export interface Erasure {
  id: string;
  /** Null once nothing is left to be done. */
  contact: string | null;
  hash: string | null;
  note: string | null;
  asked_at: number;
  asked_by: string;
  /** Asking again sets another one, so that what came in between goes too. */
  tombstone: string;
  begun: 0 | 1;
  erased_at: number | null;
  version: number | null;
  pass: 1 | 2;
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
  kept_reason: SuppressionReason | null;
  kept_since: number | null;
  finished_at: number | null;
}

/** One that still has to look at something. */
export type Running = Erasure & { contact: string };

export async function getErasure(db: Db, id: string): Promise<Erasure | null> {
  return await db.prepare("SELECT * FROM erasures WHERE id = ?1").bind(id).first<Erasure>();
}

/** The latest request for the contact of this hash; null where there is none that is still known. */
export async function findErasure(db: Db, hash: string): Promise<Erasure | null> {
  return await db
    .prepare("SELECT * FROM erasures WHERE hash = ?1 ORDER BY id DESC LIMIT 1")
    .bind(hash)
    .first<Erasure>();
}

/** Those that are under way, the one that is least far first. */
export async function runningErasures(db: Db, most: number): Promise<Running[]> {
  const { results } = await db
    .prepare("SELECT * FROM erasures WHERE contact IS NOT NULL ORDER BY cursor LIMIT ?1")
    .bind(most)
    .all<Running>();
  return results;
}

/**
 * Keeps a request, which looks at the bucket from the key `from` on. Where one for this contact is under way, that one
 * begins again under the new tombstone, and from there: so all that was received before anybody asked goes.
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
           tombstone = excluded.tombstone, begun = 0, pass = 1, cursor = min(cursor, excluded.cursor)`,
      )
      .bind(id, contact, contactPrefix(contact), hash, note, asked_at, asked_by, from),
    db.prepare("SELECT * FROM erasures WHERE contact = ?1").bind(contact),
  ]);
  const [row] = found?.results ?? [];
  if (row === undefined) throw new Error("the request was not kept");
  return row;
}

/** Events that go in one transaction. */
const SLICE = 5_000;

const OWN = "events.id >= x.prefix AND events.id < x.prefix || '~' AND events.contact = x.contact";
const DOOMED = `SELECT events.seq FROM erasures AS x CROSS JOIN events ON ${OWN} AND events.received_at <= x.erased_at
  WHERE x.id = ?1 LIMIT ${SLICE}`;

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

/**
 * A mail of which later events are told keeps its row. As sets, for a contact may have very many events; and not as the
 * bare EXCEPT, into which SQLite would look for each row there is in messages.
 */
const OWN_MESSAGES = `
  SELECT message_id, contact FROM (
    SELECT message_id, contact FROM events WHERE seq IN (${DOOMED}) AND message_id IS NOT NULL
    EXCEPT
    SELECT events.message_id, events.contact FROM erasures AS x CROSS JOIN events ON ${OWN}
      AND events.received_at > x.erased_at WHERE x.id = ?1)`;

const COUNT = `
  UPDATE erasures AS x SET
    events = events + (SELECT count(*) FROM (${DOOMED})),
    messages = messages + (SELECT count(*) FROM messages WHERE (message_id, contact) IN (${OWN_MESSAGES})),
    contacts = contacts + (SELECT count(*) FROM contacts AS c WHERE c.contact = x.contact AND c.version <= x.version),
    suppressions = suppressions +
      (SELECT count(*) FROM suppressions AS s WHERE s.contact = x.contact AND s.version <= x.version)
  WHERE x.id = ?1 AND x.contact IS NOT NULL`;

const DELETE_MESSAGES = `DELETE FROM messages WHERE (message_id, contact) IN (${OWN_MESSAGES})`;
const DELETE_EVENTS = `DELETE FROM events WHERE seq IN (${DOOMED})`;
const DELETE_OTHERS = ["contacts", "suppressions"].map(
  (table) => `DELETE FROM ${table} WHERE (contact, version) IN (
    SELECT t.contact, t.version FROM erasures AS x CROSS JOIN ${table} AS t
    ON t.contact = x.contact AND t.version <= x.version WHERE x.id = ?1)`,
);

/**
 * Deletes the contact's rows, a slice of its events at a time, counted in the same transaction. From the first of them on
 * no transaction can bring any back: see REFUSE_ERASED of slice.ts.
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
  const told = [at, version, claims, kept?.reason ?? null, kept?.at ?? null, tombstone.id];
  const statements = [
    db.prepare(NOTE_TOMBSTONE).bind(id, ...told),
    ...[
      INSERT_ERASED_EVENTS,
      EMPTY_TOLD,
      LEAVE_ATTEMPTS,
      DELETE_ATTEMPTS,
      KEEP_HASH,
      COUNT,
      ...goneFrom(`seq IN (${DOOMED})`),
      DELETE_MESSAGES,
    ].map((sql) => db.prepare(sql).bind(id)),
    db.prepare(DELETE_EVENTS).bind(id),
    ...DELETE_OTHERS.map((sql) => db.prepare(sql).bind(id)),
  ];
  const place = statements.length - DELETE_OTHERS.length - 1;
  for (;;) {
    const results = await db.batch(statements);
    if ((results[place]?.meta.changes ?? 0) < SLICE) return;
  }
}

/** What one look at a page of the bucket came to. */
export interface Looked {
  looked_at: number;
  rewritten: number;
  elements: number;
  dead_letters: number;
}

/** Moves on what a page of the bucket was looked at for; who was faster counts. */
export async function moveOn(
  db: D1Database,
  moves: readonly { erasure: Erasure; cursor: string; looked: Looked }[],
): Promise<void> {
  const statements = moves.map(({ erasure, cursor, looked }) =>
    db
      .prepare(
        `UPDATE erasures SET cursor = ?4, looked_at = looked_at + ?5, rewritten = rewritten + ?6,
           elements = elements + ?7, dead_letters = dead_letters + ?8
         WHERE id = ?1 AND pass = ?2 AND cursor = ?3 AND tombstone = ?9`,
      )
      .bind(
        erasure.id,
        erasure.pass,
        erasure.cursor,
        cursor,
        looked.looked_at,
        looked.rewritten,
        looked.elements,
        looked.dead_letters,
        erasure.tombstone,
      ),
  );
  if (statements.length > 0) await db.batch(statements);
}

/** Begins the second look, from a key on. */
export async function lookAgain(
  db: D1Database,
  { id, tombstone }: Pick<Erasure, "id" | "tombstone">,
  cursor: string,
): Promise<void> {
  await db.batch([
    db
      .prepare("UPDATE erasures SET pass = 2, cursor = ?2 WHERE id = ?1 AND pass = 1 AND tombstone = ?3")
      .bind(id, cursor, tombstone),
  ]);
}

/** Ends a request, unless it began again: from now on its row holds no address. `now`: ms. */
export async function finishErasure(
  db: D1Database,
  { id, tombstone }: Pick<Erasure, "id" | "tombstone">,
  now: number,
): Promise<void> {
  await db.batch([
    db
      .prepare(
        `UPDATE erasures SET contact = NULL, prefix = NULL, cursor = '', finished_at = ?2
         WHERE id = ?1 AND finished_at IS NULL AND begun = 1 AND pass = 2 AND tombstone = ?3`,
      )
      .bind(id, now, tombstone),
  ]);
}

/** Drops the hashes of requests from before `until` (ms) that no suppression needs. */
export async function forgetHashes(db: D1Database, until: number): Promise<void> {
  await db
    .prepare(
      `UPDATE erasures SET hash = NULL
       WHERE hash IS NOT NULL AND finished_at < ?1 AND kept_reason IS NULL`,
    )
    .bind(until)
    .run();
}

/** Until when each of the contacts with these hashes was erased, ms. */
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
