// Makes an accepted envelope durable before the provider gets its answer. It tries the queue first, and the spool in
// the bucket if the queue does not accept the envelope in time. On the backup path the order is reversed.

import { encodeFrame, encodeGzipped, encodePointer, type ProvenEnvelope } from "../model/envelope.ts";
import { putBatch } from "../store/bucket/archive.ts";
import { newId } from "../lib/time-id.ts";
import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { spool } from "./spool.ts";

/** The longest message, in bytes. The platform's limit is 128,000, of which it needs some itself. */
const MAX_MESSAGE = 127_000;
/** Queue operations are billed per 64,000 bytes, so gzip pays above that, even if the body would fit without it. */
const BILLED_UNIT = 64_000;
/** The level of gzip that takes the least time. */
const FASTEST = 1;
/** Deadlines for the queue and the bucket, in ms. */
const QUEUE_DEADLINE = 3_000;
const BUCKET_DEADLINE = 4_000;

type Message = Uint8Array<ArrayBuffer>;
/** The bindings that ingest needs. */
export type Bindings = Pick<Env, "QUEUE" | "BUCKET">;

/**
 * Where an envelope was stored. Null if neither path confirmed it. One of them may have stored it nevertheless, so a
 * long body stays in the archive: a pointer to it may be on its way.
 */
export type StoredIn = "queue" | "spool" | null;

/** Stores the envelope durably. `first`: the path to try first. Never rejects: failures are logged and give null. */
export async function makeDurable(
  env: Bindings,
  envelope: ProvenEnvelope,
  first: "queue" | "spool",
): Promise<StoredIn> {
  const { source } = envelope;
  const message = (await inOne(envelope)) ?? (await attempt(source, "archive", archive(env, envelope)));
  if (message === null) return null;
  for (const path of first === "queue" ? (["queue", "spool"] as const) : (["spool", "queue"] as const)) {
    const put = path === "queue" ? enqueue(env, message) : spooled(env, envelope.id, message);
    if ((await attempt(source, path, put)) !== null) return path;
  }
  return null;
}

/** One message with the whole envelope, its body gzipped if that pays. Null if it is too long for one message. */
async function inOne(envelope: ProvenEnvelope): Promise<Message | null> {
  const message =
    envelope.body.length <= BILLED_UNIT ? encodeFrame(envelope) : await encodeCompressed(envelope);
  return message.length <= MAX_MESSAGE ? message : null;
}

/**
 * The fastest level takes a third of the time of the default. If its result fits into one billed unit, it costs the
 * same.
 */
async function encodeCompressed(envelope: ProvenEnvelope): Promise<Message> {
  const message = await encodeGzipped(envelope, FASTEST);
  return message.length <= BILLED_UNIT ? message : await encodeGzipped(envelope);
}

/** Puts the envelope into the archive, and resolves to the message that points to it. */
async function archive(env: Bindings, proven: ProvenEnvelope): Promise<Message> {
  const batch = newId(proven.receivedAt);
  const { credential: _, ...envelope } = proven;
  await within(BUCKET_DEADLINE, "the archive", putBatch(env.BUCKET, batch, [envelope]));
  return encodePointer(proven, batch);
}

async function enqueue(env: Bindings, message: Message): Promise<true> {
  await within(QUEUE_DEADLINE, "the queue", env.QUEUE.send(message, { contentType: "bytes" }));
  return true;
}

async function spooled(env: Bindings, id: string, message: Message): Promise<true> {
  await within(BUCKET_DEADLINE, "the spool", spool(env.BUCKET, id, message));
  return true;
}

async function attempt<T>(source: string, path: string, work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    console.warn({ message: "an envelope was not taken", source, path, ...describeError(error) });
    return null;
  }
}
