// How full the database is. D1 refuses every write once a database has reached its largest size, also those that would
// make room, so storing stops before: the last part is left for people, erasures and retention.
//
// The size that D1 tells with every answer is not always what is used. Rows that are deleted leave free pages in the
// file, and D1's documentation does not say whether these count, or whether the file ever shrinks. If they count, a
// database that was nearly full once would look so for ever. But SQLite makes a file larger only if no page in it is
// free. So whenever the size has grown, it is known that nothing is free: that is the mark. Events that were deleted
// since then have left room, as far as the size has not fallen by itself.

/** A gigabyte, as the limits and prices of D1 count it. */
export const GB = 1_000_000_000;

/** The largest size of a D1 database, bytes (https://developers.cloudflare.com/d1/platform/limits/). */
export const LARGEST = 10 * GB;

/** From these shares of the limit on, in percent, people are told. */
export const THRESHOLDS = [70, 85, 95] as const;
export type Threshold = (typeof THRESHOLDS)[number];
/** From here on nothing is stored, percent. */
export const WAITS_FROM = 95;

/** What one look at the database shows. */
export interface Look {
  /** As D1 tells it, bytes. */
  size: number;
  /** How many events are stored. */
  events: number;
}

/** What was seen when nothing in the file was free. */
export interface Mark {
  size: number;
  /** Null if the size has not grown since the first look, so that nobody knows what is free. */
  events: number | null;
}

/** Everything that tells how full a database is. */
export interface Fill extends Look {
  /** The largest size it may have, bytes. */
  limit: number;
  /** The size of the same database without a row, bytes. */
  empty: number;
  mark: Mark;
}

/** The share of the limit by which a size must have grown to count as grown: single pages come and go. */
const NOISE = 0.001;

/**
 * The mark after another look. It moves if the size has grown, or if there are more events than ever before in it. If
 * the size has fallen, the room that this accounts for is not free any more.
 */
export function moveMark(
  mark: Mark | null,
  look: Look,
  { limit, empty }: { limit: number; empty: number },
): Mark {
  if (mark === null) return { size: look.size, events: null };
  const isDenser = mark.events !== null && look.events > mark.events;
  if (look.size > mark.size + limit * NOISE || isDenser) return { size: look.size, events: look.events };
  if (look.size >= mark.size) return mark;
  if (mark.events === null) return { size: look.size, events: null };
  const returned = (mark.size - look.size) / bytesEach(mark.size, mark.events, empty);
  return { size: look.size, events: Math.max(look.events, Math.round(mark.events - returned)) };
}

/** What an event takes with its indexes, counters and messages, bytes. */
function bytesEach(size: number, events: number, empty: number): number {
  return Math.max(1, (size - empty) / Math.max(1, events));
}

/** How many events there must be for what each of them takes to be measured. */
const ENOUGH = 1_000;

/** What an event takes in this database, bytes; null if there are too few to tell. */
export function bytesAnEvent({ size, events, empty, mark }: Fill): number | null {
  if (mark.events !== null && mark.events >= ENOUGH) return bytesEach(mark.size, mark.events, empty);
  return events >= ENOUGH ? bytesEach(size, events, empty) : null;
}

/** What deleted events left free in the file, bytes; null if that is not known. */
export function freeWithin({ size, events, empty, mark }: Fill): number | null {
  if (mark.events === null) return null;
  const room = Math.max(0, mark.events - events) * bytesEach(mark.size, mark.events, empty);
  return Math.min(Math.max(0, size - empty), room);
}

/** What is used, bytes: the size without what is known to be free in it. */
export function usedBytes(fill: Fill): number {
  return fill.size - (freeWithin(fill) ?? 0);
}

/** How full a database is. */
export interface Level {
  /** From 0, and above 100 if the limit is set too low. */
  percent: number;
  /** The highest threshold that is passed; null below all of them. */
  threshold: Threshold | null;
}

/** The level of a database, for people and alerts. */
export function levelOf(fill: Fill): Level {
  const percent = (100 * usedBytes(fill)) / fill.limit;
  return { percent, threshold: THRESHOLDS.findLast((threshold) => percent >= threshold) ?? null };
}

/**
 * Whether events may be stored. While it is not known what is free in the file, they may: if nothing is, the size grows
 * with them, and from then on it is known.
 */
export function hasRoom(fill: Fill): boolean {
  return freeWithin(fill) === null || levelOf(fill).percent < WAITS_FROM;
}
