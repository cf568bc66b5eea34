// The local rate limiter counts by minutes of the clock. Guesses that lie on both sides of a minute's end are counted
// twice from the beginning, and a test that expects the limit would not meet it.

import { setTimeout as sleep } from "node:timers/promises";

const MINUTE = 60_000;
/** What the guesses of a test take at most, ms, on a busy machine. */
const ROOM = 10_000;

/** Waits for the next minute if the present one ends soon. */
export async function roomInMinute(): Promise<void> {
  const left = MINUTE - (Date.now() % MINUTE);
  if (left < ROOM) await sleep(left);
}
