// The consumer of the platform's dead-letter queue. Its envelopes failed a hundred times within about two days, and
// become dead letters as a whole. If the database is the cause, they return to the spool and are not lost.

import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { encodeGzipped, type Envelope } from "../model/envelope.ts";
import { spool } from "../ingest/spool.ts";
import { deadLetterOf, putDeadEnvelope } from "../store/dead-letters.ts";
import { storeSlice } from "../store/write/slice.ts";
import { bytesOf, decodeMessage } from "./consume.ts";
import { withoutErased } from "./redact-erased.ts";
import { isEmailEvent, ofEmailEvent } from "./email-event.ts";
import { retryDelay } from "./retry.ts";
import { againId } from "../store/bucket/layout.ts";
import { storeOf } from "../store/db.ts";

/** Deadline for each call to the bucket or the database, ms. */
const DEADLINE = 30_000;
/** After this many tries (about six hours) the envelope returns to the spool. */
const TRIES = 20;

/** Stores each message as a dead letter. Every message ends acknowledged or retried. Never rejects. */
export async function consumeDeadQueue(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    try {
      const { envelope } = await decodeMessage(message, env.BUCKET);
      await storeAsDeadLetter(envelope, env);
      message.ack();
    } catch (error) {
      console.error({
        message: "a dead letter could not be kept",
        attempts: message.attempts,
        ...describeError(error),
      });
      if (message.attempts < TRIES || !(await backToSpool(message, env.BUCKET))) {
        message.retry({ delaySeconds: retryDelay(message.attempts, Math.random()) });
      } else message.ack();
    }
  }
}

async function storeAsDeadLetter(given: Envelope, env: Env): Promise<void> {
  const envelope = await withoutErased(given, env);
  if (envelope.erased === true && envelope.body.length === 0) return;
  // As text also if it is no UTF-8, like rejects: nobody would find an address in base64, and the bucket has the bytes.
  const raw = new TextDecoder().decode(envelope.body);
  const letter = deadLetterOf(envelope, null, "it failed for a hundred times; see the log for why", raw);
  const nothing = { events: [], contacts: [], sources: [], tallies: [], replayed: [] };
  await within(DEADLINE, "the bucket", putDeadEnvelope(env.BUCKET, envelope));
  await within(DEADLINE, "the database", storeSlice(storeOf(env), { ...nothing, deadLetters: [letter] }));
}

async function backToSpool(message: Message, bucket: R2Bucket): Promise<boolean> {
  try {
    // An event that arrived without our frame needs one, because the spool and the queue that it fills contain only
    // frames.
    const frame = isEmailEvent(message.body)
      ? await encodeGzipped(ofEmailEvent(message))
      : bytesOf(message.body);
    await within(DEADLINE, "the spool", spool(bucket, againId(message.id), frame));
    return true;
  } catch {
    return false;
  }
}
