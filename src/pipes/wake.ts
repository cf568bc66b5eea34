// Wakes the pipes after something was stored, and once a minute whatever happened, so that no lost call holds anything up.

import { describeError } from "../lib/outage.ts";
import { withOutages } from "../store/outages.ts";
import { forgetAttempts } from "../store/pipes/delivery-log.ts";
import { forgetSystemEvents } from "../store/pipes/system-events.ts";
import { forgetPipe, listPipeStates } from "../store/pipes/pipes.ts";

/** ms for which an isolate knows which pipes there are. */
export const PIPES_KNOWN_FOR = 5_000;

const known = new WeakMap<object, { ids: string[]; until: number }>();

/** Wakes all pipes that run. Never rejects: whoever stored something has stored it, and the next minute wakes them again. */
export async function wakePipes(bindings: Env, now: number): Promise<void> {
  const env = withOutages(bindings);
  try {
    const found = known.get(env.DB);
    const ids = found !== undefined && found.until > now ? found.ids : await runningPipes(env);
    if (ids !== found?.ids) known.set(env.DB, { ids, until: now + PIPES_KNOWN_FOR });
    await Promise.all(ids.map(async (id) => await env.PIPES.getByName(id).wake()));
  } catch (error) {
    console.error({ message: "the pipes were not woken", ...describeError(error) });
  }
}

async function runningPipes(env: Env): Promise<string[]> {
  return (await listPipeStates(env.DB)).flatMap(({ id, state }) => (state === "running" ? [id] : []));
}

/** A scheduled run's share: wakes them, and drops what nobody will read any more. `now`: ms. */
export async function maintainPipes(env: Env, now: number): Promise<void> {
  const states = await listPipeStates(env.DB);
  const pipes = states.filter(({ state }) => state !== "deleted");
  const places = await Promise.all(
    pipes.map(async ({ id, state, start }) => {
      const pipe = env.PIPES.getByName(id);
      if (state === "running" && !(await pipe.wake())) await pipe.begin(id, start); // who made it did not come so far
      return await pipe.systemEventsPosition(); // of a paused one, too: what it has not seen stays for it
    }),
  );
  const ids = pipes.map(({ id }) => id);
  await forgetSystemEvents(env.DB, Math.min(Number.MAX_SAFE_INTEGER, ...places), ids, now);
  for (const { id } of pipes) await forgetAttempts(env.DB, id, now);
  for (const { id, state } of states) if (state === "deleted") await clearAway(env, id);
}

/** Ends a deleted pipe: its object, its log, and with the last of that its row. Begun again by the next scheduled run. */
export async function clearAway(env: Env, id: string): Promise<void> {
  await env.PIPES.getByName(id).destroy();
  if (await forgetAttempts(env.DB, id, null)) await forgetPipe(env.DB, id);
}
