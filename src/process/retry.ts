// How long a message waits before it is tried again.

/** The queue keeps a message for four days unless told otherwise, so a hundred tries must end well before that. */
const LONGEST = 1_800;

/**
 * Seconds until the next try: 2, 4, 8, ... up to half an hour, each cut by up to a quarter at random so that a crowd does
 * not come back at once. A hundred tries take about 40 hours. `attempts`: tries so far, from 1; `random`: 0 to 1.
 */
export function retryDelay(attempts: number, random: number): number {
  const full = Math.min(LONGEST, 2 ** Math.min(attempts, 20));
  return Math.ceil(full * (1 - random / 4));
}
