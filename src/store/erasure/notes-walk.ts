// The notes of suppressions, for an erasure's walk through the database: a person may have written down somebody else's
// address in one.

import { inPieces } from "../json-pieces.ts";
import type { Db } from "../db.ts";
import { mayMention } from "./may-mention.ts";

/** Rows of one page. D1 bills each row that a page reads. */
const PAGE = 10_000;

/** A page of the suppressions: its last contact, null behind the end, and the contacts whose notes may mention. */
export interface NotesPage {
  last: string | null;
  contacts: string[];
}

// The rows of a full page's last contact may go on behind it, so that contact is read in any case.
const READ_PAGE = `
  WITH page AS MATERIALIZED (
    SELECT contact, ${mayMention("text", "?2")} AS may FROM (
      SELECT contact, coalesce(note, '') || ' ' || coalesce(lift_note, '') AS text
      FROM suppressions WHERE contact > ?1 ORDER BY contact LIMIT ${PAGE})),
    ends AS MATERIALIZED (SELECT max(contact) AS last, count(*) AS n FROM page)
  SELECT last, (SELECT json_group_array(DISTINCT contact) FROM page
    WHERE may OR (n = ${PAGE} AND contact = last)) AS contacts FROM ends`;

/** The suppressions of contacts behind `after`. `pieces`: of the addresses, see {@link mayMention}. */
export async function pageOfNotes(db: Db, after: string, pieces: string): Promise<NotesPage> {
  const row = await db
    .prepare(READ_PAGE)
    .bind(after, pieces)
    .first<{ last: string | null; contacts: string }>();
  return { last: row?.last ?? null, contacts: JSON.parse(row?.contacts ?? "[]") as string[] };
}

/** The notes of one suppression. `at`, `lifted_at`: ms. */
export interface NotesRow {
  contact: string;
  reason: string;
  scope: string;
  event: string;
  at: number;
  note: string | null;
  lifted_at: number | null;
  lift_note: string | null;
}

/** The notes of these contacts' suppressions; rows without any are left out. */
export async function readNotes(db: Db, contacts: readonly string[]): Promise<NotesRow[]> {
  const { results } = await db
    .prepare(
      `SELECT s.contact, s.reason, s.scope, s.event, s.at, s.note, s.lifted_at, s.lift_note
       FROM json_each(?1) AS c CROSS JOIN suppressions AS s ON s.contact = c.value
       WHERE s.note IS NOT NULL OR s.lift_note IS NOT NULL`,
    )
    .bind(JSON.stringify(contacts))
    .all<NotesRow>();
  return results;
}

// Only notes that are still as they were read: a decision since then has its own.
const WRITE = `
  UPDATE suppressions SET note = v.note, lift_note = v.lift_note
  FROM (SELECT value->>0 AS contact, value->>1 AS reason, value->>2 AS scope, value->>3 AS event,
    value->>4 AS note, value->>5 AS lift_note, value->>6 AS old_note, value->>7 AS old_lift_note FROM json_each(?1)) AS v
  WHERE suppressions.contact = v.contact AND suppressions.reason = v.reason AND suppressions.scope = v.scope
    AND suppressions.event = v.event AND suppressions.note IS v.old_note
    AND suppressions.lift_note IS v.old_lift_note`;

/** Replaces the notes of suppressions, unless they have changed since they were read. */
export async function writeNotes(
  db: D1Database,
  changes: readonly { before: NotesRow; after: NotesRow }[],
): Promise<void> {
  const rows = changes.map(({ before, after: { contact, reason, scope, event, note, lift_note } }) =>
    JSON.stringify([contact, reason, scope, event, note, lift_note, before.note, before.lift_note]),
  );
  for (const piece of inPieces(rows)) await db.prepare(WRITE).bind(piece).run();
}
