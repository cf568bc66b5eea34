// How each destination treated the mails of a given time, read from the counters.

import type { Db } from "../db.ts";

/**
 * Outcomes at one destination in one bucket (its start in ms). `outcomes`: deliveries, bounces and blocks; `refused`:
 * blocks and bounces that are not hard, which prove nothing about the address.
 */
export interface DestinationCounts {
  bucket: number;
  destination: string;
  outcomes: number;
  refused: number;
}

/** The outcomes in these buckets of five minutes (their starts in ms), all sources added up. */
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
