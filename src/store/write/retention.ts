// Deletes events and archive objects after their time of retention, a bounded share in each run. Counters, suppressions
// and contacts stay.

import { ARCHIVE, archiveDay } from "../bucket/layout.ts";
import { goneFrom } from "./counters.ts";
import { endedMessages } from "./ended-messages.ts";
import { DROP_ENDED_FIRSTS } from "./firsts.ts";
import { CONTACT_CHARS } from "../../model/event-id.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import type { Retention } from "../../model/retention.ts";
import { DAY } from "../../lib/time.ts";

/** Events of one transaction, and transactions of one run: enough for a hundred events a second. */
const EVENTS_A_SLICE = 1_000;
const SLICES_A_RUN = 6;
/** The most objects that R2 deletes in one call, and calls of one run. */
const OBJECTS_A_CALL = 1_000;
const CALLS_A_RUN = 5;

/** Deletes what is older than its retention (null: kept for good). `now`: ms. Returns how many events and objects. */
export async function retain(
  env: Pick<Env, "DB" | "BUCKET">,
  { eventsDays, archiveDays }: Retention,
  now: number,
): Promise<{ events: number; objects: number }> {
  const events = eventsDays === null ? 0 : await endEvents(env.DB, now - eventsDays * DAY);
  const objects = archiveDays === null ? 0 : await endArchive(env, now - archiveDays * DAY);
  return { events, objects };
}

const ENDED = endedMessages(
  "SELECT message_id, contact FROM events WHERE seq <= ?1 AND message_id IS NOT NULL",
  `(SELECT DISTINCT substr(id, 1, ${CONTACT_CHARS}) AS prefix, contact FROM events WHERE seq <= ?1)`,
  "e.seq > ?1",
);
const END_MESSAGES = `DELETE FROM messages WHERE (message_id, contact) IN (${ENDED})`;

/**
 * Deletes events from the feed's beginning up to the first one that was received at `until` (ms) or later. An event
 * that was received earlier but stored after that one (because it waited in the queue, or was replayed) is deleted
 * together with it, so no event is deleted early. Returns how many were deleted.
 */
async function endEvents(db: D1Database, until: number): Promise<number> {
  let ended = 0;
  for (let slice = 0; slice < SLICES_A_RUN; slice++) {
    const { results } = await db
      .prepare(`SELECT seq, received_at FROM events ORDER BY seq LIMIT ${EVENTS_A_SLICE}`)
      .all<{ seq: number; received_at: number }>();
    const young = results.findIndex(({ received_at }) => received_at >= until);
    const last = results.at(young < 0 ? -1 : young - 1);
    if (last === undefined || young === 0) return ended;
    const statements = [
      ...goneFrom("seq <= ?1"),
      END_MESSAGES,
      DROP_ENDED_FIRSTS,
      "DELETE FROM events WHERE seq <= ?1",
    ];
    const done = await db.batch(statements.map((sql) => db.prepare(sql).bind(last.seq)));
    ended += done.at(-1)?.meta.changes ?? 0;
    if (young > 0 || results.length < EVENTS_A_SLICE) return ended;
  }
  return ended;
}

/**
 * Deletes the objects of days that were over before `until` (ms). These are the oldest, so a list begins with them.
 * Returns how many were deleted.
 */
async function endArchive(
  { DB, BUCKET: bucket }: Pick<Env, "DB" | "BUCKET">,
  until: number,
): Promise<number> {
  const today = archiveDay(until);
  let ended = 0;
  for (let call = 0; call < CALLS_A_RUN; call++) {
    const { objects } = await bucket.list({ prefix: ARCHIVE, limit: OBJECTS_A_CALL });
    const old = objects.flatMap(({ key }) => (key < today ? [key] : []));
    if (old.length > 0) await bucket.delete(old);
    ended += old.length;
    if (old.length < OBJECTS_A_CALL) break;
  }
  await DB.prepare("DELETE FROM batches WHERE batch IN (SELECT batch FROM batches WHERE batch < ?1 LIMIT ?2)")
    .bind(firstIdAt(Math.floor(until / DAY) * DAY), OBJECTS_A_CALL * CALLS_A_RUN)
    .run();
  return ended;
}
