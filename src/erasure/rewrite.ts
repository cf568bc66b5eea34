// Removes contacts from objects of the bucket. A rewrite succeeds only if the object is still the one that was read, so
// that two erasures at once do not undo each other. Lines that name none of the contacts stay as they are.

import { settingsOf, type Config } from "../config/config.ts";
import { fromLine, gunzip, gzip, toLine } from "../model/envelope.ts";
import { mentionsPlainly, plainOf } from "../model/address-search.ts";
import { ARCHIVE_METADATA } from "../store/bucket/archive.ts";
import { archiveKey, isArchiveKey, isDeadLetterKey } from "../store/bucket/layout.ts";
import { redact } from "./redact.ts";

/** How often a rewrite is tried when the object changes meanwhile. */
const TRIES = 5;

/** A contact that must be removed from everything received until `until` (ms). */
export interface Leaving {
  contact: string;
  until: number;
}

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
  return await rewriteObject(bucket, archiveKey(batch), leaving, config);
}

/**
 * Removes the contacts from an object of the archive or of the dead letters. Returns how many elements it removed of
 * each contact, in their order; an empty list if there is no such object. Deletes a dead letter of which nothing
 * remains. Throws if the object changed at every try.
 */
export async function rewriteObject(
  bucket: R2Bucket,
  key: string,
  leaving: readonly Leaving[],
  config: Config,
): Promise<number[]> {
  for (let tries = 0; tries < TRIES; tries++) {
    const object = await bucket.get(key);
    if (object === null) return [];
    const text = new TextDecoder().decode(await gunzip(new Uint8Array(await object.arrayBuffer())));
    const { lines, counts, empty } = withoutContacts(text.split("\n"), leaving, config);
    if (counts.every((count) => count === 0)) return counts;
    if (empty && isDeadLetterKey(key)) {
      await bucket.delete(key);
      return counts;
    }
    const metadata = isArchiveKey(key) ? { httpMetadata: ARCHIVE_METADATA } : {};
    const body = await gzip(new TextEncoder().encode(lines.join("\n")));
    const put = await bucket.put(key, body, { ...metadata, onlyIf: { etagMatches: object.etag } });
    if (put !== null) return counts;
  }
  throw new Error("an object changed whenever it was to be rewritten");
}

function withoutContacts(
  lines: readonly string[],
  leaving: readonly Leaving[],
  config: Config,
): { lines: string[]; counts: number[]; empty: boolean } {
  const counts = leaving.map(() => 0);
  let empty = true;
  const left = lines.map((line) => {
    if (line === "") return line;
    const plain = line.includes('"base64":"') ? null : plainOf(line);
    const named = leaving.filter(({ contact }) => plain === null || mentionsPlainly(plain, contact));
    let envelope = named.length > 0 ? fromLine(line) : null;
    let changed = false;
    const { receivedAt = Infinity } = envelope ?? {};
    for (const erased of named) {
      if (receivedAt > erased.until) continue; // received after the erasure, so it stays
      const settings = envelope === null ? {} : settingsOf(config, envelope.source);
      const redacted = envelope === null ? null : redact(envelope, erased.contact, settings);
      if (redacted === null) continue;
      ({ envelope } = redacted);
      changed = true;
      const index = leaving.indexOf(erased);
      counts[index] = (counts[index] ?? 0) + redacted.elements;
    }
    if (envelope === null || !changed || envelope.body.length > 0) empty = false;
    return changed && envelope !== null ? toLine(envelope) : line;
  });
  return { lines: left, counts, empty };
}
