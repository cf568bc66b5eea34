// What people are told about the database's size: the figures of GET /v1/storage and of the log, and sentences that say
// what they mean and what to do.

import { DAY } from "../../lib/time.ts";
import { LEAST_DAYS } from "../retention.ts";
import { forecast, growthOf, longestRetention, RETENTIONS, type Forecast, type Growth } from "./forecast.ts";
import {
  bytesAnEvent,
  freeWithin,
  GB,
  hasRoom,
  levelOf,
  usedBytes,
  WAITS_FROM,
  type Fill,
  type Level,
} from "./level.ts";

/** The state of the storage. Sizes in bytes. */
export interface StorageReport extends Level {
  limit: number;
  size: number;
  used: number;
  /** What deleted events left free in the file; null if that is not known yet. */
  free: number | null;
  events: number;
  /** What an event takes; null if there are too few to tell. */
  bytesAnEvent: number | null;
  /** Whether events are stored, or wait in the queue. */
  stores: boolean;
  /** Null if no full day is over yet. */
  rate: { perDay: number; days: number } | null;
  /** Retention of events, days; null keeps them for ever. */
  keepDays: number | null;
  /** Null without a rate. */
  forecast: Forecast | null;
  /** What other retentions would change; empty without a rate. */
  retentions: (Forecast & { keepDays: number | null })[];
  findings: string[];
}

/** Describes the storage. `keepDays`: the retention of events, null for ever; `now`: ms. Pure. */
export function reportOf(
  fill: Fill,
  rate: StorageReport["rate"],
  keepDays: number | null,
  now: number,
): StorageReport {
  const growth = growthOf(fill, rate?.perDay ?? 0);
  const report = {
    ...levelOf(fill),
    limit: fill.limit,
    size: fill.size,
    used: usedBytes(fill),
    free: freeWithin(fill),
    events: fill.events,
    bytesAnEvent: bytesAnEvent(fill),
    stores: hasRoom(fill),
    rate,
    keepDays,
    forecast: rate === null ? null : forecast(growth, keepDays),
    retentions:
      rate === null ? [] : RETENTIONS.map((days) => ({ keepDays: days, ...forecast(growth, days) })),
  };
  return { ...report, findings: [...levelInWords(report), ...futureInWords(report, growth, now)] };
}

type Described = Omit<StorageReport, "findings">;

function levelInWords({
  percent,
  threshold,
  used,
  limit,
  events,
  free,
  stores,
  ...report
}: Described): string[] {
  const each = report.bytesAnEvent === null ? "" : ` of about ${count(report.bytesAnEvent)} bytes each`;
  const findings = [
    `The database is ${inPercent(percent)} full: ${inGb(used)} of ${inGb(limit)}, ${count(events)} events${each}.`,
  ];
  if (free !== null && free > limit / 100)
    findings.push(`Deleted events left about ${inGb(free)} free in the file, which new ones use first.`);
  if (!stores)
    findings.push(
      `Nothing is stored at present: from ${WAITS_FROM} % on deliveries wait in the queue until there is room. None is lost. ` +
        "Set a shorter retention, or remove what is not needed.",
    );
  else if (threshold === WAITS_FROM)
    findings.push("Storing goes on until the file grows, because some of it may be free inside.");
  return findings;
}

function futureInWords(
  { rate, keepDays, forecast: found, used, limit }: Described,
  growth: Growth,
  now: number,
): string[] {
  if (rate === null || found === null)
    return ["How long there is room can be told once events have been stored for a full day (UTC)."];
  const { settlesAt, daysLeft } = found;
  const days = rate.days === 1 ? "on the last full day" : `a day in the last ${rate.days} full days`;
  const pace = `About ${count(rate.perDay)} events came ${days}.`;
  if (rate.perDay === 0) return [pace];
  if (daysLeft === null) {
    const level = inPercent((100 * (settlesAt ?? used)) / limit);
    return [`${pace} With events_days = ${keepDays} the database levels off at ${level}.`];
  }
  const kept =
    keepDays === null ? "Events are kept for ever" : `events_days = ${keepDays} is too long for that`;
  const when = new Date(now + Math.min(daysLeft, 36_500) * DAY).toISOString().slice(0, 10);
  const left = daysLeft < 1 ? "less than a day" : `${count(Math.floor(daysLeft))} days`;
  const findings =
    used >= (limit * WAITS_FROM) / 100
      ? [`${pace} ${kept}.`]
      : [`${pace} ${kept}, so deliveries begin to wait in ${left}, about ${when}.`];
  const longest = longestRetention(growth);
  findings.push(
    longest === null
      ? `Not even the shortest retention, ${LEAST_DAYS} days, is enough: give a second deployment some of the sources.`
      : `With events_days = ${longest} or less this does not happen.`,
  );
  return findings;
}

const count = (n: number): string => Math.round(n).toLocaleString("en");
const inPercent = (percent: number): string => `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
const inGb = (bytes: number): string => `${(bytes / GB).toFixed(bytes < GB ? 3 : 2)} GB`;
