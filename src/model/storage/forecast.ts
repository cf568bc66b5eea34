// When a database will be full, and how retention moves that. Everything follows from the present rate: without
// retention the database grows by it for ever, with retention it levels off once as many events end as come.

import { LEAST_DAYS } from "../retention.ts";
import { bytesAnEvent, usedBytes, WAITS_FROM, type Fill } from "./level.ts";

/** What an event takes where too few are stored to measure it: see src/docs/storage.md. Bytes. */
export const USUAL_BYTES = 360;

/** What a forecast needs to know of a database. Sizes in bytes. */
export interface Growth {
  limit: number;
  used: number;
  events: number;
  /** What an event takes. */
  each: number;
  /** How many events come a day. */
  perDay: number;
}

/** Where a database is going. */
export interface Forecast {
  /** The size at which it levels off, bytes; null if it never does. */
  settlesAt: number | null;
  /** Days until storing stops; null if it goes on for ever. A fraction of a day counts as a fraction. */
  daysLeft: number | null;
}

/** The growth of a database at a rate of `perDay` events. */
export function growthOf(fill: Fill, perDay: number): Growth {
  const { limit, events } = fill;
  return { limit, used: usedBytes(fill), events, each: bytesAnEvent(fill) ?? USUAL_BYTES, perDay };
}

/** The size at which storing stops, bytes. */
const stopOf = ({ limit }: Growth): number => (limit * WAITS_FROM) / 100;

/** What stays if all events go, bytes. */
const restOf = ({ used, events, each }: Growth): number => Math.max(0, used - events * each);

/**
 * The forecast if events are kept for `keepDays` days; null keeps them for ever. A longer retention, a higher rate or a
 * smaller limit never leaves more days.
 */
export function forecast(growth: Growth, keepDays: number | null): Forecast {
  const { used, perDay, each } = growth;
  const settlesAt = keepDays !== null ? restOf(growth) + keepDays * perDay * each : perDay > 0 ? null : used;
  if (perDay === 0 || (settlesAt !== null && settlesAt <= stopOf(growth)))
    return { settlesAt, daysLeft: null };
  return { settlesAt, daysLeft: Math.max(0, (stopOf(growth) - used) / (perDay * each)) };
}

/**
 * The longest retention in days with which the database never stops to store; null if not even the shortest one does.
 * Infinity without a rate.
 */
export function longestRetention(growth: Growth): number | null {
  const days = Math.floor((stopOf(growth) - restOf(growth)) / (growth.perDay * growth.each));
  return days >= LEAST_DAYS ? days : null;
}

/** Retentions to compare, days: the shortest that there is, and usual ones. Null keeps events for ever. */
export const RETENTIONS: readonly (number | null)[] = [LEAST_DAYS, 60, 90, 180, 365, null];
