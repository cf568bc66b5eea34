// The names of the bucket's objects: the functions that make a key, and those that read one. Stored objects keep their
// keys for good, so a change here needs a way to find the old ones too.
//
//   archive/<UTC day>/<batch>.ndjson.gz   accepted envelopes, raw
//   dead-letters/<envelope>.json.gz       envelopes of dead letters, whole
//   spool/<id>                            queue messages that wait for the queue
//   given-up/<time><message>              queue messages that were given up, as they came, until a job looks at them
//   working/<id>                          marks of the consumer: messages that it works on for the second time or later
//   keys/erasure                          the key of the hashes of erased addresses
//   journal/acts/<UTC day>/<id>.ndjson.gz      what people did by hand, for a database that is lost (journal.ts)
//   journal/erasures/<UTC day>/<id>.ndjson.gz  whom they erased, by keyed hashes
//
// The ids of batches and envelopes are time ids (src/lib/time-id.ts), so a list of keys is in order of time.

import { firstIdAt, timeOfId } from "../../lib/time-id.ts";

/** Prefixes to list by. */
export const ARCHIVE = "archive/";
export const DEAD_LETTERS = "dead-letters/";
export const SPOOL = "spool/";
export const GIVEN_UP = "given-up/";
export const WORKING = "working/";
export const ACTS = "journal/acts/";
export const ERASURES = "journal/erasures/";

/** The key under which erased addresses are hashed. */
export const ERASURE_KEY = "keys/erasure";

const BATCH_SUFFIX = ".ndjson.gz";

/** The prefix of the batches of a UTC day. `at`: a time within it, ms. */
export function archiveDay(at: number): string {
  return `${ARCHIVE}${new Date(at).toISOString().slice(0, 10)}/`;
}

/** The key of a batch's object. `batch`: a time id. */
export function archiveKey(batch: string): string {
  return `${archiveDay(timeOfId(batch))}${batch}${BATCH_SUFFIX}`;
}

/** The key before the first batch that may begin at `at` (ms) or later. No batch has it. */
export function archiveKeyAt(at: number): string {
  return archiveKey(firstIdAt(at));
}

/** The id of the batch with this key, which {@link archiveKey} made. */
export function batchOfKey(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1, -BATCH_SUFFIX.length);
}

/** Whether the key is that of a batch. */
export function isArchiveKey(key: string): boolean {
  return key.startsWith(ARCHIVE);
}

/** The key of the envelope of a dead letter, by the envelope's id. */
export function deadLetterKey(envelope: string): string {
  return `${DEAD_LETTERS}${envelope}.json.gz`;
}

/** Whether the key is that of an envelope of dead letters. */
export function isDeadLetterKey(key: string): boolean {
  return key.startsWith(DEAD_LETTERS);
}

/** The key of an object of the journal. `part`: its prefix; `id`: a time id. */
export function journalKey(part: typeof ACTS | typeof ERASURES, id: string): string {
  return `${part}${new Date(timeOfId(id)).toISOString().slice(0, 10)}/${id}${BATCH_SUFFIX}`;
}

/** Whether the key is that of an object of the journal's acts. */
export function isActsKey(key: string): boolean {
  return key.startsWith(ACTS);
}

/** The key of a spooled message, by its id: that of its envelope, or one that {@link againId} made. */
export function spoolKey(id: string): string {
  return SPOOL + id;
}

/** Messages that go through the queue again after it gave them up. Their ids hold no time, and sort behind all times. */
const AGAIN = "again-";

/** The id in the spool of a message that goes through the queue again, by the id that the queue gave it. */
export function againId(message: string): string {
  return AGAIN + message;
}

/** The prefix of such messages' keys. */
export const SPOOLED_AGAIN = spoolKey(AGAIN);

/** When the envelope of a spooled message was received, ms. Not for keys that begin with {@link SPOOLED_AGAIN}. */
export function timeOfSpoolKey(key: string): number {
  return timeOfId(key.slice(SPOOL.length));
}

/** The key of a message that was given up. `sentAt`: when it was sent to its queue, ms; `message`: its id there. */
export function givenUpKey(sentAt: number, message: string): string {
  return GIVEN_UP + firstIdAt(sentAt) + message;
}

/** The key of a consumer's mark. `id`: a new time id. */
export function workingKey(id: string): string {
  return WORKING + id;
}
