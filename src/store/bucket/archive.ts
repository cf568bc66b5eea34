// The archive: every accepted envelope, raw, in gzipped NDJSON objects of the bucket. The API's `raw`, replays and
// renormalising history read from it.

import { firstIdAt, timeOfId } from "../../lib/time-id.ts";
import { fromLine, gunzip, gzip, toLine, type Envelope } from "../../model/envelope.ts";
import { archiveDay, archiveKey, batchOfKey, deadLetterKey } from "./layout.ts";
import { DAY } from "../../lib/time.ts";

/** HTTP metadata of the archive's objects. */
export const ARCHIVE_METADATA = { contentType: "application/x-ndjson", contentEncoding: "gzip" } as const;

/** Writes the envelopes as one object, one per line. `batch`: a new time id. */
export async function putBatch(
  bucket: R2Bucket,
  batch: string,
  envelopes: readonly Envelope[],
): Promise<void> {
  const lines = new TextEncoder().encode(envelopes.map((envelope) => `${toLine(envelope)}\n`).join(""));
  await bucket.put(archiveKey(batch), await gzip(lines), {
    httpMetadata: ARCHIVE_METADATA,
  });
}

/** All envelopes of a batch, in the order of its lines; null if the object is gone. */
export async function getBatch(bucket: R2Bucket, batch: string): Promise<Envelope[] | null> {
  const text = await textOf(bucket, batch);
  return text === null ? null : text.trimEnd().split("\n").map(fromLine);
}

/** Batches archived from `from` (ms) until before `to`, in order, that follow the batch `after`; at most `limit`. */
export async function listBatches(
  bucket: R2Bucket,
  { from, to, after, limit }: { from: number; to: number; after: string | null; limit: number },
): Promise<string[]> {
  const first = after ?? firstIdAt(from);
  const batches: string[] = [];
  for (let day = Math.floor(timeOfId(first) / DAY) * DAY; day < to && batches.length < limit; day += DAY) {
    const prefix = archiveDay(day);
    const startAfter = day > timeOfId(first) ? prefix : archiveKey(first);
    const { objects } = await bucket.list({ prefix, startAfter, limit });
    for (const { key } of objects) {
      const batch = batchOfKey(key);
      if (batches.length < limit && timeOfId(batch) < to) batches.push(batch);
    }
  }
  return batches;
}

/** The envelope at a line (from 0) of a batch; null if the object or the line is gone. */
export async function getEnvelope(bucket: R2Bucket, batch: string, line: number): Promise<Envelope | null> {
  const text = await textOf(bucket, batch);
  if (text === null) return null;
  const wanted = text.split("\n", line + 1)[line];
  return wanted === undefined || wanted === "" ? null : fromLine(wanted);
}

/**
 * Copies a batch of a single envelope to the dead letters, whose objects have the same form, without reading it.
 * Resolves to whether there was one. `envelope`: its id.
 */
export async function copyToDeadLetters(bucket: R2Bucket, batch: string, envelope: string): Promise<boolean> {
  const object = await bucket.get(archiveKey(batch));
  if (object === null) return false;
  await bucket.put(deadLetterKey(envelope), await object.arrayBuffer());
  return true;
}

async function textOf(bucket: R2Bucket, batch: string): Promise<string | null> {
  const object = await bucket.get(archiveKey(batch));
  return object === null
    ? null
    : new TextDecoder().decode(await gunzip(new Uint8Array(await object.arrayBuffer())));
}
