// Door 2: the queue's consumer, and the only place that acknowledges or retries. An envelope is acknowledged when all of
// its events are stored; what fails for a passing reason comes again, and finds its claims granted as before.

import { configOf, type Config } from "../config/config.ts";
import { within } from "../lib/deadline.ts";
import { decodeFrame, type Envelope, type Frame } from "../model/envelope.ts";
import { getEnvelope, putBatch } from "../store/bucket/archive.ts";
import { deleteDeadEnvelopes, putDeadEnvelope } from "../store/dead-letters.ts";
import { claimAll, type Claimed } from "./claim.ts";
import { markStorms } from "./storm.ts";
import { retryDelay } from "./retry.ts";
import { rowsOf, store } from "./store.ts";
import { isEmailEvent, ofEmailEvent } from "./email-event.ts";
import { newId } from "../lib/time-id.ts";
import { redactErased } from "./redact-erased.ts";
import {
  splitIntoSlices,
  hasRejects,
  readEnvelope,
  type ArchivedEnvelope,
  type Slice,
  type ParsedEnvelope,
} from "./parse.ts";
import { storeOf } from "../store/db.ts";

const BUCKET_DEADLINE = 30_000;
/** Bodies that are worked off together, in bytes: with all that is made of them they stay far below the 128 MB limit. */
const GROUP_BYTES = 2_000_000;

/** What a message holds. */
export interface DecodedMessage {
  envelope: Envelope;
  /** The archive's batch where the body came from there. */
  batch: string | null;
  /** Why it can never be parsed, where that is so already. */
  problem: string | null;
}

/** An envelope and the messages that brought it: the queue may deliver one twice, even in one batch. */
type Delivered = DecodedMessage & { messages: Message[] };

/** Works off a batch of envelopes, group by group; every message ends acknowledged or retried. */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
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

async function decodeOrRetry(message: Message, env: Env): Promise<DecodedMessage | null> {
  try {
    return await decodeMessage(message, env.BUCKET);
  } catch (error) {
    retry([message], "a message could not be opened", error);
    return null;
  }
}

/** Reads a message; rejects only where the archive is unavailable. */
export async function decodeMessage(message: Message, bucket: R2Bucket): Promise<DecodedMessage> {
  if (isEmailEvent(message.body)) return { envelope: ofEmailEvent(message), batch: null, problem: null };
  const bytes = bytesOf(message.body);
  const frame = frameOf(bytes);
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

function frameOf(bytes: Uint8Array): Frame | null {
  try {
    return decodeFrame(bytes);
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
    const batch = newId(Date.now());
    const parsedGroup = locate([...group.values()], batch).map((located) => readEnvelope(located, config));
    const slices: [Slice, Claimed][] = [];
    for (const slice of splitIntoSlices(parsedGroup)) {
      const events = await markStorms(storeOf(env), slice.events, config.storm);
      slices.push([slice, await claimAll(env.CONTACTS, events)]);
    }
    // Not at once with the claims: what they say is erased must not get into the archive, for if this run died there,
    // nobody would know of the object any more.
    const erased = slices.flatMap(([, claimed]) => claimed.erased);
    await redactErased(parsedGroup, erased, config, env);
    await archive(parsedGroup, batch, env.BUCKET);
    for (const [slice, claimed] of slices) {
      await storeSliceOf(slice, claimed, env);
      for (const { envelope } of slice.complete) {
        for (const message of waiting.get(envelope.id)?.messages ?? []) message.ack();
        waiting.delete(envelope.id);
      }
    }
  } catch (error) {
    const messages = [...waiting.values()].flatMap((delivered) => delivered.messages);
    retry(messages, "a slice could not be worked off", error);
  }
}

function locate(group: readonly Delivered[], batch: string): ArchivedEnvelope[] {
  let line = 0;
  return group.map(({ envelope, batch: own, problem }) =>
    own === null ? { envelope, batch, line: line++, problem } : { envelope, batch: own, line: 0, problem },
  );
}

/** Archives what is not in the archive yet, and keeps whole what will be a dead letter. */
async function archive(group: readonly ParsedEnvelope[], batch: string, bucket: R2Bucket): Promise<void> {
  const fresh = group.flatMap((parsed) => (parsed.batch === batch ? [parsed.envelope] : []));
  const puts = group.flatMap((parsed) =>
    hasRejects(parsed) ? [putDeadEnvelope(bucket, parsed.envelope)] : [],
  );
  if (fresh.length > 0) puts.push(putBatch(bucket, batch, fresh));
  await within(BUCKET_DEADLINE, "the archive", Promise.all(puts));
}

async function storeSliceOf(slice: Slice, claimed: Claimed, env: Env): Promise<void> {
  for (const { parsed } of claimed.duplicates) parsed.duplicates += 1;
  const rows = rowsOf(slice, claimed, Date.now());
  const unstored = new Set<string>();
  await store(storeOf(env), rows, claimed.granted, async ({ parsed }) => {
    unstored.add(parsed.envelope.id);
    await putDeadEnvelope(env.BUCKET, parsed.envelope);
  });
  const settled = slice.complete.filter((parsed) => !hasRejects(parsed) && !unstored.has(parsed.envelope.id));
  // Gone before the acknowledgement: if this fails, the envelope comes again and finds nothing left to do but this.
  const replayed = settled.flatMap(({ envelope }) => (envelope.replay === true ? [envelope.id] : []));
  await deleteDeadEnvelopes(env.BUCKET, replayed);
}

function retry(messages: readonly Message[], what: string, error: unknown): void {
  for (const message of messages)
    message.retry({ delaySeconds: retryDelay(message.attempts, Math.random()) });
  if (messages.length > 0) console.error({ message: what, envelopes: messages.length, error: String(error) });
}
