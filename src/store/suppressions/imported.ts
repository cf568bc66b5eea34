// Imported suppressions on their way to the contacts' objects. An import writes those of unknown contacts into the
// database and marks them as pending. They are in force at once, and stay until the object has taken them over: no state
// that an object stores in between deletes them.

import type { ManualSuppression } from "../../model/suppression/evidence.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import { inPieces } from "../json-pieces.ts";
import type { Db } from "../db.ts";
import { CHANGED } from "../write/changed.ts";
import { contactRow, type ContactChange } from "../write/rows.ts";

/** A suppression in force. `scope`: '' for all mail; `at`: ms since the epoch. */
export interface Standing {
  contact: string;
  reason: SuppressionReason;
  scope: string;
  at: number;
}

/**
 * What the database knows of these contacts: their suppressions in force, and which of them have a state or are being
 * erased, so that only their object may decide. `now`: ms.
 */
export async function findStanding(
  db: Db,
  contacts: readonly string[],
  now: number,
): Promise<{ standing: Standing[]; known: Set<string> }> {
  const list = JSON.stringify(contacts);
  const [standing, known] = await db.batch([
    db
      .prepare(
        `SELECT s.contact, s.reason, s.scope, s.at
         FROM json_each(?1) AS x CROSS JOIN suppressions AS s ON s.contact = x.value
         WHERE s.lifted_at IS NULL AND s.held IS NULL AND (s.expires_at IS NULL OR s.expires_at > ?2)`,
      )
      .bind(list, now),
    db
      .prepare(
        `SELECT c.contact FROM json_each(?1) AS x CROSS JOIN contacts AS c ON c.contact = x.value
         UNION ALL SELECT contact FROM erasures WHERE contact IS NOT NULL`,
      )
      .bind(list),
  ]);
  return {
    standing: (standing?.results ?? []) as unknown as Standing[],
    known: new Set(((known?.results ?? []) as { contact: string }[]).map(({ contact }) => contact)),
  };
}

const INSERT_CONTACTS = `
  INSERT INTO contacts (contact, version, suppressed, since, changed)
  SELECT value->>0, value->>1, value->>2, value->>3, ${CHANGED} FROM json_each(?1) WHERE true
  ON CONFLICT DO NOTHING`;

const INSERT_PENDING = `
  INSERT INTO suppressions (contact, destination, version, reason, scope, event, source, at, by, note, pending)
  SELECT rows.value->>0, rows.value->>5, rows.value->>1, s.value->>0, s.value->>1, s.value->>2, s.value->>3, s.value->>4,
    s.value->>5, s.value->>6, 1
  FROM json_each(?1) AS rows, json_each(rows.value, '$[4]') AS s WHERE true
  ON CONFLICT DO NOTHING`;

/**
 * Stores suppressions of contacts that were unknown, all or none. `version`: of each change the time of the import, ms.
 * `first`: statements that run in the same transaction, before all others.
 */
export async function storePending(
  db: D1Database,
  changes: readonly ContactChange[],
  first: readonly D1PreparedStatement[] = [],
): Promise<void> {
  const statements = [...inPieces(changes.map(contactRow))].flatMap((rows) => [
    db.prepare(INSERT_CONTACTS).bind(rows),
    db.prepare(INSERT_PENDING).bind(rows),
  ]);
  if (statements.length > 0) await db.batch([...first, ...statements]);
}

/** A pending suppression. `version`: the time of the import, ms. */
export interface Pending extends ManualSuppression {
  contact: string;
  version: number;
}

/** The pending suppressions of these contacts. */
export async function findPending(db: Db, contacts: readonly string[]): Promise<Pending[]> {
  const { results } = await db
    .prepare(
      `SELECT s.contact, s.version, s.reason, s.at, s.event AS id, s.source, s.scope, s.by, s.note
       FROM json_each(?1) AS x CROSS JOIN suppressions AS s ON s.contact = x.value
       WHERE s.pending IS NOT NULL ORDER BY s.at, s.event`,
    )
    .bind(JSON.stringify(contacts))
    .all<Pending>();
  return results;
}

/** Contacts with suppressions that are pending since `until` (ms) or longer, the oldest first, at most `limit`. */
export async function findPendingContacts(db: Db, until: number, limit: number): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT contact FROM suppressions INDEXED BY suppressions_pending
       WHERE pending IS NOT NULL AND version <= ?1 ORDER BY version, contact LIMIT ?2`,
    )
    .bind(until, limit)
    .all<{ contact: string }>();
  return [...new Set(results.map(({ contact }) => contact))];
}

/** Ends the pending state of these contacts' suppressions that their objects have taken over. ?1: JSON of contacts and ids. */
export const END_PENDING = `
  UPDATE suppressions SET pending = NULL WHERE pending IS NOT NULL AND (contact, event) IN (
    SELECT value->>0, value->>1 FROM json_each(?1))`;
