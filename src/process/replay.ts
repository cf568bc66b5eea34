// Sends a dead letter's delivery through again, after a fix.

import { makeDurable } from "../ingest/durable.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import { storeOf } from "../store/db.ts";
import { getDeadEnvelope, getDeadLetter, markReplayed } from "../store/dead-letters.ts";

/** Why a dead letter cannot be replayed: no such one, its delivery is gone, or neither queue nor spool took it. */
export type NoReplay = "unknown" | "gone" | "unavailable";

/** Puts the delivery of a dead letter back into the queue; resolves to the envelope's id. Replaying twice is harmless. */
export async function replayDeadLetter(env: Env, id: string): Promise<Result<string, NoReplay>> {
  const letter = await getDeadLetter(storeOf(env), id);
  if (letter === null) return fail("unknown");
  const envelope = await getDeadEnvelope(env.BUCKET, letter.envelope);
  if (envelope === null) return fail("gone");
  // Marked first: if sending fails the mark is all that is wrong, and replaying again is harmless.
  await markReplayed(storeOf(env), letter.envelope, Date.now());
  const stored = await makeDurable(env, { ...envelope, replay: true }, "queue");
  return stored === null ? fail("unavailable") : ok(letter.envelope);
}
