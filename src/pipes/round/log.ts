// What the log of deliveries says about an attempt.

import { newId } from "../../lib/time-id.ts";
import { storeOf } from "../../store/db.ts";
import { noteAttempts, type AttemptRecord } from "../../store/pipes/delivery-log.ts";
import { excerptOf, type Account } from "../attempt.ts";
import type { Outgoing } from "../kinds/kind.ts";
import type { Retry } from "../retries.ts";
import type { Round } from "./context.ts";

/** An attempt that was made. `tries`: which try it was of all events, or of each. */
export function recordOf(
  pipe: string,
  batch: readonly Outgoing[],
  { id, outcome, exchanges, at, took }: Account,
  tries: number | ((id: string) => number),
): AttemptRecord {
  const events = batch.map((event) => event.id);
  const failed = outcome.failed ?? [];
  const reason =
    outcome.reason ?? (failed.length > 0 ? `${failed.length} not taken: ${failed[0]?.reason ?? ""}` : null);
  return {
    id: `${pipe}.${id}`,
    events,
    n: events.length,
    at,
    outcome: outcome.result,
    status: outcome.status,
    took,
    try: typeof tries === "number" ? tries : tries(events[0] ?? ""),
    reason,
    excerpt: excerptOf(exchanges),
  };
}

/** The events of an attempt with which nothing was to be done there. */
export function skippedOf(
  pipe: string,
  batch: readonly Outgoing[],
  account: Account,
  tries: number | ((id: string) => number),
): AttemptRecord {
  const skipped = account.outcome.skipped ?? [];
  const events = skipped.flatMap(({ index }) => batch[index] ?? []);
  const record = recordOf(pipe, events, account, tries);
  return {
    ...record,
    id: `${record.id}s`,
    outcome: "skipped",
    reason: skipped[0]?.reason ?? null,
    excerpt: null,
  };
}

/** An event for which the filter failed. */
export function notEvaluated(pipe: string, { id }: { id: string }, reason: string): AttemptRecord {
  return { ...withoutRequest(pipe, id), outcome: "not_evaluated", try: 1, reason };
}

/** An event that failed for too long. */
export function givenUp(
  pipe: string,
  { id, tries }: Pick<Retry, "id" | "tries">,
  reason: string,
): AttemptRecord {
  return { ...withoutRequest(pipe, id), outcome: "given_up", try: tries + 1, reason };
}

/** The part that is the same whenever no request was made. */
function withoutRequest(pipe: string, event: string): Omit<AttemptRecord, "outcome" | "try" | "reason"> {
  const at = Date.now();
  const id = `${pipe}.${newId(at)}`;
  return { id, events: [event], n: 1, at, status: null, took: 0, excerpt: null };
}

/**
 * Writes to the log of deliveries. The log decides nothing, so nobody waits for it but the next write and the round's
 * end, and a failure is only reported: it must not make the pipe send anything again.
 */
export async function writeLog(round: Round, log: readonly AttemptRecord[]): Promise<void> {
  if (log.length === 0) return;
  await round.logging.done;
  round.logging.done = write(round, log);
}

async function write({ env, pipe }: Round, log: readonly AttemptRecord[]): Promise<void> {
  try {
    await noteAttempts(storeOf(env), pipe.record.id, log);
  } catch (error) {
    console.error({ message: "attempts could not be logged", attempts: log.length, error: String(error) });
  }
}
