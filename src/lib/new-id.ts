// The one place where ids are drawn: id.ts itself takes its randomness from whoever asks.

import { timeId } from "../model/event-id.ts";

const RANDOM_BYTES = 10;

/** A new id that sorts by `now` (ms since the epoch), 26 characters: see {@link timeId}. */
export function newId(now: number): string {
  return timeId(now, crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
}
