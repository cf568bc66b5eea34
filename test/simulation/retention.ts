// Checks long after a history has come to rest: retention must delete old data and nothing else, and all counters stay.

import { env } from "cloudflare:workers";
import { COUNT_REST } from "../../src/store/write/counting.ts";
import { checkCounters } from "./reference-counters.ts";
import { storedEvents } from "../support/stored-events.ts";
import type { EventRow } from "./witness.ts";
import { recountsAlike } from "./questions.ts";

const DAY = 86_400_000;
/** The data that retention must not change: counters and states, which include deleted events. */
const STAYS = [
  "SELECT bucket, source, type, bounce, machine, destination, n FROM rollups WHERE n > 0",
  "SELECT day, source, type, bounce, machine, destination, n FROM day_rollups WHERE n > 0",
  "SELECT day, campaign, source, type, bounce, machine, n, uniques, unique_humans FROM campaign_rollups WHERE n > 0",
  "SELECT day, tag, source, type, bounce, machine, n FROM tag_rollups WHERE n > 0",
  "SELECT * FROM contacts",
  "SELECT * FROM suppressions",
  "SELECT source, events, duplicates, pings FROM sources",
  "SELECT * FROM dead_letters",
  "SELECT * FROM erased",
];

/** The retention, in days. */
export interface Kept {
  events_days: number;
  archive_days: number;
}

/** The stored data before retention ran. */
export interface Before {
  events: EventRow[];
  objects: string[];
  stays: string[];
}

/** The stored data. */
export async function look(): Promise<Before> {
  await env.DB.batch(COUNT_REST.map((sql) => env.DB.prepare(sql)));
  const events = await storedEvents<EventRow>("seq");
  const { objects } = await env.BUCKET.list({ prefix: "archive/" });
  const stays = await env.DB.batch(STAYS.map((sql) => env.DB.prepare(sql)));
  return {
    events,
    objects: objects.map(({ key }) => key),
    stays: stays.map(({ results }) => JSON.stringify(results)),
  };
}

/** The violations after the run at `now`, ms. */
export async function checkKept(before: Before, kept: Kept, now: number): Promise<string[]> {
  const after = await look();
  const wrong: string[] = [];
  // In the order of the feed, up to the first event that is too young.
  const until = now - kept.events_days * DAY;
  const young = before.events.findIndex(({ received_at }) => received_at >= until);
  const wanted = young < 0 ? [] : before.events.slice(young);
  const [found, due] = [after.events, wanted].map((list) => JSON.stringify(list.map(({ id }) => id)));
  if (found !== due) wrong.push(`of ${before.events.length} events there are ${found}, not ${due}`);
  const today = new Date(now - kept.archive_days * DAY).toISOString().slice(0, 10);
  const objects = before.objects.filter((key) => key.slice("archive/".length) >= today);
  if (objects.join() !== after.objects.join())
    wrong.push(`the archive holds ${after.objects.join()}, not ${objects.join()}`);
  for (const [i, text] of before.stays.entries())
    if (text !== after.stays[i]) wrong.push(`changed with time: ${STAYS[i]}`);
  const { results: messages } = await env.DB.prepare("SELECT message_id, prefix FROM messages").all<{
    message_id: string;
    prefix: string;
  }>();
  for (const { message_id, prefix } of messages)
    if (!after.events.some((one) => one.message_id === message_id && one.id.startsWith(prefix)))
      wrong.push(`message ${message_id} outlived its events`);
  for (const { message_id, id } of after.events)
    if (
      message_id !== null &&
      !messages.some((one) => one.message_id === message_id && id.startsWith(one.prefix))
    )
      wrong.push(`message ${message_id} ended before its events`);
  return [...wrong, ...(await checkCounters(after.events)), ...(await recountsAlike(before.events))];
}
