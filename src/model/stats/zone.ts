// Local time: the hours, days, weeks and months of a time zone as instants, exact over changes of the clock. What the
// runtime knows of zones (Intl) gives the offset at an instant; everything else follows from that.

import { DAY, HOUR, MINUTE } from "../../lib/time.ts";
import { memoize } from "../../lib/memoize.ts";
import type { Bucket, Range } from "./counts.ts";

/** A time zone: its name, and how far (ms) its clock is ahead of UTC at an instant (ms since the epoch). */
export interface Zone {
  name: string;
  offsetAt: (at: number) => number;
}

/** The zone with this IANA name; null if the runtime knows none of this name. */
export const zoneNamed: (name: string) => Zone | null = memoize((name) => {
  try {
    return zoneOf(name);
  } catch {
    return null;
  }
}, 100);

function zoneOf(name: string): Zone {
  const numeric = { year: "numeric", month: "numeric", day: "numeric" } as const;
  const clock = { hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" } as const;
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, ...numeric, ...clock });
  const offsetAt = (at: number): number => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
  };
  return { name: format.resolvedOptions().timeZone, offsetAt };
}

/**
 * The instant at which the zone's clock shows `local` (ms, as if it were UTC): the first one if it shows it twice. If it
 * skips it, the instant of the jump, so that a day whose midnight is skipped begins where the day before ends.
 */
export function instantOf({ offsetAt }: Zone, local: number): number {
  const [before, after] = [local - offsetAt(local - DAY), local - offsetAt(local + DAY)];
  const [first] = [before, after].filter((at) => at + offsetAt(at) === local).toSorted((a, b) => a - b);
  return first ?? changeWithin(offsetAt, Math.min(before, after), Math.max(before, after));
}

/** The instant in (from, to] at which the offset changes, to the minute. The offsets at both ends differ. */
function changeWithin(offsetAt: Zone["offsetAt"], from: number, to: number): number {
  const before = offsetAt(from);
  let [low, high] = [Math.floor(from / MINUTE), Math.ceil(to / MINUTE)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * MINUTE) === before) low = middle;
    else high = middle;
  }
  return high * MINUTE;
}

/** Buckets that differ between zones. */
export type LocalBucket = Extract<Bucket, "hour" | "day" | "week" | "month">;

/** Whether the bucket differs between zones. */
export function isLocal(bucket: Bucket): bucket is LocalBucket {
  return bucket !== "5m" && bucket !== "none";
}

/**
 * The starts of the zone's buckets that cover the range, and the end of the last one, in ascending order. An hour in which
 * the clock is changed by less than an hour ends there.
 */
export function localEdges(zone: Zone, bucket: LocalBucket, { from, to }: Range): number[] {
  const edges = [startOfLocal(zone, bucket, from)];
  for (let last = edges[0] ?? from; last < to; edges.push(last)) last = endOfLocal(zone, bucket, last);
  return edges;
}

function startOfLocal(zone: Zone, bucket: LocalBucket, at: number): number {
  const { offsetAt } = zone;
  const local = at + offsetAt(at);
  if (bucket !== "hour") return instantOf(zone, dateOf(bucket, local, 0));
  const start = at - (((local % HOUR) + HOUR) % HOUR);
  return offsetAt(start) === offsetAt(at) ? start : changeWithin(offsetAt, start, at);
}

function endOfLocal(zone: Zone, bucket: LocalBucket, start: number): number {
  const { offsetAt } = zone;
  const local = start + offsetAt(start);
  if (bucket !== "hour") return instantOf(zone, dateOf(bucket, local, 1));
  const end = start + HOUR - (((local % HOUR) + HOUR) % HOUR);
  const isCut = offsetAt(end - MINUTE) !== offsetAt(start);
  return isCut ? changeWithin(offsetAt, start, end) : end;
}

/** The local date on which the bucket of a local time begins, or the one `further` buckets later. */
function dateOf(bucket: Exclude<LocalBucket, "hour">, local: number, further: number): number {
  const date = new Date(local);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (bucket === "month") return Date.UTC(year, month + further);
  if (bucket === "day") return Date.UTC(year, month, day + further);
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  return Date.UTC(year, month, day - sinceMonday + 7 * further);
}
