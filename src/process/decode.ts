// Turns queue messages into envelopes: our frames, whose body may be in the archive, and events that Cloudflare Email
// Service puts into its own queue.

import { within } from "../lib/deadline.ts";
import { decodeFrame, encodeGzipped, type Envelope, type Frame } from "../model/envelope.ts";
import { getEnvelope } from "../store/bucket/archive.ts";
import type { QueuedMessage } from "../store/bucket/given-up.ts";
import { isEmailEvent, ofEmailEvent } from "./email-event.ts";
import type { IncomingEnvelope } from "./pipeline.ts";

/** Deadline for reading the archive, ms. */
const BUCKET_DEADLINE = 30_000;

/**
 * Decodes a message. If it is not an envelope or its body has gone, the result has a `problem`. Rejects only if the
 * archive is unavailable.
 */
export async function decodeMessage(message: QueuedMessage, bucket: R2Bucket): Promise<IncomingEnvelope> {
  const frame = await openMessage(message);
  if ("problem" in frame) return frame;
  if (frame.batch === null) return { ...frame, problem: null };
  const { batch, parked } = frame;
  const line = parked?.line ?? 0;
  const archived = await within(BUCKET_DEADLINE, "the archive", getEnvelope(bucket, batch, line));
  if (archived !== null && parked !== undefined)
    return archived.id === frame.envelope.id
      ? { envelope: archived, batch, parked, problem: null }
      : bodyIsGone(frame.envelope, message);
  if (archived !== null) {
    const erased = archived.erased === true ? { erased: true as const } : {};
    return {
      envelope: { ...frame.envelope, ...erased, body: archived.body },
      batch,
      problem: null,
      ...(frame.credential === undefined ? {} : { credential: frame.credential }),
    };
  }
  return bodyIsGone(frame.envelope, message);
}

/** What a message holds: a frame, or an envelope that tells what is wrong with it. Its body is not read. */
export async function openMessage(
  message: QueuedMessage,
): Promise<Frame | (IncomingEnvelope & { problem: string })> {
  if (isEmailEvent(message.body)) return { envelope: ofEmailEvent(message), batch: null };
  const bytes = bytesOf(message.body);
  try {
    return await decodeFrame(bytes);
  } catch {
    const problem = "the queue message is not an envelope";
    return { envelope: unreadable(message, bytes), batch: null, problem };
  }
}

/** An envelope whose body is not in the archive any more: the message stands in its place. */
export function bodyIsGone(
  envelope: Omit<Envelope, "body">,
  { body }: QueuedMessage,
): IncomingEnvelope & { problem: string } {
  return {
    envelope: { ...envelope, body: bytesOf(body) },
    batch: null,
    problem: "its body is gone from the archive",
  };
}

/** A message as it goes through the spool, which contains only frames. */
export async function frameToSpool(message: QueuedMessage): Promise<Uint8Array> {
  return isEmailEvent(message.body) ? await encodeGzipped(ofEmailEvent(message)) : bytesOf(message.body);
}

/** A message's body as bytes: binary as it is, text in UTF-8, anything else as JSON. */
function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

function unreadable(message: QueuedMessage, body: Uint8Array): Envelope {
  const receivedAt = message.timestamp.getTime();
  const common = { method: "POST", url: "https://queue.invalid/", headers: [], receivedAt, body };
  return { ...common, id: `message-${message.id}`, source: "unknown", provider: "unknown" };
}
