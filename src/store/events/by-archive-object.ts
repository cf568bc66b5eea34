// The events of an archive object. They are found by the rows of the feed that name it.

import { contactPrefix } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import { batchOf, eventsNamedBy } from "../feed-rows.ts";
import { detailsCodec } from "./details.ts";
import { beginsWith } from "../prefix-range.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import { isCut, sizeOfEvent, withinBytes, type SizedRow } from "../within-bytes.ts";
import type { EventRow } from "../write/rows.ts";

/** An event's row as it was read. */
export interface StoredRow extends EventRow {
  /** Its place in the feed. */
  seq: number;
  /** The details in the form in which they are stored (details.ts). */
  kept: string | null;
}

/** A row of {@link storedColumns}. */
export type StoredColumns = Omit<StoredRow, "kept">;

/** SQL for the columns of a stored row, from the event in `e`. {@link toStoredRows} makes rows of what it finds. */
export const storedColumns = (e: string): string =>
  [
    ...["seq", "id", "contact", "at", "received_at", "source", "provider", "type"].map(
      (name) => `${e}.${name}`,
    ),
    `nullif(${e}.bounce, '') AS bounce`,
    ...["reason", "destination", "machine", "message_id", "campaign"].map((name) => `${e}.${name}`),
    `${batchOf(e)} AS batch`,
    ...["line", "element", "custom_id", "tags", "details"].map((name) => `${e}.${name}`),
  ].join(", ");

/** The rows with their details as JSON. */
export async function toStoredRows<Row extends StoredColumns>(
  found: readonly Row[],
): Promise<(Row & StoredRow)[]> {
  const { unpack } = await detailsCodec();
  return found.map((row) => ({ ...row, details: unpack(row.details), kept: row.details }));
}

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
    const { results } = await db
      .prepare(READ)
      .bind(batch, after, ROWS_A_QUERY)
      .all<StoredColumns & SizedRow>();
    for (const { size: _, ...row } of await toStoredRows(results)) rows.push(row);
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
    const { id, contact, at, source, type, bounce, reason, machine, message_id, campaign, custom_id, tags } =
      row;
    const place = contactPrefix(contact) + firstIdAt(at);
    const kind = [source, type, bounce ?? "", reason, machine];
    return [id, place, contact, ...kind, message_id, campaign, custom_id, tags];
  });
  const { results } = await db
    .prepare(
      `SELECT i.key AS place, e.id = i.value->>0 AS same_id, e.details FROM json_each(?1) AS i CROSS JOIN events AS e
         ON ${beginsWith("e.id", "(i.value->>1)")} AND e.contact = i.value->>2
       WHERE e.id = i.value->>0 OR (e.source = i.value->>3 AND e.type = i.value->>4 AND e.bounce = i.value->>5
         AND e.reason IS i.value->>6 AND e.machine = i.value->>7 AND e.message_id IS i.value->>8
         AND e.campaign IS i.value->>9 AND e.custom_id IS i.value->>10 AND e.tags IS i.value->>11)`,
    )
    .bind(JSON.stringify(asked))
    .all<{ place: number; same_id: 0 | 1; details: string | null }>();
  const { unpack } = await detailsCodec();
  return new Set(
    results.flatMap(({ place, same_id, details }) => {
      const row = rows[place];
      return row !== undefined && (same_id === 1 || unpack(details) === row.details) ? [row.id] : [];
    }),
  );
}
