// Removes a source's requests from objects of the archive. Each keeps its line, because stored events name their lines,
// but nothing is left in it: it is an empty request of which everything was erased.

import type { Envelope } from "../../model/envelope.ts";
import { fromLine, toLine } from "../../model/envelope.ts";
import { ARCHIVE_METADATA } from "../../store/bucket/archive.ts";
import { isContentError, lengthOf, linesOf, zipLines } from "../../store/bucket/lines.ts";
import type { ArchiveFigures, Removal } from "../../store/erasure/removals.ts";

/** How often a rewrite is tried when the object changes meanwhile. */
const TRIES = 5;

/** Whose requests go: those of `source` that were received until `until` (ms). */
export type Leaver = Pick<Removal, "source" | "until">;

/** What is known of an object once its lines were read. */
interface Seen {
  removed: number;
  /** Whether any line holds something else. */
  others: boolean;
}

/**
 * Removes the source's requests from the object with this key, and the object if nothing else is in it. The same call
 * again finds nothing. Rejects if the bucket does not answer, or the object changed at every try.
 */
export async function emptyObject(bucket: R2Bucket, key: string, leaver: Leaver): Promise<ArchiveFigures> {
  for (let tries = 0; tries < TRIES; tries++) {
    const object = await bucket.get(key);
    if (object === null) return { deliveries: 0, objects: 0, unreadable: 0 };
    const zipped = new Uint8Array(await object.arrayBuffer());
    const seen: Seen = { removed: 0, others: false };
    try {
      if (!(await isConcerned(zipped, leaver))) return { deliveries: 0, objects: 0, unreadable: 0 };
      const body = await zipLines(emptied(zipped, leaver, seen), lengthOf(zipped));
      if (seen.removed === 0) return { deliveries: 0, objects: 0, unreadable: 0 };
      if (!seen.others) await bucket.delete(key);
      else if (
        (await bucket.put(key, body, {
          httpMetadata: ARCHIVE_METADATA,
          onlyIf: { etagMatches: object.etag },
        })) === null
      )
        continue;
    } catch (error) {
      if (!isContentError(error)) throw error;
      console.error({ message: "an object of the archive cannot be read, and stays", key });
      return { deliveries: 0, objects: 0, unreadable: 1 };
    }
    return { deliveries: seen.removed, objects: 1, unreadable: 0 };
  }
  throw new Error("an object changed whenever it was to be rewritten");
}

async function isConcerned(zipped: Uint8Array, { source }: Leaver): Promise<boolean> {
  let found = false;
  // To the end, so that a damaged object is noticed wherever it is damaged.
  for await (const line of linesOf(zipped)) found ||= line.includes(JSON.stringify(source));
  return found;
}

async function* emptied(zipped: Uint8Array, leaver: Leaver, seen: Seen): AsyncGenerator<string> {
  for await (const line of linesOf(zipped)) yield emptiedLine(line, leaver, seen);
}

function emptiedLine(line: string, { source, until }: Leaver, seen: Seen): string {
  if (line === "") return line;
  const envelope = line.includes(JSON.stringify(source)) ? readLine(line) : null;
  if (envelope === null || envelope.source !== source || envelope.receivedAt > until) {
    if (envelope === null || !isEmptied(envelope)) seen.others = true;
    return line;
  }
  if (isEmptied(envelope)) return line;
  seen.removed++;
  return toLine({ ...envelope, url: "", headers: [], body: new Uint8Array(0), erased: true });
}

const isEmptied = ({ url, erased, body }: Envelope): boolean =>
  url === "" && erased === true && body.length === 0;

function readLine(line: string): Envelope | null {
  try {
    return fromLine(line);
  } catch {
    return null; // a damaged line, which nobody can tell the source of
  }
}
