// Ids that sort by the time at which they were made. They have the layout of a ULID (https://github.com/ulid/spec), in
// lower case.

import { decodeInteger, encodeBytes, encodeInteger } from "./base32.ts";

/** How many characters encode the time: 50 bits of milliseconds. */
export const TIME_CHARS = 10;
const RANDOM_CHARS = 16;
const RANDOM_BYTES = 10;

/** An id of 26 characters that sorts by `now` (ms since the epoch). `random`: at least 10 random bytes. */
export function timeId(now: number, random: Uint8Array): string {
  return encodeInteger(now, TIME_CHARS) + encodeBytes(random, RANDOM_CHARS);
}

/** A new id that sorts by `now` (ms since the epoch). Only this function draws random bytes for ids. */
export function newId(now: number): string {
  return timeId(now, crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
}

/** The time in an id that {@link timeId} made, in ms since the epoch. */
export function timeOfId(id: string): number {
  return decodeInteger(id.slice(0, TIME_CHARS));
}

/** The prefix that sorts before every id that {@link timeId} makes at `now` (ms since the epoch) or later. */
export function firstIdAt(now: number): string {
  return encodeInteger(now, TIME_CHARS);
}
