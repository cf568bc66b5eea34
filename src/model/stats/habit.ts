// A source's habit: how long it may be silent before that is strange. A shop reports all day, a newsletter once a week,
// so the longest pause of the last weeks is the measure, and not a fixed number of hours.

import { DAY } from "../../lib/time.ts";

/** On how many of the days that are looked at a source must have sent something, so that it has a habit. */
const LEAST_ACTIVE = 5;
/** How far before the last active day the days count, ms. */
const LOOKED_BACK = 28 * DAY;
/** What is added to the longest pause: days begin at midnight, and nobody sends by the minute. */
const GRACE = 1.5 * DAY;

/** No source is quiet before that, ms. */
export const LEAST_PATIENCE = GRACE;

/**
 * How long a source may be silent by its habit, ms; null if it has none. `days`: the starts (ms) of the UTC days with
 * events of its last weeks, in any order.
 */
export function patienceOf(days: readonly number[]): number | null {
  const last = Math.max(...days);
  const active = [...new Set(days)].filter((day) => day > last - LOOKED_BACK).toSorted((a, b) => a - b);
  if (active.length < LEAST_ACTIVE) return null;
  const pauses = active.slice(1).map((day, i) => day - (active[i] ?? day) - DAY);
  return Math.max(...pauses) + GRACE;
}
