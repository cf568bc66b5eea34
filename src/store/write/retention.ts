// Ends what is kept for a time only: a bounded share with each run. Counters, suppressions and contacts stay.

import { archiveKey } from "../bucket/archive.ts";
import { goneFrom } from "./counters.ts";
import { CONTACT_CHARS } from "../../model/event-id.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import type { Retention } from "../../model/retention.ts";

const DAY = 86_400_000;

/** Events of one transaction, and transactions of one run: a hundred events in a second, before it falls behind. */
const EVENTS_A_SLICE = 1_000;
const SLICES_A_RUN = 6;
/** What R2 deletes in one call, and calls of one run. */
const OBJECTS_A_CALL = 1_000;
const CALLS_A_RUN = 5;

/** Deletes what is older than it is to be kept. `now`: ms. Returns how many events and objects. */
export async function retain(
  env: Pick<Env, "DB" | "BUCKET">,
  { eventsDays, archiveDays }: Retention,
  now: number,
): Promise<{ events: number; objects: number }> {
  const events = eventsDays === null ? 0 : await endEvents(env.DB, now - eventsDays * DAY);
  const objects = archiveDays === null ? 0 : await endArchive(env, now - archiveDays * DAY);
  return { events, objects };
}

// Of a mail's events some may stay for longer than others; its row goes with the last of them. As sets, for a contact may
// have very many events; and not as the bare EXCEPT, into which SQLite would look for each row there is in messages.
// The plus keeps it from making an index over all events for the contact.
const END_MESSAGES = `
  DELETE FROM messages WHERE (message_id, contact) IN (SELECT message_id, contact FROM (
    SELECT message_id, contact FROM events WHERE seq <= ?1 AND message_id IS NOT NULL
    EXCEPT
    SELECT n.message_id, n.contact FROM (
      SELECT DISTINCT substr(id, 1, ${CONTACT_CHARS}) AS prefix, contact FROM events WHERE seq <= ?1) AS who
    CROSS JOIN events AS n ON n.id >= who.prefix AND n.id < who.prefix || '~' AND +n.contact = who.contact
    WHERE n.seq > ?1))`;

/**
 * From the feed's beginning up to the first event that was received since `until` (ms). What was received before that and
 * stored after it (it waited in the queue, or was replayed) goes when that one does: nothing goes early.
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
    const statements = [...goneFrom("seq <= ?1"), END_MESSAGES, "DELETE FROM events WHERE seq <= ?1"];
    const done = await db.batch(statements.map((sql) => db.prepare(sql).bind(last.seq)));
    ended += done.at(-1)?.meta.changes ?? 0;
    if (young > 0 || results.length < EVENTS_A_SLICE) return ended;
  }
  return ended;
}

/** The objects of days that were over before `until` (ms): the oldest, which a list begins with. */
async function endArchive(
  { DB, BUCKET: bucket }: Pick<Env, "DB" | "BUCKET">,
  until: number,
): Promise<number> {
  const today = archiveKey(firstIdAt(until)).slice(0, "archive/2026-11-21".length);
  let ended = 0;
  for (let call = 0; call < CALLS_A_RUN; call++) {
    const { objects } = await bucket.list({ prefix: "archive/", limit: OBJECTS_A_CALL });
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
