// Door 2: the queue's consumer, and the only place that acknowledges or retries. An envelope is acknowledged when all of
// its events are stored; what fails for a passing reason comes again, and finds its claims granted as before.

import { configOf, type Config } from "../config/config.ts";
import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { decodeFrame, type Envelope, type Frame } from "../model/envelope.ts";
import { getEnvelope } from "../store/bucket/archive.ts";
import { withOutages } from "../store/outages.ts";
import { isEmailEvent, ofEmailEvent } from "./email-event.ts";
import { processEnvelopes, type IncomingEnvelope } from "./pipeline.ts";
import { retryDelay } from "./retry.ts";

const BUCKET_DEADLINE = 30_000;
/** Bodies that are worked off together, in bytes: with all that is made of them they stay far below the 128 MB limit. */
const GROUP_BYTES = 2_000_000;

/** An envelope and the messages that brought it: the queue may deliver one twice, even in one batch. */
type Delivered = IncomingEnvelope & { messages: Message[] };

/** Works off a batch of envelopes, group by group; every message ends acknowledged or retried. */
export async function consume(batch: MessageBatch, bindings: Env): Promise<void> {
  const env = withOutages(bindings);
  const config = configOf(env);
  let group = new Map<string, Delivered>();
  let bytes = 0;
  for (const message of batch.messages) {
    const opened = await decodeOrRetry(message, env);
    if (opened === null) continue;
    const twin = group.get(opened.envelope.id);
    if (twin !== undefined) {
      twin.messages.push(message);
      continue;
    }
    group.set(opened.envelope.id, { ...opened, messages: [message] });
    bytes += opened.envelope.body.length;
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

/** Reads a message; rejects only where the archive is unavailable. */
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

/** A message's body as bytes, whatever it is. */
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
