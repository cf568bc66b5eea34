// What the database knows of a delivery by its id, beside its events: what was counted, and what became dead letters.

import type { Db } from "./db.ts";
import { isOfEnvelope } from "./prefix-range.ts";

/** What was counted of a delivery. It is kept for 35 days, and only if one of the figures is not 0. */
export interface DeliveryTally {
  source: string;
  duplicates: number;
  pings: number;
  outside: 0 | 1;
}

/** A dead letter of a delivery. */
export interface DeliveryLetter {
  id: string;
  source: string;
  reason: string;
}

/** The most dead letters that are told of one delivery; it has no more. */
const MOST_LETTERS = 1_000;

/** What is stored under the id of a delivery. `tally`: null if there is none. */
export async function deliveryRows(
  db: Db,
  id: string,
): Promise<{ tally: DeliveryTally | null; letters: DeliveryLetter[] }> {
  const [tallies, letters] = await db.batch<DeliveryTally & DeliveryLetter>([
    db.prepare("SELECT source, duplicates, pings, outside FROM tallies WHERE envelope = ?1").bind(id),
    db
      .prepare(
        `SELECT id, source, reason FROM dead_letters WHERE ${isOfEnvelope("id", "?1")} ORDER BY id LIMIT ${MOST_LETTERS}`,
      )
      .bind(id),
  ]);
  return { tally: tallies?.results[0] ?? null, letters: letters?.results ?? [] };
}
