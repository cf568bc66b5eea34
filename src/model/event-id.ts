// The id of an event, the same however often and by whatever route its report comes. It begins with the contact and the
// time, so one unique index over ids is at once idempotency, look-up by id, and each contact's timeline.

import { createHash } from "node:crypto";
import { encodeBytes, encodeInteger } from "../lib/base32.ts";
import { memoize } from "../lib/memoize.ts";
import { TIME_CHARS } from "../lib/time-id.ts";
import type { ParsedEvent } from "./event.ts";

/** How many of an event id's characters stand for the contact: 40 bits. The time follows. */
export const CONTACT_CHARS = 8;
const KEY_CHARS = 16; // 80 bits

/** Length of every event id, in characters. */
export const EVENT_ID_LENGTH = CONTACT_CHARS + TIME_CHARS + KEY_CHARS;

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
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
