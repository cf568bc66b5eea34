// Removes contacts from objects of the bucket, a line at a time. A rewrite succeeds only if the object is still the one
// that was read, so that two erasures at once do not undo each other. Lines that name none of the contacts stay as they
// are.

import { settingsOf, type Config } from "../config/config.ts";
import { fromLine, toLine, type Envelope } from "../model/envelope.ts";
import { mentionsPlainly, plainOf } from "../model/address-search.ts";
import { ARCHIVE_METADATA } from "../store/bucket/archive.ts";
import { archiveKey, isArchiveKey, isDeadLetterKey, isActsKey } from "../store/bucket/layout.ts";
import type { Act, Line } from "../store/bucket/journal.ts";
import { lengthOf, linesOf, SHORT, zipLines } from "../store/bucket/lines.ts";
import { withoutMention, type Leaving } from "./mentions.ts";
import { redact } from "./redact.ts";

/** How often a rewrite is tried when the object changes meanwhile. */
const TRIES = 5;

/**
 * Removes the contacts from a batch of the archive, whatever its time. Returns how many elements it removed of each.
 */
export async function rewriteBatch(
  bucket: R2Bucket,
  batch: string,
  contacts: readonly string[],
  config: Config,
): Promise<number[]> {
  const leaving = contacts.map((contact) => ({ contact, until: Infinity }));
  return (await rewriteObject(bucket, archiveKey(batch), leaving, config)) ?? [];
}

/**
 * Removes the contacts from an object of the archive, of the dead letters or of the journal's acts. Returns how many elements it
 * removed of each contact, in their order; an empty list if there is no such object. Deletes a dead letter and an object
 * of the journal of which nothing remains. Throws if the object changed at every try, or cannot be read (see src/store/bucket/lines.ts). `only`:
 * `short` returns null for an object that is too long to be looked at beside others.
 */
export async function rewriteObject(
  bucket: R2Bucket,
  key: string,
  leaving: readonly Leaving[],
  config: Config,
  only: "short" | "any" = "any",
): Promise<number[] | null> {
  for (let tries = 0; tries < TRIES; tries++) {
    const object = await bucket.get(key);
    if (object === null) return [];
    const zipped = new Uint8Array(await object.arrayBuffer());
    const length = lengthOf(zipped);
    if (only === "short" && length > SHORT) return null;
    const counts = leaving.map(() => 0);
    if (!(await isAnyNamed(zipped, leaving))) return counts;
    const ofJournal = isActsKey(key);
    const rewriting = { leaving, config, counts, isEmpty: true, ofJournal };
    const body = await zipLines(rewritten(zipped, rewriting), length);
    if (counts.every((count) => count === 0)) return counts;
    if (rewriting.isEmpty && (ofJournal || isDeadLetterKey(key))) {
      await bucket.delete(key);
      return counts;
    }
    const metadata = isArchiveKey(key) ? { httpMetadata: ARCHIVE_METADATA } : {};
    const put = await bucket.put(key, body, { ...metadata, onlyIf: { etagMatches: object.etag } });
    if (put !== null) return counts;
  }
  throw new Error("an object changed whenever it was to be rewritten");
}

/** The contacts that the line may name: all of them if it holds bytes that must be decoded first. */
function namedBy(line: string, leaving: readonly Leaving[]): readonly Leaving[] {
  if (line === "") return [];
  if (line.includes('"base64":"')) return leaving;
  const plain = plainOf(line);
  return leaving.filter(({ contact }) => mentionsPlainly(plain, contact));
}

async function isAnyNamed(zipped: Uint8Array, leaving: readonly Leaving[]): Promise<boolean> {
  let found = false;
  // To the end, so that a damaged object is noticed wherever it is damaged.
  for await (const line of linesOf(zipped)) found ||= namedBy(line, leaving).length > 0;
  return found;
}

/** What is removed from an object, and what has been so far. */
interface Rewriting {
  leaving: readonly Leaving[];
  config: Config;
  /** How many elements of each contact were removed. */
  counts: number[];
  /** Whether nothing remains of any line. */
  isEmpty: boolean;
  /** Whether the lines are those of the journal; else they are envelopes. */
  ofJournal: boolean;
}

async function* rewritten(zipped: Uint8Array, rewriting: Rewriting): AsyncGenerator<string> {
  for await (const line of linesOf(zipped)) yield rewrittenLine(line, rewriting);
}

function rewrittenLine(line: string, rewriting: Rewriting): string {
  const own = namedBy(line, rewriting.leaving);
  if (own.length === 0) {
    if (line !== "") rewriting.isEmpty = false;
    return line;
  }
  if (rewriting.ofJournal) return journalLine(line, own, rewriting);
  const read = envelopeOf(line);
  if (read === null) {
    rewriting.isEmpty = false;
    return withoutAddresses(line, own, rewriting);
  }
  let envelope = read;
  const settings = settingsOf(rewriting.config, envelope.source);
  for (const one of own) {
    if (envelope.receivedAt > one.until) continue; // received after the erasure, so it stays
    const redacted = redact(envelope, one.contact, settings);
    if (redacted === null) continue;
    ({ envelope } = redacted);
    count(rewriting, one, redacted.elements);
  }
  if (envelope === read || envelope.body.length > 0) rewriting.isEmpty = false;
  return envelope === read ? line : toLine(envelope);
}

/** Lines about an erased contact go, and other lines lose the mention, say in a note. What came later stays. */
function journalLine(line: string, own: readonly Leaving[], rewriting: Rewriting): string {
  let left = line;
  const { at, ...act } = JSON.parse(line) as Line<Act>;
  for (const one of own) {
    if (at > one.until) continue;
    const isAbout = act.kind === "contact" && act.contact === one.contact;
    const next = isAbout ? "" : withoutMention(left, one.contact);
    if (next !== left) count(rewriting, one, 1);
    left = next;
    if (isAbout) break;
  }
  if (left !== "") rewriting.isEmpty = false;
  return left;
}

function envelopeOf(line: string): Envelope | null {
  try {
    return fromLine(line);
  } catch {
    return null; // a damaged line
  }
}

/** A damaged line without the addresses. Nobody knows when it was received. */
function withoutAddresses(line: string, own: readonly Leaving[], rewriting: Rewriting): string {
  let left = line;
  for (const one of own) {
    const next = withoutMention(left, one.contact);
    if (next !== left) count(rewriting, one, 1);
    left = next;
  }
  return left;
}

function count({ leaving, counts }: Rewriting, one: Leaving, elements: number): void {
  const index = leaving.indexOf(one);
  counts[index] = (counts[index] ?? 0) + elements;
}
