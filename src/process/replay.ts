// Replays dead letters: sends their deliveries through the queue again after their cause was fixed.

import { makeDurable } from "../ingest/durable.ts";
import { inPool } from "../lib/pool.ts";
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
  const outcome = await replayEnvelope(env, letter.envelope);
  return outcome === "sent" ? ok(letter.envelope) : fail(outcome);
}

/** Deliveries that are read and sent at the same time. */
const AT_ONCE = 8;

/**
 * Puts the deliveries with these ids back into the queue. Resolves to how many were sent, and how many are gone. Fails
 * if the queue and the spool did not take one; then some may have been sent, and the call can be repeated.
 */
export async function replayEnvelopes(
  env: Env,
  envelopes: readonly string[],
): Promise<Result<{ deliveries: number; gone: number }, "unavailable">> {
  const counts = { sent: 0, gone: 0, unavailable: 0 };
  await inPool(envelopes, { atOnce: AT_ONCE }, async (envelope) => {
    if (counts.unavailable === 0) counts[await replayEnvelope(env, envelope)]++;
  });
  if (counts.unavailable > 0) return fail("unavailable");
  return ok({ deliveries: counts.sent, gone: counts.gone });
}

async function replayEnvelope(env: Env, id: string): Promise<"sent" | "gone" | "unavailable"> {
  const envelope = await getDeadEnvelope(env.BUCKET, id);
  if (envelope === null) return "gone";
  // Marked first: if sending fails, only the mark is wrong, and the dead letter can be replayed again.
  await markReplayed(storeOf(env), id, Date.now());
  return (await makeDurable(env, { ...envelope, replay: true }, "queue")) === null ? "unavailable" : "sent";
}
