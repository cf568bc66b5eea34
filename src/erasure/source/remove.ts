// Removes all data of a source, such as test data before going live, in steps that any run can resume. A first pass
// removes what is stored; a second one, twenty minutes later, what was on its way then. What is received after the
// request stays. If it repeated a report that was about to go, it was not stored: so a third pass, again twenty minutes
// later, looks at what came meanwhile, and stores what repeats nothing any more.

import { configOf } from "../../config/config.ts";
import { describeError } from "../../lib/outage.ts";
import { newId } from "../../lib/time-id.ts";
import { storeOf } from "../../store/db.ts";
import {
  finishRemoval,
  getRemoval,
  moveRemoval,
  noteEmptied,
  openRemoval,
  runningRemovals,
  type Removal,
} from "../../store/erasure/removals.ts";
import { doStep, passBegins, type RepeatsStep } from "./steps.ts";

/** For how long a request and a scheduled run begin further steps, ms. */
const IN_REQUEST = 5_000;
const IN_RUN = 20_000;
/** Most removals that a scheduled run continues. */
const MOST_AT_ONCE = 10;

/** A request does not reach the third pass. */
const NO_REPEATS: RepeatsStep = () => Promise.resolve(null);

/** When the next pass of a running removal may begin, ms. */
export function removalSettlesAt(removal: Pick<Removal, "until" | "emptied_at">): number {
  return passBegins(removal);
}

/**
 * Requests the removal of everything that a source has sent until `now` (ms), and does this request's share of the work.
 * A repeated request begins a removal under way again, up to the new time. `by`: the name of the token.
 */
export async function removeSource(env: Env, source: string, by: string, now: number): Promise<Removal> {
  const provider = configOf(env).sources.get(source)?.provider?.id ?? null;
  const asked = { id: newId(now), source, provider, asked_at: now, asked_by: by };
  const opened = await openRemoval(storeOf(env), asked);
  await advance(env, opened, { most: IN_REQUEST, now, stepRepeats: NO_REPEATS });
  return (await getRemoval(storeOf(env), opened.id)) ?? opened;
}

/** Does a scheduled run's share of all removals under way. `now`: ms. Returns how many it continued. */
export async function continueRemovals(env: Env, now: number, stepRepeats: RepeatsStep): Promise<number> {
  const running = await runningRemovals(storeOf(env), MOST_AT_ONCE);
  let failed: unknown;
  for (const removal of running) {
    try {
      await advance(env, removal, { most: IN_RUN / running.length, now, stepRepeats });
    } catch (error) {
      failed = error; // the others go on
      console.error({ message: "a removal waits", removal: removal.id, ...describeError(error) });
    }
  }
  if (failed !== undefined) throw failed;
  return running.length;
}

/** What a run may do: for how long it begins further steps, ms; its time, ms; and the step of the third pass. */
interface Share {
  most: number;
  now: number;
  stepRepeats: RepeatsStep;
}

async function advance(env: Env, removal: Removal, { most, now, stepRepeats }: Share): Promise<void> {
  const began = performance.now();
  for (let at: Removal | null = removal; at !== null && performance.now() - began < most;) {
    const stepped = await doStep(env, at, now, stepRepeats);
    if (stepped === null) {
      if (at.phase === "wait" && at.pass === 2) await noteEmptied(storeOf(env), at, now);
      if (at.phase === "wait" && at.pass === 3) await finishRemoval(storeOf(env), at, now);
      return;
    }
    at = await moveRemoval(storeOf(env), at, stepped.to, stepped.found);
  }
}
