// Lengths of time in ms, the unit of all times and durations here.

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
/** A day of UTC, which has no leap seconds and no summer time in ms since the epoch. */
export const DAY = 24 * HOUR;
