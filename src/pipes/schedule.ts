// When what failed is tried again: pure.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Waits between the tries of one event, ms: ten tries over 75 hours (the schedule that Standard Webhooks recommends). */
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

/** Waits between looks at a destination that is down, ms: the last one again and again. */
const CIRCUIT_WAITS = [5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE];

/** A destination that has been down for so long, ms, has its pipe paused. */
export const PATIENCE = 75 * HOUR;

/** Failures in a row that open the circuit. */
export const MOST_FAILURES = 5;

/** ms until an event's next try after `tries` of them (from 1), up to a fifth more or less; null when it is given up. */
export function eventWait(tries: number, random: number): number | null {
  const wait = EVENT_WAITS[tries - 1];
  return wait === undefined ? null : jittered(wait, random);
}

/** ms until the destination is looked at again, after `looks` of them in vain (from 0). */
export function circuitWait(looks: number, random: number): number {
  return jittered(CIRCUIT_WAITS[Math.min(looks, CIRCUIT_WAITS.length - 1)] ?? HOUR, random);
}

/** `random`: 0 to 1. */
function jittered(wait: number, random: number): number {
  return Math.round(wait * (0.8 + 0.4 * random));
}
