// What a filter lets through of the latest events: the quickest way to see that it is not the one that was meant.

import { readLatest } from "../store/events/feeds.ts";
import { shardsOf } from "../store/shards.ts";
import type { Filter } from "./filter/filter.ts";
import { eventRow, viewOf } from "./rows.ts";
import { lookUp, passesFilters } from "./select.ts";

/** How many of the latest events are looked at. */
export const MOST_LOOKED_AT = 1_000;

/** What a filter makes of the latest events. */
export interface FilterCount {
  /** How many were looked at: fewer than a thousand if there are fewer, or they are large. */
  events: number;
  passed: number;
  /** Those on which it failed, and why it failed on the first of them; they are not passed on. */
  failed: number;
  reason: string | null;
}

/** Counts what the filter lets through of the latest thousand events; null, which passes everything, as well. */
export async function countLatest(env: Env, filter: Filter | null): Promise<FilterCount> {
  const events = await readLatest(shardsOf(env), MOST_LOOKED_AT);
  const filters = filter === null ? [] : [filter];
  const viewed = events.map((event) => viewOf(eventRow(event)));
  const lookups = await lookUp(env, filters, viewed);
  const results = viewed.map((event, index) => passesFilters(filters, event, lookups[index] ?? {}));
  const reasons = results.filter((result) => typeof result === "string");
  return {
    events: events.length,
    passed: results.filter((result) => result === true).length,
    failed: reasons.length,
    reason: reasons[0] ?? null,
  };
}
