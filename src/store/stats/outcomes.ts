// How each destination treated the mails of a given time, read from the counters.

import type { OutcomeCounts } from "../../model/suppression/storm.ts";
import { FIVE_MINUTES } from "../../model/stats/counts.ts";
import { DAY } from "../../lib/time.ts";
import type { Db } from "../db.ts";
import { UNCOUNTED_EVENTS } from "../write/counting.ts";

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

/** Counters of outcomes, as a table, with what is not counted yet. ?1: the starts of slots of `length` ms. */
const outcomesIn = (table: string, slot: string, length: number): string => `(
  SELECT r.${slot} AS slot, r.destination, r.type, r.bounce, r.n
  FROM json_each(?1) AS s CROSS JOIN ${table} AS r ON r.${slot} = s.value WHERE ${ARE_OUTCOMES}
  UNION ALL
  SELECT r.at / ${length} * ${length}, r.destination, r.type, r.bounce, 1 FROM ${UNCOUNTED_EVENTS} AS r
  WHERE ${ARE_OUTCOMES} AND r.at / ${length} * ${length} IN (SELECT value FROM json_each(?1)))`;

/** The outcomes in these buckets of five minutes (their starts in ms), all sources added up. */
export async function readDestinationCounts(
  db: Db,
  buckets: readonly number[],
): Promise<DestinationCounts[]> {
  const { results } = await db
    .prepare(
      `SELECT r.slot AS bucket, r.destination, ${SUMS}
       FROM ${outcomesIn("rollups", "bucket", FIVE_MINUTES)} AS r GROUP BY r.slot, r.destination`,
    )
    .bind(JSON.stringify(buckets))
    .all<DestinationCounts>();
  return results;
}

/** The outcomes on these UTC days (their starts in ms) by destination, for the destinations that had any. */
export async function readUsualCounts(db: Db, days: readonly number[]): Promise<Map<string, OutcomeCounts>> {
  const { results } = await db
    .prepare(
      `SELECT r.destination, ${SUMS} FROM ${outcomesIn("day_rollups", "day", DAY)} AS r GROUP BY r.destination`,
    )
    .bind(JSON.stringify(days))
    .all<OutcomeCounts & { destination: string }>();
  return new Map(results.map(({ destination, ...counts }) => [destination, counts]));
}
