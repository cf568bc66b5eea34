// Makes an accepted envelope durable before it is acknowledged: the queue first and the spool in the bucket when the queue
// does not take it in time, or the other way round on the backup path.

import { encodeFrame, encodeGzipped, encodePointer, type Envelope } from "../model/envelope.ts";
import { putBatch } from "../store/bucket/archive.ts";
import { newId } from "../lib/time-id.ts";
import { within } from "../lib/deadline.ts";
import { spool } from "./spool.ts";

/** A queue message holds 128,000 bytes, some of which the platform needs. */
const MAX_MESSAGE = 127_000;
/** Queue operations are billed by 64,000 bytes, so gzip pays from there, not only where it is the way to fit. */
const BILLED_UNIT = 64_000;
/** How long the queue and the bucket have, in ms. */
const QUEUE_DEADLINE = 3_000;
const BUCKET_DEADLINE = 4_000;

type Message = Uint8Array<ArrayBuffer>;
export type Bindings = Pick<Env, "QUEUE" | "BUCKET">;

/**
 * Where an envelope was kept; null where neither path said that it took it. One of them may have all the same, so a long
 * body stays in the archive: its pointer may be on its way.
 */
export type StoredIn = "queue" | "spool" | null;

/** Keeps the envelope. `first`: which of the two paths is tried first. */
export async function makeDurable(
  env: Bindings,
  envelope: Envelope,
  first: "queue" | "spool",
): Promise<StoredIn> {
  const { source } = envelope;
  const message = inOne(envelope) ?? (await attempt(source, "archive", archive(env, envelope)));
  if (message === null) return null;
  for (const path of first === "queue" ? (["queue", "spool"] as const) : (["spool", "queue"] as const)) {
    const put = path === "queue" ? enqueue(env, message) : spooled(env, envelope.id, message);
    if ((await attempt(source, path, put)) !== null) return path;
  }
  return null;
}

/** The message that holds the whole envelope, its body gzipped where that pays; null where it is too long for one. */
function inOne(envelope: Envelope): Message | null {
  const message = envelope.body.length <= BILLED_UNIT ? encodeFrame(envelope) : encodeGzipped(envelope);
  return message.length <= MAX_MESSAGE ? message : null;
}

/** Puts the body into the archive; resolves to the message that points to it. */
async function archive(env: Bindings, envelope: Envelope): Promise<Message> {
  const batch = newId(envelope.receivedAt);
  await within(BUCKET_DEADLINE, "the archive", putBatch(env.BUCKET, batch, [envelope]));
  return encodePointer(envelope, batch);
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
    console.warn({ message: "an envelope was not taken", source, path, error: String(error) });
    return null;
  }
}
