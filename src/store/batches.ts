// The events of an archive object, found by where in the feed they lie.

import type { Db } from "./db.ts";
import type { EventRow } from "./rows.ts";

/** A stored row with its place in the feed. */
export type StoredRow = EventRow & { seq: number };

/** The rows that came from an archive object, in order of seq. */
export async function readStoredRows(db: Db, batch: string): Promise<StoredRow[]> {
  const { results } = await db
    .prepare(
      `SELECT e.seq, e.id, e.contact, e.at, e.received_at, e.source, e.provider, e.type, nullif(e.bounce, '') AS bounce,
         e.destination, e.message_id, e.campaign, e.batch, e.line, e.element, e.details
       FROM batches AS b CROSS JOIN events AS e ON e.seq BETWEEN b.first_seq AND b.last_seq AND e.batch = b.batch
       WHERE b.batch = ?1 ORDER BY e.seq`,
    )
    .bind(batch)
    .all<StoredRow>();
  return results;
}

/** Those of the ids under which an event is stored. */
export async function storedIds(db: Db, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { results } = await db
    .prepare("SELECT e.id FROM json_each(?1) AS i CROSS JOIN events AS e ON e.id = i.value")
    .bind(JSON.stringify(ids))
    .all<{ id: string }>();
  return new Set(results.map(({ id }) => id));
}
