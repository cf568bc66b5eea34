// How each destination treated the mails of a given time, read from the counters.

import type { OutcomeCounts } from "../../model/suppression/storm.ts";
import type { Db } from "../db.ts";

/** Outcomes at one destination in one bucket (its start in ms). */
export interface DestinationCounts extends OutcomeCounts {
  bucket: number;
  destination: string;
}

/** {@link OutcomeCounts} as SQL, summed over counters `r`. */
const SUMS = `sum(r.n) AS outcomes,
  sum(CASE WHEN r.type = 'blocked' OR (r.type = 'bounced' AND r.bounce <> 'hard') THEN r.n ELSE 0 END) AS refused,
  sum(CASE WHEN r.type = 'bounced' AND r.bounce = 'hard' THEN r.n ELSE 0 END) AS hard`;
const ARE_OUTCOMES = "r.type IN ('delivered', 'bounced', 'blocked')";

/** The outcomes in these buckets of five minutes (their starts in ms), all sources added up. */
export async function readDestinationCounts(
  db: Db,
  buckets: readonly number[],
): Promise<DestinationCounts[]> {
  const { results } = await db
    .prepare(
      `SELECT r.bucket, r.destination, ${SUMS}
       FROM json_each(?1) AS b CROSS JOIN rollups AS r ON r.bucket = b.value
       WHERE ${ARE_OUTCOMES} GROUP BY r.bucket, r.destination`,
    )
    .bind(JSON.stringify(buckets))
    .all<DestinationCounts>();
  return results;
}

/** The outcomes on these UTC days (their starts in ms) by destination, for the destinations that had any. */
export async function readUsualCounts(db: Db, days: readonly number[]): Promise<Map<string, OutcomeCounts>> {
  const { results } = await db
    .prepare(
      `SELECT r.destination, ${SUMS}
       FROM json_each(?1) AS d CROSS JOIN day_rollups AS r ON r.day = d.value
       WHERE ${ARE_OUTCOMES} GROUP BY r.destination`,
    )
    .bind(JSON.stringify(days))
    .all<OutcomeCounts & { destination: string }>();
  return new Map(results.map(({ destination, ...counts }) => [destination, counts]));
}
