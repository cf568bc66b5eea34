// When an event that failed alone is tried again: pure.

import { jittered } from "../circuit.ts";

import { HOUR, MINUTE, SECOND } from "../../lib/time.ts";

/**
 * Waits between the tries of one event, ms: ten tries over 75 hours, the schedule that Standard Webhooks recommends:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
 */
const EVENT_WAITS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** How long an event waits that is not given up yet, because the destination takes no other either, ms. */
export const AGAIN_UNBLAMED = HOUR;

/** How long an event waits after its `tries`-th try (from 1), ms; null once it is given up. `random`: 0 to 1. */
export function eventWait(tries: number, random: number): number | null {
  const wait = EVENT_WAITS[tries - 1];
  return wait === undefined ? null : jittered(wait, random);
}
