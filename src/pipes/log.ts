// What the log of deliveries says of an attempt.
import type { AttemptRecord } from "../store/pipes/delivery-log.ts";
import { excerptOf, type Account } from "./attempt.ts";
import type { Piped } from "./dispatch.ts";
import type { Row } from "./select.ts";
import { newId } from "../lib/time-id.ts";
import type { Retry } from "./retries.ts";

/** An attempt that went over a wire. `tries`: which try it was of all of them, or of each. */
export function recordOf(
  pipe: string,
  batch: readonly Piped[],
  { id, outcome, exchanges, at, took }: Account,
  tries: number | ((id: string) => number),
): AttemptRecord {
  const events = batch.map(({ out }) => out.id);
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

/** An event that the filter could not be evaluated for. */
export function notEvaluated(pipe: string, { id }: Row, reason: string): AttemptRecord {
  return { ...entry(pipe), events: [id], n: 1, outcome: "not_evaluated", try: 1, reason };
}

/** An event that failed for too long. */
export function givenUp(pipe: string, { id, tries }: Retry, reason: string): AttemptRecord {
  return { ...entry(pipe), events: [id], n: 1, outcome: "given_up", try: tries + 1, reason };
}

/** Of what never went over a wire. */
function entry(pipe: string): Pick<AttemptRecord, "id" | "at" | "status" | "took" | "excerpt"> {
  const at = Date.now();
  const id = `${pipe}.${newId(at)}`;
  return { id, at, status: null, took: 0, excerpt: null };
}
