// Event ids. The same report always gets the same id, however often and by whatever route it arrives. An id begins with
// the contact and the time, so a single unique index provides idempotency, look-up by id and each contact's timeline.

import { encodeBytes, encodeInteger } from "../lib/base32.ts";
import { memoize } from "../lib/memoize.ts";
import { sha256 } from "../lib/sha256.ts";
import { TIME_CHARS } from "../lib/time-id.ts";
import type { ParsedEvent } from "./event.ts";

/** How many characters of an event id encode the contact: 40 bits. The time follows them. */
export const CONTACT_CHARS = 8;
/** How many characters at the end of an event id are the claim key: 80 bits. */
export const KEY_CHARS = 16;

/** The length of every event id, in characters. */
export const EVENT_ID_LENGTH = CONTACT_CHARS + TIME_CHARS + KEY_CHARS;

/** The prefix of all event ids of a contact. It has only 40 bits, so two contacts may share one. */
export const contactPrefix: (contact: string) => string = memoize(
  (contact) => encodeBytes(sha256(`contact\0${contact}`), CONTACT_CHARS),
  10_000,
);

/**
 * The claim key of an event: 80 bits that identify the report, whenever and by whatever route it arrives. It is a hash
 * of the provider's id and of the identity that the parser found (see ParsedEvent.identity).
 */
export function claimKey(provider: string, identity: readonly string[]): string {
  return encodeBytes(sha256(JSON.stringify([provider, ...identity])), KEY_CHARS);
}

/** The claim key at the end of an event id. */
export function keyOfId(id: string): string {
  return id.slice(-KEY_CHARS);
}

/**
 * The id of an event: contact prefix, time of occurrence, claim key. A single unique index over it provides
 * idempotency, look-up by id and each contact's timeline. Plain hashes would need one index, and thus one more billed
 * row, for each.
 */
export function eventId(event: Pick<ParsedEvent, "contact" | "occurred_at">, key: string): string {
  return contactPrefix(event.contact) + encodeInteger(event.occurred_at, TIME_CHARS) + key;
}
