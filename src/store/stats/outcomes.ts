// How the mails of one time fared at each destination, out of the counters.

import type { Db } from "../db.ts";

/** Outcomes of a bucket at a destination: all of them, and the refusals that say nothing of the address. */
export interface DestinationCounts {
  bucket: number;
  destination: string;
  outcomes: number;
  refused: number;
}

/** The outcomes in these buckets (starts of five minutes, ms), of all sources together. */
export async function readDestinationCounts(
  db: Db,
  buckets: readonly number[],
): Promise<DestinationCounts[]> {
  const { results } = await db
    .prepare(
      `SELECT r.bucket, r.destination, sum(r.n) AS outcomes,
         sum(CASE WHEN r.type = 'blocked' OR (r.type = 'bounced' AND r.bounce <> 'hard') THEN r.n ELSE 0 END) AS refused
       FROM json_each(?1) AS b CROSS JOIN rollups AS r ON r.bucket = b.value
       WHERE r.type IN ('delivered', 'bounced', 'blocked') GROUP BY r.bucket, r.destination`,
    )
    .bind(JSON.stringify(buckets))
    .all<DestinationCounts>();
  return results;
}
