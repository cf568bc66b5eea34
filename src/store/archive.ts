// The archive: every accepted envelope, raw, in gzipped NDJSON objects of the bucket. It is the source for `raw`, for
// replays and for reading history anew.

import { fromLine, gunzip, gzip, toLine, type Envelope } from "../model/envelope.ts";
import { timeOfId } from "../model/id.ts";

/** Where the object of a batch lies: archive/<UTC day>/<batch>.ndjson.gz */
export function archiveKey(batch: string): string {
  return `archive/${new Date(timeOfId(batch)).toISOString().slice(0, 10)}/${batch}.ndjson.gz`;
}

export const ARCHIVE_METADATA = { contentType: "application/x-ndjson", contentEncoding: "gzip" } as const;

/** Writes the envelopes as one object, a line each. `batch`: a new time id. */
export async function putBatch(
  bucket: R2Bucket,
  batch: string,
  envelopes: readonly Envelope[],
): Promise<void> {
  const lines = new TextEncoder().encode(envelopes.map((envelope) => `${toLine(envelope)}\n`).join(""));
  await bucket.put(archiveKey(batch), gzip(lines), {
    httpMetadata: ARCHIVE_METADATA,
  });
}

/** The envelope at a line of a batch; null where the object or the line is gone. */
export async function getEnvelope(bucket: R2Bucket, batch: string, line: number): Promise<Envelope | null> {
  const object = await bucket.get(archiveKey(batch));
  if (object === null) return null;
  const text = new TextDecoder().decode(gunzip(new Uint8Array(await object.arrayBuffer())));
  const wanted = text.split("\n", line + 1)[line];
  return wanted === undefined || wanted === "" ? null : fromLine(wanted);
}
