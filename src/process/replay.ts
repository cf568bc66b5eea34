// Replays a dead letter: sends its delivery through the queue again after its cause was fixed.

import { makeDurable } from "../ingest/durable.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import { storeOf } from "../store/db.ts";
import { getDeadEnvelope, getDeadLetter, markReplayed } from "../store/dead-letters.ts";

/**
 * Why a dead letter cannot be replayed: its id is unknown, its delivery has gone, or neither queue nor spool is
 * available.
 */
export type NoReplay = "unknown" | "gone" | "unavailable";

/**
 * Puts the delivery of a dead letter back into the queue. Resolves to the envelope's id. Replaying twice is harmless.
 * Rejects if the database or the bucket cannot be read.
 */
export async function replayDeadLetter(env: Env, id: string): Promise<Result<string, NoReplay>> {
  const letter = await getDeadLetter(storeOf(env), id);
  if (letter === null) return fail("unknown");
  const envelope = await getDeadEnvelope(env.BUCKET, letter.envelope);
  if (envelope === null) return fail("gone");
  // Marked first: if sending fails, only the mark is wrong, and the dead letter can be replayed again.
  await markReplayed(storeOf(env), letter.envelope, Date.now());
  const stored = await makeDurable(env, { ...envelope, replay: true }, "queue");
  return stored === null ? fail("unavailable") : ok(letter.envelope);
}
