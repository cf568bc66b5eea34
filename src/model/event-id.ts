// Ids. All of them are written in one base-32 alphabet whose letters sort like their values, so that an id that begins
// with a time sorts by time, and an index over ids serves as an index over what they begin with.

import type { ParsedEvent } from "./event.ts";
import { memoize } from "../lib/memoize.ts";
import { sha256 } from "../lib/sha256.ts";

/** Digits of ids, in order of their values. */
export const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's, lower case
/** How many of an event id's characters stand for the contact (40 bits), and then for the time (50 bits of milliseconds). */
export const CONTACT_CHARS = 8;
export const TIME_CHARS = 10;
const KEY_CHARS = 16; // 80 bits

/** Length of every event id, in characters. */
export const EVENT_ID_LENGTH = CONTACT_CHARS + TIME_CHARS + KEY_CHARS;

/** A non-negative safe integer in `width` base-32 characters, most significant first. */
function encodeInteger(value: number, width: number): string {
  let text = "";
  for (let rest = Math.max(0, Math.floor(value)); text.length < width; rest = Math.floor(rest / 32)) {
    text = ALPHABET.charAt(rest % 32) + text;
  }
  return text;
}

/** The first `width` * 5 bits of `bytes`. */
function encodeBytes(bytes: Uint8Array, width: number): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (let next = 0; text.length < width; held -= 5) {
    if (held < 5) {
      bits = ((bits << 8) | (bytes[next++] ?? 0)) & 0xfff;
      held += 8;
    }
    text += ALPHABET.charAt((bits >> (held - 5)) & 31);
  }
  return text;
}

/**
 * A new id that sorts by `now` (ms since the epoch): the layout of a ULID (github.com/ulid/spec), 26 characters.
 * `random`: at least 10 random bytes.
 */
export function timeId(now: number, random: Uint8Array): string {
  return encodeInteger(now, TIME_CHARS) + encodeBytes(random, 16);
}

/** The time in an id made by {@link timeId}, ms since the epoch. */
export function timeOfId(id: string): number {
  let value = 0;
  for (const letter of id.slice(0, TIME_CHARS)) value = value * 32 + Math.max(0, ALPHABET.indexOf(letter));
  return value;
}

/** The least id that {@link timeId} gives at `now`. */
export function firstIdAt(now: number): string {
  return encodeInteger(now, TIME_CHARS);
}

/** The characters with which all event ids of a contact begin. Two contacts may share them (40 bits). */
export const contactPrefix: (contact: string) => string = memoize(
  (contact) => encodeBytes(sha256(`contact\0${contact}`), CONTACT_CHARS),
  10_000,
);

/**
 * The claim key of an event: 80 bits that stand for the report itself, whenever and by whatever route it comes.
 * Hashes the provider and the parser's identity (design: what makes the report itself).
 */
export function claimKey(provider: string, identity: readonly string[]): string {
  return encodeBytes(sha256(JSON.stringify([provider, ...identity])), KEY_CHARS);
}

/** The claim key in an event's id. */
export function keyOfId(id: string): string {
  return id.slice(-KEY_CHARS);
}

/**
 * The id of an event: contact prefix, time of occurrence, claim key. One unique index over it is at once idempotency,
 * look-up by id, and each contact's timeline, where plain hashes would need an index (a billed row) for each.
 */
export function eventId(event: Pick<ParsedEvent, "contact" | "occurred_at">, key: string): string {
  return contactPrefix(event.contact) + encodeInteger(event.occurred_at, TIME_CHARS) + key;
}
