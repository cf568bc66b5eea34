// Ids that sort by the time at which they were made: the layout of a ULID (github.com/ulid/spec), in lower case.

import { decodeInteger, encodeBytes, encodeInteger } from "./base32.ts";

/** How many characters stand for the time: 50 bits of milliseconds. */
export const TIME_CHARS = 10;
const RANDOM_CHARS = 16;
const RANDOM_BYTES = 10;

/** A new id that sorts by `now` (ms since the epoch), 26 characters. `random`: at least 10 random bytes. */
export function timeId(now: number, random: Uint8Array): string {
  return encodeInteger(now, TIME_CHARS) + encodeBytes(random, RANDOM_CHARS);
}

/** A new id that sorts by `now` (ms since the epoch). This is the one place where ids draw randomness of their own. */
export function newId(now: number): string {
  return timeId(now, crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
}

/** The time in an id made by {@link timeId}, ms since the epoch. */
export function timeOfId(id: string): number {
  return decodeInteger(id.slice(0, TIME_CHARS));
}

/** The least id that {@link timeId} gives at `now`. */
export function firstIdAt(now: number): string {
  return encodeInteger(now, TIME_CHARS);
}
