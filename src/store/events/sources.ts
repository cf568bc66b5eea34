// Reads and maintenance of the sources' counters.

import { firstIdAt } from "../../lib/time-id.ts";
import type { Db } from "../db.ts";
import { DAY } from "../../lib/time.ts";

/** A source's row, with the number of its dead letters; times in ms. */
export interface SourceRecord {
  source: string;
  provider: string;
  last_received_at: number;
  last_event_at: number | null;
  last_ping_at: number | null;
  lag_ms: number;
  events: number;
  duplicates: number;
  pings: number;
  outside: number;
  dead_letters: number;
}

/** All sources that have ever sent anything. */
export async function listSources(db: Db): Promise<SourceRecord[]> {
  const rows = await db
    .prepare(
      `SELECT sources.*, coalesce(d.n, 0) AS dead_letters FROM sources
       LEFT JOIN (SELECT source, count(*) AS n FROM dead_letters GROUP BY source) AS d USING (source)
       ORDER BY source`,
    )
    .all<SourceRecord>();
  return rows.results;
}

const TALLIES_LIVE = 35 * DAY; // longer than any claim, so that a late repeat is still not counted twice
const MOST_A_RUN = 1_000;

/** Deletes old tallies, at most 1,000 at a time. `now`: ms. */
export async function forgetTallies(db: D1Database, now: number): Promise<void> {
  await db
    .prepare(
      "DELETE FROM tallies WHERE envelope IN (SELECT envelope FROM tallies WHERE envelope < ?1 LIMIT ?2)",
    )
    .bind(firstIdAt(now - TALLIES_LIVE), MOST_A_RUN)
    .run();
}
