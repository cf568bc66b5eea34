// Decisions in bulk: which contacts they concern, noted before the decision reaches any of them, so that it can be taken
// back whatever happens in between.

import { DAY } from "../../lib/time.ts";
import type { Db } from "../db.ts";

/** A decision in bulk. Times in ms since the epoch. */
export interface BulkDecision {
  id: string;
  kind: "lift" | "release" | "drop";
  /** JSON, as it was asked for. */
  filter: string;
  by: string;
  note: string | null;
  at: number;
  /** When taking it back began; null if nobody did. */
  undone_at: number | null;
  undone_by: string | null;
}

/** Notes a decision, if it is new, and contacts that it concerns. */
export async function noteBulkDecision(
  db: D1Database,
  { id, kind, filter, by, note, at }: Omit<BulkDecision, "undone_at" | "undone_by">,
  contacts: readonly string[],
): Promise<void> {
  await db.batch([
    db
      .prepare(
        `INSERT INTO bulk_decisions (id, kind, filter, by, note, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, kind, filter, by, note, at),
    db
      .prepare(
        `INSERT INTO bulk_decided (id, contact) SELECT ?1, value FROM json_each(?2) WHERE true
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, JSON.stringify(contacts)),
  ]);
}

/** A decision by its id; null if there is none. */
export async function readBulkDecision(db: Db, id: string): Promise<BulkDecision | null> {
  return await db.prepare("SELECT * FROM bulk_decisions WHERE id = ?1").bind(id).first<BulkDecision>();
}

/** Notes that a decision is being taken back; the first note stays. `at`: ms. */
export async function noteUndone(db: D1Database, id: string, by: string, at: number): Promise<void> {
  await db
    .prepare("UPDATE bulk_decisions SET undone_at = ?2, undone_by = ?3 WHERE id = ?1 AND undone_at IS NULL")
    .bind(id, at, by)
    .run();
}

/** How long a decision can be taken back, ms. */
export const UNDONE_WITHIN = 30 * DAY;
/** Most contacts of old decisions that one run forgets. */
const MOST_FORGOTTEN = 10_000;

/** Forgets the contacts of decisions that cannot be taken back any more. `now`: ms. */
export async function forgetDecided(db: D1Database, now: number): Promise<void> {
  await db
    .prepare(
      `DELETE FROM bulk_decided WHERE (id, contact) IN (
         SELECT c.id, c.contact FROM bulk_decisions AS d CROSS JOIN bulk_decided AS c ON c.id = d.id
         WHERE d.at < ?1 LIMIT ${MOST_FORGOTTEN})`,
    )
    .bind(now - UNDONE_WITHIN)
    .run();
}

/** The contacts of a decision behind `after`, in order, at most `limit`. */
export async function decidedContacts(db: Db, id: string, after: string, limit: number): Promise<string[]> {
  const { results } = await db
    .prepare("SELECT contact FROM bulk_decided WHERE id = ?1 AND contact > ?2 ORDER BY contact LIMIT ?3")
    .bind(id, after, limit)
    .all<{ contact: string }>();
  return results.map(({ contact }) => contact);
}
