// Removes all data of a source, such as test data before going live, in steps that any run can resume. A first pass
// removes what is stored; a second one, twenty minutes later, what was on its way then. What is received after the
// request stays. If it repeated a report that was about to go, it was not stored: so a third pass, again twenty minutes
// later, looks at what came meanwhile, and stores what repeats nothing any more.

import { configOf } from "../../config/config.ts";
import { describeError } from "../../lib/outage.ts";
import { newId } from "../../lib/time-id.ts";
import {
  addUpRemovals,
  finishRemoval,
  finishRemovalPart,
  getRemoval,
  moveRemoval,
  noteEmptied,
  openRemoval,
  openRemovalPart,
  runningRemovals,
  type Removal,
} from "../../store/erasure/removals.ts";
import { shardsOf, type Shards } from "../../store/shards.ts";
import { doStep, passBegins, type RepeatsStep, type Where } from "./steps.ts";

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
export async function removeSource(
  env: Env,
  source: string,
  by: string,
  now: number,
  shards: Shards = shardsOf(env),
): Promise<Removal> {
  const provider = configOf(env).sources.get(source)?.provider?.id ?? null;
  const asked = { id: newId(now), source, provider, asked_at: now, asked_by: by };
  const opened = await openRemoval(shards.home, asked);
  await advance({ env, shards, now, stepRepeats: NO_REPEATS }, opened, IN_REQUEST);
  const [sum] = await addUpRemovals(shards, [(await getRemoval(shards.home, opened.id)) ?? opened]);
  return sum ?? opened;
}

/** Does a scheduled run's share of all removals under way. `now`: ms. Returns how many it continued. */
export async function continueRemovals(
  env: Env,
  now: number,
  stepRepeats: RepeatsStep,
  shards: Shards = shardsOf(env),
): Promise<number> {
  const running = await runningRemovals(shards.home, MOST_AT_ONCE);
  let failed: unknown;
  for (const removal of running) {
    try {
      await advance({ env, shards, now, stepRepeats }, removal, IN_RUN / running.length);
    } catch (error) {
      failed = error; // the others go on
      console.error({ message: "a removal waits", removal: removal.id, ...describeError(error) });
    }
  }
  if (failed !== undefined) throw failed;
  return running.length;
}

/** A run: the bindings, the shards, its time, ms, and the step of the third pass. */
interface Run {
  env: Env;
  shards: Shards;
  now: number;
  stepRepeats: RepeatsStep;
}

/**
 * Continues a removal for about `most` ms. Where there are several shards, each but the home has a part of it, with a row
 * of its own that records how far it has come and what it removed. The third pass begins when all parts have ended.
 */
async function advance(run: Run, removal: Removal, most: number): Promise<void> {
  const { env, shards, now } = run;
  const share = most / shards.all.length;
  let isOpen = false;
  for (const { db } of removal.pass === 3 ? [] : shards.all.slice(1)) {
    const part = await openRemovalPart(db, removal);
    if (part.finished_at !== null) continue;
    const left = await advanceIn({ env, db, isHome: false }, run, part, share);
    if (left?.pass === 2 && left.phase === "wait") await finishRemovalPart(db, left, now);
    else isOpen = true;
  }
  const left = await advanceIn({ env, db: shards.home, isHome: true }, run, removal, share);
  if (left?.phase !== "wait") return;
  if (left.pass === 2 && !isOpen) await noteEmptied(shards.home, left, now);
  if (left.pass === 3) await finishRemoval(shards.home, left, now);
}

/** Continues a removal in one shard. Resolves to where it waits, or is through; null if it has begun again or ended. */
async function advanceIn(
  where: Where,
  { now, stepRepeats }: Run,
  removal: Removal,
  most: number,
): Promise<Removal | null> {
  const began = performance.now();
  let at: Removal | null = removal;
  while (at !== null && performance.now() - began < most) {
    const stepped = await doStep(where, at, now, stepRepeats);
    if (stepped === null) return at;
    at = await moveRemoval(where.db, at, stepped.to, stepped.found);
  }
  return null;
}
