// Passing events on again: single ones, or a part of the feed. A dry run counts them and changes nothing.

import { fail, ok, type Result } from "../lib/result.ts";
import { newId } from "../lib/time-id.ts";
import { storeOf } from "../store/db.ts";
import { feedEnd, positionAt, readFeed, seqsOf } from "../store/events/events.ts";
import { moveBehind } from "../store/feed-position.ts";
import { listPipes, type PipeRecord } from "../store/pipes/pipes.ts";
import type { PipeFailure } from "./failure.ts";
import { compileFilter } from "./filter/filter.ts";
import { startedPipe } from "./manage.ts";
import { eventRow } from "./rows.ts";
import { select } from "./select.ts";
import type { Redelivery } from "./state.ts";

/** How many events of the feed are looked through to count those that match. */
const MOST_COUNTED = 100_000;
const PAGE_ROWS = 1_000;

/**
 * Events by their ids, whatever a pipe's filter says; or those received from `from` until `to` (ms), which a filter may
 * narrow.
 */
export type RedeliveryScope =
  | { events: readonly string[] }
  | { from: number; to: number | null; filter: string | null };

/** How many events a pipe gets again. `complete`: false if only the first 100,000 of the feed were looked through. */
export interface RedeliveryCount {
  pipe: string;
  count: number;
  complete: boolean;
}

/** What came of it. `id` is null after a dry run. */
export interface RedeliveryResult {
  id: string | null;
  pipes: RedeliveryCount[];
}

/** Passes events on again to the pipes with these ids. */
export async function redeliver(
  env: Env,
  ids: readonly string[],
  scope: RedeliveryScope,
  { dryRun }: { dryRun: boolean },
): Promise<Result<RedeliveryResult, PipeFailure>> {
  const pipes = await findPipes(env, ids);
  if (!pipes.ok) return pipes;
  const id = dryRun ? null : newId(Date.now());
  return "events" in scope
    ? await redeliverEvents(env, pipes.value, [...new Set(scope.events)], id)
    : await redeliverPart(env, pipes.value, scope, id);
}

async function findPipes(env: Env, ids: readonly string[]): Promise<Result<PipeRecord[], PipeFailure>> {
  const all = new Map((await listPipes(storeOf(env))).map((pipe) => [pipe.id, pipe]));
  const unknown = ids.find((id) => !all.has(id));
  if (unknown !== undefined) return fail({ code: "no_pipe", id: unknown });
  return ok([...new Set(ids)].flatMap((id) => all.get(id) ?? []));
}

async function redeliverEvents(
  env: Env,
  pipes: readonly PipeRecord[],
  ids: readonly string[],
  id: string | null,
): Promise<Result<RedeliveryResult, PipeFailure>> {
  const stored = await seqsOf(storeOf(env), ids);
  const known = new Set(stored.map((event) => event.id));
  const unknown = ids.find((one) => !known.has(one));
  if (unknown !== undefined) return fail({ code: "no_event", id: unknown });
  if (id !== null) for (const pipe of pipes) await (await startedPipe(env, pipe)).redeliverEvents(stored);
  return ok({ id, pipes: pipes.map((pipe) => ({ pipe: pipe.id, count: stored.length, complete: true })) });
}

async function redeliverPart(
  env: Env,
  pipes: readonly PipeRecord[],
  { from, to, filter }: Extract<RedeliveryScope, { from: number }>,
  id: string | null,
): Promise<Result<RedeliveryResult, PipeFailure>> {
  const end = await feedEnd(storeOf(env));
  const after = await positionAt(storeOf(env), from, 0);
  const last = to === null ? end : await positionAt(storeOf(env), to, 0);
  const counts: RedeliveryCount[] = [];
  for (const pipe of pipes) counts.push(await count(env, pipe, { after, last, filter }));
  if (id !== null)
    for (const pipe of pipes) await (await startedPipe(env, pipe)).redeliver({ id, after, last, filter });
  return ok({ id, pipes: counts });
}

/** Counts the events of a part of the feed that the pipe's filter and the redelivery's let through. */
async function count(
  env: Env,
  pipe: PipeRecord,
  { after, last, filter }: Omit<Redelivery, "id">,
): Promise<RedeliveryCount> {
  const own = pipe.filter === null ? null : compileFilter(pipe.filter);
  const form = { filter: own?.ok === true ? own.value : null, form: "event" as const };
  let position = after;
  let matching = 0;
  for (let looked = 0; looked < MOST_COUNTED; looked += PAGE_ROWS) {
    const events = await readFeed(storeOf(env), { after: position, last, limit: PAGE_ROWS });
    matching += (await select(env, form, events.map(eventRow), filter)).passed.length;
    const end = events.at(-1);
    if (end === undefined || events.length < PAGE_ROWS)
      return { pipe: pipe.id, count: matching, complete: true };
    position = moveBehind(position, end);
  }
  return { pipe: pipe.id, count: matching, complete: false };
}
