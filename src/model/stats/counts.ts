// The arithmetic of statistics, as pure functions: which ranges of which counters cover a query, and which rates follow
// from the counts.

import type { EventType } from "../event.ts";
import { DAY, HOUR, MINUTE } from "../../lib/time.ts";

/** The lengths of time into which a query may divide its range; "none" does not divide it. */
export const BUCKETS = ["5m", "hour", "day", "week", "month", "none"] as const;
export type Bucket = (typeof BUCKETS)[number];
/** The fields by which a query may group; "none" makes one group. */
export const GROUPINGS = ["none", "source", "type", "destination", "campaign", "tag"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** The resolution of the finest counters, ms. */
export const FIVE_MINUTES = 5 * MINUTE;
const WEEK = 7 * DAY;
/** The first Monday after the epoch, which was a Thursday. */
const FIRST_MONDAY = 4 * DAY;

/** A range of time in ms since the epoch. `to` is exclusive. */
export interface Range {
  from: number;
  to: number;
}

/**
 * The start of the bucket that contains `at`, in UTC; weeks start on Monday. Times are in ms since the epoch. For
 * "none", the counters' resolution `grain` (ms) is the bucket.
 */
export function startOf(bucket: Bucket, at: number, grain = FIVE_MINUTES): number {
  const down = (step: number, offset = 0): number => Math.floor((at - offset) / step) * step + offset;
  switch (bucket) {
    case "5m":
      return down(FIVE_MINUTES);
    case "hour":
      return down(HOUR);
    case "day":
      return down(DAY);
    case "week":
      return down(WEEK, FIRST_MONDAY);
    case "month": {
      const date = new Date(at);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
    }
    case "none":
      return down(grain);
  }
}

/** The exclusive end of the bucket that starts at `start`: the start of the next one. */
export function endOf(bucket: Bucket, start: number, grain = FIVE_MINUTES): number {
  if (bucket === "month") {
    const date = new Date(start);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  }
  return start + { "5m": FIVE_MINUTES, hour: HOUR, day: DAY, week: WEEK, none: grain }[bucket];
}

/**
 * The smallest range of whole buckets that contains the given one, because exact counts cannot be divided further.
 * `daily`: whether the counters have a resolution of one day instead of five minutes.
 */
export function alignToBuckets({ from, to }: Range, bucket: Bucket, daily: boolean): Range {
  const grain = daily ? DAY : FIVE_MINUTES;
  const start = startOf(bucket, to, grain);
  return { from: startOf(bucket, from, grain), to: start === to ? to : endOf(bucket, start, grain) };
}

/** The longest range of one query for each bucket, in ms. It limits how many rows the query reads. */
export const MOST_RANGE: Readonly<Record<Bucket, number>> = {
  "5m": 7 * DAY,
  hour: 31 * DAY,
  day: 1_100 * DAY,
  week: 1_100 * DAY,
  month: 1_100 * DAY,
  none: 1_100 * DAY,
};

/** A range that is read from the counters by five minutes ("time") or from those by day. */
export interface TableRange extends Range {
  by: "time" | "day";
}

/** Divides a range so that the fewest rows cover it: whole days from the counters by day, the rest by five minutes. */
export function rangesByTable({ from, to }: Range, bucket: Bucket): TableRange[] {
  const first = Math.ceil(from / DAY) * DAY;
  const last = Math.floor(to / DAY) * DAY;
  if (bucket === "5m" || bucket === "hour" || first >= last) return [{ by: "time", from, to }];
  const pieces: TableRange[] = [
    { by: "time", from, to: first },
    { by: "day", from: first, to: last },
    { by: "time", from: last, to },
  ];
  return pieces.filter((piece) => piece.from < piece.to);
}

/** The counts of one group: one count per event type, and those below. */
export type Counts = Record<EventType, number> & {
  events: number;
  hard: number;
  soft: number;
  opened_human: number;
  opened_machine: number;
  clicked_human: number;
  clicked_machine: number;
  /** Mails whose outcome is known: they arrived or they did not. */
  attempted: number;
  /** Mails that arrived. */
  reached: number;
  /** Numbers of different contacts; null if the counters cannot answer this. */
  unique: Uniques | null;
};

/** How many different contacts opened or clicked; `_human`: without opens and clicks by machines. */
export interface Uniques {
  opened: number;
  opened_human: number;
  clicked: number;
  clicked_human: number;
}

/** The names of all rates. */
export const RATES = [
  "delivery_rate",
  "open_rate",
  "click_rate",
  "click_to_open_rate",
  "opens_per_delivered",
  "clicks_per_delivered",
  "bounce_rate",
  "hard_bounce_rate",
  "block_rate",
  "complaint_rate",
  "unsubscribe_rate",
] as const;
export type Rates = Record<(typeof RATES)[number], number | null>;

/** The rates of a group, from 0 to 1. A rate is null if its denominator is 0 or unknown. */
export function ratesOf(counts: Counts): Rates {
  const { attempted, reached, unique } = counts;
  return {
    delivery_rate: share(reached, attempted),
    open_rate: share(unique?.opened, reached),
    click_rate: share(unique?.clicked, reached),
    click_to_open_rate: share(unique?.clicked, unique?.opened),
    opens_per_delivered: share(counts.opened, reached),
    clicks_per_delivered: share(counts.clicked, reached),
    bounce_rate: share(counts.bounced, attempted),
    hard_bounce_rate: share(counts.hard, attempted),
    block_rate: share(counts.blocked, attempted),
    complaint_rate: share(counts.complained, reached),
    unsubscribe_rate: share(counts.unsubscribed, reached),
  };
}

/** Rates that are all null, for groups that contain only one type of event. */
export const NO_RATES: Rates = Object.freeze(
  Object.fromEntries(RATES.map((name) => [name, null])) as Record<(typeof RATES)[number], null>,
);

function share(part: number | undefined, whole: number | undefined): number | null {
  return part === undefined || whole === undefined || whole === 0 ? null : part / whole;
}

/** The metrics by which campaigns may be compared. */
export const METRICS = ["open", "click", "click_to_open", "bounce", "complaint", "unsubscribe"] as const;
export type Metric = (typeof METRICS)[number];

/** Numerator and denominator of a metric for comparing campaigns. `human`: without opens and clicks by machines. */
export function ratioOf(metric: Metric, counts: Counts, human: boolean): { hits: number; of: number } {
  const { reached, attempted, unique } = counts;
  const opened = (human ? unique?.opened_human : unique?.opened) ?? 0;
  const clicked = (human ? unique?.clicked_human : unique?.clicked) ?? 0;
  switch (metric) {
    case "open":
      return { hits: opened, of: reached };
    case "click":
      return { hits: clicked, of: reached };
    case "click_to_open":
      return { hits: clicked, of: opened };
    case "bounce":
      return { hits: counts.bounced, of: attempted };
    case "complaint":
      return { hits: counts.complained, of: reached };
    case "unsubscribe":
      return { hits: counts.unsubscribed, of: reached };
  }
}
