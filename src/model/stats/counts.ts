// What statistics ask and answer, pure: which stretches of which counters cover a range, and what the counts amount to.

import type { EventType } from "../event.ts";

export const BUCKETS = ["5m", "hour", "day", "week", "month", "none"] as const;
export type Bucket = (typeof BUCKETS)[number];
export const GROUPINGS = ["none", "source", "type", "destination", "campaign", "tag"] as const;
export type Grouping = (typeof GROUPINGS)[number];

const FIVE_MINUTES = 300_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** The epoch was a Thursday. */
const FIRST_MONDAY = 4 * DAY;

/** A range of time, ms since the epoch; `to` is outside of it. */
export interface Range {
  from: number;
  to: number;
}

/** Start of the bucket in which `at` lies, UTC, weeks from Monday; for "none" the grain of the counters, `grain` ms. */
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

/** The bucket's end: where the next one starts. */
export function endOf(bucket: Bucket, start: number, grain = FIVE_MINUTES): number {
  if (bucket === "month") {
    const date = new Date(start);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  }
  return start + { "5m": FIVE_MINUTES, hour: HOUR, day: DAY, week: WEEK, none: grain }[bucket];
}

/** The range of whole buckets that holds `range`: exact counts cannot be cut finer. `daily`: counted by day only. */
export function alignToBuckets({ from, to }: Range, bucket: Bucket, daily: boolean): Range {
  const grain = daily ? DAY : FIVE_MINUTES;
  const start = startOf(bucket, to, grain);
  return { from: startOf(bucket, from, grain), to: start === to ? to : endOf(bucket, start, grain) };
}

/** Longest range for each bucket, ms: what one query may read. */
export const MOST_RANGE: Readonly<Record<Bucket, number>> = {
  "5m": 7 * DAY,
  hour: 31 * DAY,
  day: 1_100 * DAY,
  week: 1_100 * DAY,
  month: 1_100 * DAY,
  none: 1_100 * DAY,
};

/** A stretch of counters by five minutes or by day. */
export interface TableRange extends Range {
  by: "time" | "day";
}

/** The fewest rows that cover the range: whole days from the counters by day, the rest by five minutes. */
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

/** The counts of one group. */
export type Counts = Record<EventType, number> & {
  events: number;
  hard: number;
  soft: number;
  opened_human: number;
  opened_machine: number;
  clicked_human: number;
  clicked_machine: number;
  /** Mails of which it is known whether they arrived, and those that did. */
  attempted: number;
  reached: number;
  /** Contacts; null where the counters cannot tell. */
  unique: Uniques | null;
};

export interface Uniques {
  opened: number;
  opened_human: number;
  clicked: number;
  clicked_human: number;
}

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

/** The rates of a group; null where the denominator is 0 or not known. */
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

/** No rates, for groups that hold one kind of event alone. */
export const NO_RATES: Rates = Object.freeze(
  Object.fromEntries(RATES.map((name) => [name, null])) as Record<(typeof RATES)[number], null>,
);

function share(part: number | undefined, whole: number | undefined): number | null {
  return part === undefined || whole === undefined || whole === 0 ? null : part / whole;
}

export const METRICS = ["open", "click", "click_to_open", "bounce", "complaint", "unsubscribe"] as const;
export type Metric = (typeof METRICS)[number];

/** Numerator and denominator of a metric that campaigns are compared by. `human`: without what machines are told to do. */
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
