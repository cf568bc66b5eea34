// Makes an accepted envelope durable before it is acknowledged: the queue first and the spool in the bucket when the queue
// does not take it in time, or the other way round on the backup path.

import { encodeFrame, encodeGzipped, encodePointer, type Envelope } from "../model/envelope.ts";
import { timeId } from "../model/id.ts";
import { putBatch } from "../store/archive.ts";
import { within } from "../model/deadline.ts";
import { spool } from "./spool.ts";

/** A queue message holds 128,000 bytes, some of which the platform needs. */
const MAX_MESSAGE = 127_000;
/** Queue operations are billed by 64,000 bytes, so gzip pays from there, not only where it is the way to fit. */
const BILLED_UNIT = 64_000;
/** How long the queue and the bucket have, in ms. */
const QUEUE_DEADLINE = 3_000;
const BUCKET_DEADLINE = 4_000;

export type Bindings = Pick<Env, "QUEUE" | "BUCKET">;

/**
 * Where an envelope was kept; null where neither path said that it took it. One of them may have all the same, so a long
 * body stays in the archive: its pointer may be on its way.
 */
export type Kept = "queue" | "spool" | null;

/** Keeps the envelope. `first`: which of the two paths is tried first. */
export async function keep(env: Bindings, envelope: Envelope, first: "queue" | "spool"): Promise<Kept> {
  const message = await attempt(envelope.source, "archive", () => toMessage(env, envelope));
  if (message === null) return null;
  const paths = first === "queue" ? (["queue", "spool"] as const) : (["spool", "queue"] as const);
  for (const path of paths) {
    const taken = await attempt(envelope.source, path, async () => {
      if (path === "queue") await send(env, message);
      else await within(BUCKET_DEADLINE, "the spool", spool(env.BUCKET, envelope.id, message));
      return path;
    });
    if (taken !== null) return taken;
  }
  return null;
}

async function attempt<T>(source: string, path: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    console.warn({ message: "an envelope was not taken", source, path, error: String(error) });
    return null;
  }
}

async function send(env: Bindings, bytes: Uint8Array): Promise<void> {
  await within(QUEUE_DEADLINE, "the queue", env.QUEUE.send(bytes, { contentType: "bytes" }));
}

/** The message: the whole envelope, its body gzipped where that pays, or a pointer to the body in the archive. */
async function toMessage(env: Bindings, envelope: Envelope): Promise<Uint8Array<ArrayBuffer>> {
  const plain = envelope.body.length <= BILLED_UNIT ? encodeFrame(envelope) : encodeGzipped(envelope);
  if (plain.length <= MAX_MESSAGE) return plain;
  const batch = timeId(envelope.receivedAt, crypto.getRandomValues(new Uint8Array(10)));
  await within(BUCKET_DEADLINE, "the archive", putBatch(env.BUCKET, batch, [envelope]));
  return encodePointer(envelope, batch);
}
