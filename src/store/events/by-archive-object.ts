// The events of an archive object. They are found by the rows of the feed that name it.

import { contactPrefix } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import { batchOf, eventsNamedBy } from "../feed-rows.ts";
import { beginsWith } from "../prefix-range.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import { isCut, sizeOfEvent, withinBytes, type SizedRow } from "../within-bytes.ts";
import type { EventRow } from "../write/rows.ts";

/** A stored row with its seq, its place in the feed. */
export type StoredRow = EventRow & { seq: number };

/** SQL for the columns of a stored row, from the event in `e`. */
export const storedColumns = (e: string): string =>
  [
    ...["seq", "id", "contact", "at", "received_at", "source", "provider", "type"].map(
      (name) => `${e}.${name}`,
    ),
    `nullif(${e}.bounce, '') AS bounce`,
    ...["destination", "machine", "message_id", "campaign"].map((name) => `${e}.${name}`),
    `${batchOf(e)} AS batch`,
    ...["line", "element", "details"].map((name) => `${e}.${name}`),
  ].join(", ");

const ROWS_A_QUERY = 5_000;

const READ = withinBytes("events", {
  keys: `SELECT e.seq AS key, e.id, ${sizeOfEvent("e")} AS size
    FROM feed AS f ${eventsNamedBy((seq) => `${seq} > ?2`)} WHERE f.batch = ?1 AND f.first_seq + f.n > ?2 ORDER BY e.seq LIMIT ?3`,
  columns: storedColumns("events"),
  order: "asc",
});

/** The rows that came from the archive object of a batch, in order of seq. */
export async function readStoredRows(db: Db, batch: string): Promise<StoredRow[]> {
  const rows: StoredRow[] = [];
  for (let after = 0; ;) {
    const { results } = await db.prepare(READ).bind(batch, after, ROWS_A_QUERY).all<StoredRow & SizedRow>();
    for (const { size: _, ...row } of results) rows.push(row);
    const last = results.at(-1);
    if (last === undefined || (results.length < ROWS_A_QUERY && !isCut(results))) return rows;
    after = last.seq;
  }
}

/**
 * Ids of the rows that exist already, either with that id, or as an identical row of the same contact and time that
 * kept its old id when its identity changed.
 */
export async function storedAlready(db: Db, rows: readonly EventRow[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const asked = rows.map((row) => {
    const { id, contact, at, source, type, bounce, machine, message_id, campaign, details } = row;
    const place = contactPrefix(contact) + firstIdAt(at);
    return [id, place, contact, source, type, bounce ?? "", machine, message_id, campaign, details];
  });
  const { results } = await db
    .prepare(
      `SELECT i.value->>0 AS id FROM json_each(?1) AS i CROSS JOIN events AS e
         ON ${beginsWith("e.id", "(i.value->>1)")} AND e.contact = i.value->>2
       WHERE e.id = i.value->>0 OR (e.source = i.value->>3 AND e.type = i.value->>4 AND e.bounce = i.value->>5
         AND e.machine = i.value->>6 AND e.message_id IS i.value->>7 AND e.campaign IS i.value->>8
         AND e.details IS i.value->>9)`,
    )
    .bind(JSON.stringify(asked))
    .all<{ id: string }>();
  return new Set(results.map(({ id }) => id));
}
