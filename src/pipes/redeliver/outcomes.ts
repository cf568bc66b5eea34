// Passing events on again by what became of them: those that were given up, and no others. The log of deliveries knows
// them for as long as it lives.

import { pipeOf } from "../../config/objects.ts";
import { fail, ok, type Result } from "../../lib/result.ts";
import { storeOf } from "../../store/db.ts";
import { ATTEMPTS_LIVE, eventsByOutcome, type AttemptRecord } from "../../store/pipes/delivery-log.ts";
import type { PipeRecord } from "../../store/pipes/pipes.ts";
import type { PipeFailure } from "../failure.ts";
import { filtersOf, findEvents, passing, type Found } from "./found.ts";
import { startedPipe } from "../manage.ts";
import { MOST_WAITING } from "../redeliveries.ts";

/** How many events a pipe gets again. */
export interface RedeliveryCount {
  pipe: string;
  count: number;
  /** False if there are more than were looked through: 100,000 of the feed, 10,000 system events or by outcome. */
  complete: boolean;
  /** By outcome: how many are not stored any more. */
  missing?: number;
}

/** What came of it. `id` is null after a dry run. */
export interface RedeliveryResult {
  id: string | null;
  pipes: RedeliveryCount[];
}

/** Attempts that ended so from `from` until `to`, ms. The pipe's filter and this one narrow their events. */
export interface OutcomeScope {
  outcomes: readonly AttemptRecord["outcome"][];
  from: number;
  to: number | null;
  filter: string | null;
}

const PAGE = 500;
/** How many attempts are looked at, and how many events found, for all pipes of one request. */
const MOST_ATTEMPTS = 20_000;
const MOST_EVENTS = 10_000;

/** Since when the log of a pipe knows its failed attempts, ms. */
export function logBegins({ created_at }: Pick<PipeRecord, "created_at">, now: number): number {
  return Math.max(created_at, now - ATTEMPTS_LIVE);
}

/** What a request may still look at. */
interface Left {
  attempts: number;
  events: number;
}

/** Passes the events on again, or only counts them if `id` is null. */
export async function redeliverOutcomes(
  env: Env,
  pipes: readonly PipeRecord[],
  scope: OutcomeScope,
  id: string | null,
): Promise<Result<RedeliveryResult, PipeFailure>> {
  const left = { attempts: MOST_ATTEMPTS, events: MOST_EVENTS };
  const orders: { pipe: PipeRecord; found: Found[]; count: RedeliveryCount }[] = [];
  for (const pipe of pipes) {
    const { ids, complete } = await loggedEvents(env, pipe, scope, left);
    const stored = await findEvents(env, ids);
    const found = await passing(env, filtersOf([pipe.filter, scope.filter]), stored);
    const missing = ids.length - stored.length;
    orders.push({ pipe, found, count: { pipe: pipe.id, count: found.length, complete, missing } });
  }
  const wanted = id === null ? [] : orders.filter(({ found }) => found.length > 0);
  const full = ({ name }: PipeRecord): Result<never, PipeFailure> =>
    fail({ code: "too_many_waiting", name, most: MOST_WAITING });
  for (const { pipe, found } of wanted) {
    const { retries = 0 } = (await (await startedPipe(env, pipe)).health()) ?? {};
    if (retries + found.length > MOST_WAITING) return full(pipe);
  }
  for (const { pipe, found } of wanted)
    if (!(await pipeOf(env, pipe.id).redeliverEvents(found))) return full(pipe);
  return ok({ id, pipes: orders.map(({ count }) => count) });
}

/** The ids of the events in a pipe's log, each once. */
async function loggedEvents(
  env: Env,
  { id: pipe }: PipeRecord,
  { outcomes, from, to }: OutcomeScope,
  left: Left,
): Promise<{ ids: string[]; complete: boolean }> {
  const ids = new Set<string>();
  let after: string | null = null;
  do {
    if (left.attempts <= 0 || left.events <= ids.size) return { ids: [...ids], complete: false };
    const range = { pipe, outcomes, from, to: to ?? Date.now() + 1, after };
    const page = await eventsByOutcome(storeOf(env), range, PAGE);
    left.attempts -= PAGE;
    for (const event of page.events) ids.add(event);
    after = page.after;
  } while (after !== null);
  left.events -= ids.size;
  return { ids: [...ids], complete: true };
}
