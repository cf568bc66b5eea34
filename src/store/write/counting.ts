// Counts the feed, stretch by stretch. A transaction that stores a few events does not count them, because each cell of a
// counter is a billed row, and a thousand events change hardly more cells than one does. Everything behind the position
// in `counting` is uncounted, and whoever reads counters adds it (UNCOUNTED_EVENTS), so that answers are exact at any
// moment. A stretch is counted in one transaction with its position: it may be repeated, or run twice at once, and whoever
// comes second finds nothing to count.

import { eventsWithin, FEED_END, feedRowOf, walkFeedRows, type FeedStretch } from "../feed-rows.ts";
import { MINUTE } from "../../lib/time.ts";
import { countersOf } from "./counters.ts";

/** SQL for the last seq that is counted. */
export const COUNTED_TO = "coalesce((SELECT position FROM counting), 0)";

const REST: FeedStretch = { after: COUNTED_TO };
/** SQL for the events that are not counted yet, as a table. */
export const UNCOUNTED_EVENTS = eventsWithin(REST);
/** The condition for the events that are counted. */
export const IS_COUNTED = `seq <= ${COUNTED_TO}`;

/** How many seqs are uncounted, in the column `uncounted`. */
export const UNCOUNTED = `SELECT ${FEED_END} - ${COUNTED_TO} AS uncounted`;
/** From so many on, the feed is counted by whoever stores. */
export const MOST_UNCOUNTED = 1_000;

/** SQL for what a source's events of a stretch tell. Columns: source, provider, received_at, lag_ms, n. */
const sourcesWithin = (stretch: FeedStretch): string => `
  SELECT e.source, max(e.provider) AS provider, max(e.received_at) AS received_at,
    max(f.stored_at - e.received_at, 0) AS lag_ms, count(*) AS n
  ${walkFeedRows(stretch)} GROUP BY e.source`;
/** What the uncounted events tell of their sources. */
export const UNCOUNTED_SOURCES = sourcesWithin(REST);

const countSources = (stretch: FeedStretch): string => `
  INSERT INTO sources
    (source, provider, last_received_at, last_event_at, last_ping_at, lag_ms, events, duplicates, pings, outside)
  SELECT source, provider, received_at, received_at, NULL, lag_ms, n, 0, 0, 0 FROM (${sourcesWithin(stretch)}) WHERE true
  ON CONFLICT DO UPDATE SET provider = excluded.provider,
    last_received_at = max(last_received_at, excluded.last_received_at),
    last_event_at = max(coalesce(last_event_at, 0), excluded.last_event_at),
    lag_ms = excluded.lag_ms, events = events + excluded.events`;

/** The statements that count a stretch which begins at the position, up to `last`, and move the position there. */
const counting = (last: string): string[] => {
  const stretch = { after: COUNTED_TO, last };
  return [
    countSources(stretch),
    ...countersOf({ rows: eventsWithin(stretch), before: IS_COUNTED }),
    `INSERT INTO counting (one, position) SELECT 1, ${last} WHERE ${COUNTED_TO} < ${last}
     ON CONFLICT DO UPDATE SET position = excluded.position`,
  ];
};

/**
 * The statements that count all that is uncounted. They come first in a transaction that deletes or changes events,
 * because what is counted once must be what is uncounted again.
 */
export const COUNT_REST: readonly string[] = counting(FEED_END);

/** The most events of one step, so that a step is done in time however much is uncounted. */
const STEP = 5_000;
const COUNT_STEP = counting(`min(${COUNTED_TO} + ${STEP}, ${FEED_END})`);

/** Counts the next events, at most 5,000. Returns the rows written, as D1 counts and bills them. */
export async function countStretch(db: D1Database): Promise<number> {
  const results = await db.batch(COUNT_STEP.map((sql) => db.prepare(sql)));
  return results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
}

/** How long events may stay uncounted, ms. */
const LONGEST_UNCOUNTED = 10 * MINUTE;
/**
 * Counts what was stored ten minutes ago or earlier, and what came with it, in at most `most` steps. `now`: ms. Returns how
 * many steps it took.
 */
export async function countOverdue(db: D1Database, now: number, most: number): Promise<number> {
  for (let step = 0; step < most; step++) {
    const storedAt = await db
      .prepare(
        `SELECT stored_at FROM feed
         WHERE first_seq >= coalesce(${feedRowOf(`${COUNTED_TO} + 1`)}, 0) AND first_seq + n - 1 > ${COUNTED_TO} ORDER BY first_seq LIMIT 1`,
      )
      .first<number>("stored_at");
    if (storedAt === null || storedAt > now - LONGEST_UNCOUNTED) return step;
    await countStretch(db);
  }
  return most;
}
