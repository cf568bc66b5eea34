// How long the queue waits before it delivers a failed message again.

/**
 * The longest wait, in seconds. A queue keeps a message for four days unless it was told otherwise, and a hundred tries
 * must end before.
 */
const LONGEST = 1_800;

/** After this many of the hundred tries a message must leave the queue if it is not to be given up. */
const LAST_TRY = 90;

/**
 * Seconds until the next try: 2, 4, 8, ... up to half an hour. Each is shortened by up to a quarter at random, so that
 * many messages do not return at once. A hundred tries take about 40 hours. `attempts`: tries so far, from 1; `random`:
 * 0 to 1.
 */
export function retryDelay(attempts: number, random: number): number {
  const full = Math.min(LONGEST, 2 ** Math.min(attempts, 20));
  return Math.ceil(full * (1 - random / 4));
}

/**
 * Seconds until the next try while the database has no room: half an hour, because people must make it, and nothing is
 * given up meanwhile. The first wait is so short that the message comes again sooner than one whose process ended
 * (plan.ts); otherwise all that waited would be worked on one by one. `attempts`: tries so far, from 1.
 */
export function whileFull(attempts: number): number {
  return attempts === 1 ? 60 : LONGEST;
}

/** Whether the queue will soon give the message up. `attempts`: tries so far, from 1. */
export function isLastTry(attempts: number): boolean {
  return attempts >= LAST_TRY;
}
