// The consumer of the platform's dead-letter queue: envelopes that failed a hundred times over days. They become dead
// letters, whole; where the database is what fails, they go back to the spool rather than be lost.

import { within } from "../lib/deadline.ts";
import { bodyToJson, encodeGzipped, type Envelope } from "../model/envelope.ts";
import { spool } from "../ingest/spool.ts";
import { deadLetterOf, putDeadEnvelope } from "../store/dead-letters.ts";
import { storeSlice } from "../store/write/slice.ts";
import { bytesOf, decodeMessage } from "./consume.ts";
import { withoutErased } from "./redact-erased.ts";
import { isEmailEvent, ofEmailEvent } from "./email-event.ts";
import { retryDelay } from "./retry.ts";
import { storeOf } from "../store/db.ts";

const DEADLINE = 30_000;
/** After this many tries (about six hours) the envelope starts again at the spool. */
const TRIES = 20;

/** Keeps each message as a dead letter. */
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
        error: String(error),
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
  const body = bodyToJson(envelope.body);
  const raw = "text" in body ? body.text : body.base64;
  const letter = deadLetterOf(envelope, null, "it failed for a hundred times; see the log for why", raw);
  const nothing = { events: [], contacts: [], sources: [], tallies: [], replayed: [] };
  await within(DEADLINE, "the bucket", putDeadEnvelope(env.BUCKET, envelope));
  await within(DEADLINE, "the database", storeSlice(storeOf(env), { ...nothing, deadLetters: [letter] }));
}

async function backToSpool(message: Message, bucket: R2Bucket): Promise<boolean> {
  try {
    // An event that came without our frame needs one, for the spool and what it moves into hold frames only.
    const frame = isEmailEvent(message.body) ? encodeGzipped(ofEmailEvent(message)) : bytesOf(message.body);
    await within(DEADLINE, "the spool", spool(bucket, `again-${message.id}`, frame));
    return true;
  } catch {
    return false;
  }
}
