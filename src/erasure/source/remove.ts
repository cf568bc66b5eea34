// Removes all data of a source, such as test data before going live, in steps that any run can resume. A first pass
// removes what is stored; a second one, twenty minutes later, what was on its way then. What is received after the
// request stays.

import { describeError } from "../../lib/outage.ts";
import { newId } from "../../lib/time-id.ts";
import { storeOf } from "../../store/db.ts";
import {
  finishRemoval,
  getRemoval,
  moveRemoval,
  openRemoval,
  runningRemovals,
  type Removal,
} from "../../store/erasure/removals.ts";
import { doStep, SETTLES } from "./steps.ts";

/** For how long a request and a scheduled run begin further steps, ms. */
const IN_REQUEST = 5_000;
const IN_RUN = 20_000;
/** Most removals that a scheduled run continues. */
const MOST_AT_ONCE = 10;

/** When the second pass of a running removal may begin, ms. */
export function removalSettlesAt({ until }: Pick<Removal, "until">): number {
  return until + SETTLES;
}

/**
 * Requests the removal of everything that a source has sent until `now` (ms), and does this request's share of the work.
 * A repeated request begins a removal under way again, up to the new time. `by`: the name of the token.
 */
export async function removeSource(env: Env, source: string, by: string, now: number): Promise<Removal> {
  const opened = await openRemoval(storeOf(env), { id: newId(now), source, asked_at: now, asked_by: by });
  await advance(env, opened, IN_REQUEST, now);
  return (await getRemoval(storeOf(env), opened.id)) ?? opened;
}

/** Does a scheduled run's share of all removals under way. `now`: ms. Returns how many it continued. */
export async function continueRemovals(env: Env, now: number): Promise<number> {
  const running = await runningRemovals(storeOf(env), MOST_AT_ONCE);
  let failed: unknown;
  for (const removal of running) {
    try {
      await advance(env, removal, IN_RUN / running.length, now);
    } catch (error) {
      failed = error; // the others go on
      console.error({ message: "a removal waits", removal: removal.id, ...describeError(error) });
    }
  }
  if (failed !== undefined) throw failed;
  return running.length;
}

async function advance(env: Env, removal: Removal, most: number, now: number): Promise<void> {
  const began = performance.now();
  for (let at: Removal | null = removal; at !== null && performance.now() - began < most;) {
    const stepped = await doStep(env, at, now);
    if (stepped === null) {
      if (at.pass === 2) await finishRemoval(storeOf(env), at, now);
      return;
    }
    at = await moveRemoval(storeOf(env), at, stepped.to, stepped.found);
  }
}
