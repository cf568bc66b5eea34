// The queue's consumer, and the only module that acknowledges or retries its messages. An envelope is acknowledged once
// all of its events are stored. An envelope that fails for a temporary reason is delivered again, and its claims are
// granted as before.

import { configOf, type Config } from "../config/config.ts";
import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { decodeFrame, type Envelope, type Frame } from "../model/envelope.ts";
import { getEnvelope } from "../store/bucket/archive.ts";
import { isEmailEvent, ofEmailEvent } from "./email-event.ts";
import { processEnvelopes, type IncomingEnvelope } from "./pipeline.ts";
import { retryDelay } from "./retry.ts";

/** Deadline for reading the archive, ms. */
const BUCKET_DEADLINE = 30_000;
/**
 * Size of the bodies that are processed together, in bytes. Everything built from them stays far below the 128 MB
 * limit.
 */
const GROUP_BYTES = 2_000_000;

/** An envelope and its messages. The queue may deliver an envelope twice, even within one batch. */
type Delivered = IncomingEnvelope & { messages: Message[] };

/** Processes a batch of envelopes, group by group. Every message ends acknowledged or retried. Never rejects. */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  const config = configOf(env);
  let group = new Map<string, Delivered>();
  let bytes = 0;
  for (const message of batch.messages) {
    const decoded = await decodeOrRetry(message, env);
    if (decoded === null) continue;
    const twin = group.get(decoded.envelope.id);
    if (twin !== undefined) {
      twin.messages.push(message);
      continue;
    }
    group.set(decoded.envelope.id, { ...decoded, messages: [message] });
    bytes += decoded.envelope.body.length;
    if (bytes < GROUP_BYTES) continue;
    await processGroup(group, config, env);
    group = new Map();
    bytes = 0;
  }
  if (group.size > 0) await processGroup(group, config, env);
}

async function decodeOrRetry(message: Message, env: Env): Promise<IncomingEnvelope | null> {
  try {
    return await decodeMessage(message, env.BUCKET);
  } catch (error) {
    retry([message], "a message could not be opened", error);
    return null;
  }
}

/**
 * Decodes a message. If it is not an envelope or its body has gone, the result has a `problem`. Rejects only if the
 * archive is unavailable.
 */
export async function decodeMessage(message: Message, bucket: R2Bucket): Promise<IncomingEnvelope> {
  if (isEmailEvent(message.body)) return { envelope: ofEmailEvent(message), batch: null, problem: null };
  const bytes = bytesOf(message.body);
  const frame = await frameOf(bytes);
  if (frame === null) {
    return {
      envelope: unreadable(message, bytes),
      batch: null,
      problem: "the queue message is not an envelope",
    };
  }
  if (frame.batch === null) return { ...frame, problem: null };
  const archived = await within(BUCKET_DEADLINE, "the archive", getEnvelope(bucket, frame.batch, 0));
  if (archived !== null) {
    const erased = archived.erased === true ? { erased: true as const } : {};
    return {
      envelope: { ...frame.envelope, ...erased, body: archived.body },
      batch: frame.batch,
      problem: null,
    };
  }
  return {
    envelope: { ...frame.envelope, body: bytes },
    batch: null,
    problem: "its body is gone from the archive",
  };
}

async function frameOf(bytes: Uint8Array): Promise<Frame | null> {
  try {
    return await decodeFrame(bytes);
  } catch {
    return null;
  }
}

/** A message's body as bytes: binary as it is, text in UTF-8, anything else as JSON. */
export function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

function unreadable(message: Message, body: Uint8Array): Envelope {
  const receivedAt = message.timestamp.getTime();
  const common = { method: "POST", url: "https://queue.invalid/", headers: [], receivedAt, body };
  return { ...common, id: `message-${message.id}`, source: "unknown", provider: "unknown" };
}

async function processGroup(group: ReadonlyMap<string, Delivered>, config: Config, env: Env): Promise<void> {
  const waiting = new Map(group);
  try {
    await processEnvelopes([...group.values()], config, env, (envelopeId) => {
      for (const message of waiting.get(envelopeId)?.messages ?? []) message.ack();
      waiting.delete(envelopeId);
    });
  } catch (error) {
    const messages = [...waiting.values()].flatMap((delivered) => delivered.messages);
    retry(messages, "a group of envelopes could not be processed", error);
  }
}

function retry(messages: readonly Message[], what: string, error: unknown): void {
  for (const message of messages)
    message.retry({ delaySeconds: retryDelay(message.attempts, Math.random()) });
  if (messages.length > 0)
    console.error({ message: what, envelopes: messages.length, ...describeError(error) });
}
