// Wakes the pipes after something was stored, and once a minute in any case, so that a lost call holds nothing up.

import { checkJurisdiction, pipeOf } from "../config/objects.ts";
import { storeOf } from "../store/db.ts";
import { BEGINNING, type FeedPosition } from "../store/feed-position.ts";
import { describeError } from "../lib/outage.ts";
import { forgetAttempts } from "../store/pipes/delivery-log.ts";
import { forgetPipe, listPipeStates, type PipeState } from "../store/pipes/pipes.ts";
import { keepAnnounced } from "../store/pipes/announced.ts";
import { forgetSystemEvents, systemEventsEnd } from "../store/pipes/system-events.ts";
import { shardsOf } from "../store/shards.ts";

/** How long an isolate uses its list of pipes before it reads it again, ms. */
export const PIPES_KNOWN_FOR = 5_000;

const known = new WeakMap<object, { ids: string[]; until: number }>();

/**
 * Wakes all running pipes. Never rejects: the events are stored, and the next minute wakes the pipes again. `now`: ms.
 */
export async function wakePipes(env: Env, now: number): Promise<void> {
  try {
    const list = known.get(storeOf(env));
    const ids = list !== undefined && list.until > now ? list.ids : await runningPipes(env);
    if (ids !== list?.ids) known.set(storeOf(env), { ids, until: now + PIPES_KNOWN_FOR });
    if (ids.length > 0) await checkJurisdiction(env);
    await Promise.all(ids.map(async (id) => await pipeOf(env, id).wake()));
  } catch (error) {
    console.error({ message: "the pipes were not woken", ...describeError(error) });
  }
}

async function runningPipes(env: Env): Promise<string[]> {
  return (await listPipeStates(storeOf(env))).flatMap(({ id, state }) => (state === "running" ? [id] : []));
}

/** The scheduled work: wakes the pipes, and deletes what they do not need any more. `now`: ms. */
export async function maintainPipes(env: Env, now: number): Promise<void> {
  const shards = shardsOf(env);
  // If a database does not answer, the pipes are woken all the same, and what is below fails.
  const end = shards.all.length === 1 ? BEGINNING : await systemEventsEnd(shards).catch(() => BEGINNING);
  const states = await listPipeStates(shards.home);
  const pipes = states.filter(({ state }) => state !== "deleted");
  if (pipes.length > 0) await checkJurisdiction(env);
  const positions = await Promise.all(
    pipes.map(async (pipe): Promise<[string, FeedPosition]> => [pipe.id, await wakeAndLocate(env, pipe)]),
  );
  for (const { id } of pipes) await forgetAttempts(storeOf(env), id, now);
  for (const { id, state } of states) if (state === "deleted") await clearAway(env, id);
  await keepAnnounced(shards, { any: states.length > 0, now });
  await forgetSystemEvents(shards, { pipes: new Map(positions), end }, now);
}

/**
 * Wakes the pipe if it runs. Returns its position among system events, also of a paused one: it will want what is
 * behind.
 */
async function wakeAndLocate(env: Env, { id, state, start }: PipeState): Promise<FeedPosition> {
  const pipe = pipeOf(env, id);
  if (state === "running" && !(await pipe.wake())) await pipe.begin(id, start); // creating it was cut off
  return await pipe.systemEventsPosition();
}

/**
 * Deletes what is left of a deleted pipe: its object, its log, then its row. If it breaks off, the next minute does the
 * rest.
 */
export async function clearAway(env: Env, id: string): Promise<void> {
  await pipeOf(env, id).destroy();
  if (await forgetAttempts(storeOf(env), id, null)) await forgetPipe(storeOf(env), id);
}
