// Deletes events and archive objects after their time of retention, a bounded share in each run. Counters, suppressions
// and contacts stay.

import { inTurns } from "../shards/each.ts";
import { shardsOf } from "../shards.ts";
import { ARCHIVE, archiveDay } from "../bucket/layout.ts";
import { eventsWithin } from "../feed-rows.ts";
import { goneFrom } from "./counters.ts";
import { COUNT_REST } from "./counting.ts";
import { endedMessages } from "./ended-messages.ts";
import { dropEndedFirsts } from "./firsts.ts";
import { CONTACT_CHARS } from "../../model/event-id.ts";
import type { Retention } from "../../model/retention.ts";
import { DAY } from "../../lib/time.ts";

/** Events of one transaction, and transactions of one run in a database: enough for a hundred events a second. */
const EVENTS_A_SLICE = 1_000;
const SLICES_A_RUN = 6;
/** Transactions of one run in all databases together, each of some twenty queries of the thousand of an invocation. */
const SLICES_OF_ALL = 24;
/** Rows of the feed of one transaction: each may hold one event alone. */
const ROWS_A_SLICE = 1_000;
/** The most objects that R2 deletes in one call, and calls of one run. */
const OBJECTS_A_CALL = 1_000;
const CALLS_A_RUN = 5;

/** Deletes what is older than its retention (null: kept for good). `now`: ms. Returns how many events and objects. */
export async function retain(
  env: Pick<Env, "DB" | "BUCKET">,
  { eventsDays, archiveDays }: Retention,
  now: number,
): Promise<{ events: number; objects: number }> {
  let [events, left] = [0, SLICES_OF_ALL];
  if (eventsDays !== null)
    await inTurns(shardsOf(env).all, now, async ({ db }) => {
      const { ended, slices } = await endEvents(db, now - eventsDays * DAY, Math.min(left, SLICES_A_RUN));
      events += ended;
      left -= slices;
      return left > 0;
    });
  const objects = archiveDays === null ? 0 : await endArchive(env.BUCKET, now - archiveDays * DAY);
  return { events, objects };
}

/** The events from the feed's beginning to the seq ?1. */
const OLD = eventsWithin({ after: "0", last: "?1" });
const ENDED = endedMessages(
  `SELECT message_id, substr(id, 1, ${CONTACT_CHARS}) FROM ${OLD} WHERE message_id IS NOT NULL`,
  `(SELECT DISTINCT substr(id, 1, ${CONTACT_CHARS}) AS prefix FROM ${OLD})`,
  "e.seq > ?1",
);
const END_MESSAGES = `DELETE FROM message_rows WHERE (message_id, prefix) IN (${ENDED})`;
const END_EVENTS = `DELETE FROM event_rows WHERE id IN (SELECT id FROM ${OLD})`;
/** The feed's last row stays, so that no seq comes again. */
const END_FEED = [
  "DELETE FROM feed WHERE first_seq + n - 1 <= ?1 AND first_seq < (SELECT max(first_seq) FROM feed)",
  "UPDATE feed SET ids = '[]' WHERE first_seq + n - 1 <= ?1 AND ids <> '[]'",
];

/**
 * Deletes events from the feed's beginning up to the first row of the feed with an event that was received at `until` (ms)
 * or later. An event that was received earlier but stored after that one (because it waited in the queue, or was
 * replayed) is deleted together with it, so no event is deleted early. In at most `most` transactions. Returns how many
 * were deleted, and in how many transactions.
 */
async function endEvents(
  db: D1Database,
  until: number,
  most: number,
): Promise<{ ended: number; slices: number }> {
  let ended = 0;
  for (let slices = 0; slices < most; slices++) {
    const { results } = await db.prepare(OLDEST).bind(EVENTS_A_SLICE).all<OldRow>();
    const young = results.findIndex(({ received_at }) => received_at !== null && received_at >= until);
    const last = results.at(young < 0 ? -1 : young - 1);
    if (last === undefined || young === 0) return { ended, slices };
    const statements = [
      ...COUNT_REST.map((sql) => db.prepare(sql)),
      ...[...goneFrom(OLD), END_MESSAGES, dropEndedFirsts(OLD), END_EVENTS, ...END_FEED].map((sql) =>
        db.prepare(sql).bind(last.seq),
      ),
    ];
    const done = await db.batch(statements);
    ended += done.at(-1 - END_FEED.length)?.meta.changes ?? 0;
    if (young > 0) return { ended, slices: slices + 1 };
  }
  return { ended, slices: most };
}

/** A row of the feed: its last seq, and when the youngest of its events was received (ms); null if none is left. */
interface OldRow {
  seq: number;
  received_at: number | null;
}

/** The oldest rows of the feed that have something left, with at most ?1 events but for the first. */
const OLDEST = `
  WITH f AS MATERIALIZED (
    SELECT first_seq, n, ids FROM (
      SELECT first_seq, n, ids, sum(n) OVER (ORDER BY first_seq ROWS UNBOUNDED PRECEDING) AS events
      FROM (SELECT first_seq, n, ids FROM feed WHERE ids <> '[]' ORDER BY first_seq LIMIT ${ROWS_A_SLICE}))
    WHERE events <= ?1 OR events = n)
  SELECT f.first_seq + f.n - 1 AS seq, (
    SELECT max(e.received_at) FROM json_each(f.ids) AS i CROSS JOIN events AS e ON e.id = i.value AND e.seq = f.first_seq + i.key
  ) AS received_at
  FROM f ORDER BY 1`;

/**
 * Deletes the objects of days that were over before `until` (ms). These are the oldest, so a list begins with them.
 * Returns how many were deleted.
 */
async function endArchive(bucket: R2Bucket, until: number): Promise<number> {
  const today = archiveDay(until);
  let ended = 0;
  for (let call = 0; call < CALLS_A_RUN; call++) {
    const { objects } = await bucket.list({ prefix: ARCHIVE, limit: OBJECTS_A_CALL });
    const old = objects.flatMap(({ key }) => (key < today ? [key] : []));
    if (old.length > 0) await bucket.delete(old);
    ended += old.length;
    if (old.length < OBJECTS_A_CALL) break;
  }
  return ended;
}
