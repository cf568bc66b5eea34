// Passing events on again: single ones, or a part of the feed. A dry run counts them and changes nothing.

import { pipeOf } from "../../config/objects.ts";
import { fail, ok, type Result } from "../../lib/result.ts";
import { newId } from "../../lib/time-id.ts";
import { storeOf } from "../../store/db.ts";
import { countFeeds, endOfFeeds, positionAt, readPart } from "../../store/events/feeds.ts";
import { moveBehind } from "../../store/feed-position.ts";
import { listPipes, type PipeRecord } from "../../store/pipes/pipes.ts";
import { shardsOf } from "../../store/shards.ts";
import type { PipeFailure } from "../failure.ts";
import type { Filter } from "../filter/filter.ts";
import { filtersOf, findEvents, findSystemEvents, passing, type Found } from "./found.ts";
import { startedPipe } from "../manage.ts";
import { MOST_REDELIVERIES, MOST_WAITING, type Redelivery } from "../redeliveries.ts";
import {
  redeliverOutcomes,
  type OutcomeScope,
  type RedeliveryCount,
  type RedeliveryResult,
} from "./outcomes.ts";
import { eventRow, viewOf } from "../rows.ts";
import { lookUp, passesFilters } from "../select.ts";

/** How many events of the feed are looked through to count those that match. */
const MOST_COUNTED = 100_000;
const PAGE_ROWS = 1_000;
/** Pages of large events are shorter. A page costs up to five queries, of the thousand that a request may make. */
const MOST_PAGES = 150;

/**
 * Events of mails and system events by their ids, whatever a pipe's filter says; those received from `from` until `to` (ms), which a filter may
 * narrow; or those of attempts that ended so at that time.
 */
export type RedeliveryScope = { events: readonly string[] } | OutcomeScope | PartOfFeed;

interface PartOfFeed {
  from: number;
  to: number | null;
  filter: string | null;
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
  if ("outcomes" in scope) return await redeliverOutcomes(env, pipes.value, scope, id);
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
  const stored = await findEvents(env, ids);
  const known = new Set(stored.map((event) => event.id));
  const unknown = ids.find((one) => !known.has(one));
  if (unknown !== undefined) return fail({ code: "no_event", id: unknown });
  if (id !== null) {
    const refused = await orderOf(env, pipes, {
      events: stored.length,
      order: async (pipe) => await pipe.redeliverEvents(stored),
    });
    if (refused !== null) return refused;
  }
  return ok({ id, pipes: pipes.map((pipe) => ({ pipe: pipe.id, count: stored.length, complete: true })) });
}

async function redeliverPart(
  env: Env,
  pipes: readonly PipeRecord[],
  { from, to, filter }: PartOfFeed,
  id: string | null,
): Promise<Result<RedeliveryResult, PipeFailure>> {
  const shards = shardsOf(env);
  const end = await endOfFeeds(shards);
  const after = await positionAt(shards, from, 0);
  const last = to === null ? end : await positionAt(shards, to, 0);
  const counts = await count(env, pipes, { after, last, filter });
  const { found, complete } = await findSystemEvents(env, { from, to }, MOST_WAITING);
  const own = new Map<string, Found[]>();
  for (const pipe of pipes) own.set(pipe.id, await passing(env, filtersOf([pipe.filter, filter]), found));
  if (id !== null) {
    for (const pipe of pipes) {
      const { asked = 0 } = (await (await startedPipe(env, pipe)).health()) ?? {};
      if (asked + (own.get(pipe.id) ?? []).length > MOST_WAITING) return full(pipe, 1);
    }
    const refused = await orderOf(env, pipes, {
      events: 0,
      order: async (pipe) => await pipe.redeliver({ id, after, last, filter }),
    });
    if (refused !== null) return refused;
    for (const pipe of pipes.filter((one) => (own.get(one.id) ?? []).length > 0))
      if (!(await pipeOf(env, pipe.id).redeliverEvents(own.get(pipe.id) ?? []))) return full(pipe, 1);
  }
  const both = counts.map((one) => ({
    ...one,
    count: one.count + (own.get(one.pipe) ?? []).length,
    complete: one.complete && complete,
  }));
  return ok({ id, pipes: both });
}

type PipeStub = Awaited<ReturnType<typeof startedPipe>>;

/**
 * Gives the order to all pipes, if each of them has room for it. `events`: how many single events, 0 for a part of the
 * feed. `order`: returns false if there is no room; an object of an earlier version returns nothing. Returns the failure
 * if one has no room. It may be full since it was asked; then those before it have the order.
 */
async function orderOf(
  env: Env,
  pipes: readonly PipeRecord[],
  { events, order }: { events: number; order: (pipe: PipeStub) => Promise<boolean | undefined> },
): Promise<Result<never, PipeFailure> | null> {
  for (const pipe of pipes) {
    const { redeliveries = 0, asked = 0 } = (await (await startedPipe(env, pipe)).health()) ?? {};
    const isFull = events > 0 ? asked + events > MOST_WAITING : redeliveries >= MOST_REDELIVERIES;
    if (isFull) return full(pipe, events);
  }
  for (const pipe of pipes) if ((await order(pipeOf(env, pipe.id))) === false) return full(pipe, events);
  return null;
}

const full = ({ name }: PipeRecord, events: number): Result<never, PipeFailure> =>
  fail({ code: events > 0 ? "too_many_waiting" : "too_many_redeliveries", name, most: MOST_REDELIVERIES });

/** A pipe with the filters that an event must pass to be counted for it. */
interface Counting {
  pipe: string;
  filters: Filter[];
  count: number;
}

/** Counts for each pipe the events of a part of the feed that its filter and the redelivery's let through. */
async function count(
  env: Env,
  pipes: readonly PipeRecord[],
  { after, last, filter }: Omit<Redelivery, "id">,
): Promise<RedeliveryCount[]> {
  const counting = pipes.map(({ id, filter: own }): Counting => ({
    pipe: id,
    filters: filtersOf([own, filter]),
    count: 0,
  }));
  const filtered = counting.filter(({ filters }) => filters.length > 0);
  const complete = await countFiltered(env, filtered, { after, last });
  if (filtered.length === counting.length)
    return counting.map((one) => ({ pipe: one.pipe, count: one.count, complete }));
  const all = await countFeeds(shardsOf(env), { after, last, most: MOST_COUNTED + 1 });
  return counting.map(({ pipe, filters, count }) =>
    filters.length > 0
      ? { pipe, count, complete }
      : { pipe, count: Math.min(all, MOST_COUNTED), complete: all <= MOST_COUNTED },
  );
}

/** Counts for all pipes in one walk of the feed. Returns whether it came to the end. */
async function countFiltered(
  env: Env,
  counting: readonly Counting[],
  { after, last }: Pick<Redelivery, "after" | "last">,
): Promise<boolean> {
  if (counting.length === 0) return true;
  const filters = counting.flatMap((one) => one.filters);
  let position = after;
  let looked = 0;
  for (let page = 0; page < MOST_PAGES && looked < MOST_COUNTED; page++) {
    const part = await readPart(shardsOf(env), { after: position, last, limit: PAGE_ROWS });
    const { events, more } = part;
    const viewed = events.map((event) => viewOf(eventRow(event)));
    const lookups = await lookUp(env, filters, viewed);
    for (const [index, event] of viewed.entries())
      for (const one of counting)
        if (passesFilters(one.filters, event, lookups[index] ?? {}) === true) one.count += 1;
    const end = events.at(-1);
    if (end === undefined || !more) return true;
    position = moveBehind(part.after, end);
    looked += events.length;
  }
  return false;
}
