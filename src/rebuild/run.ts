// Rebuilds a database from the archive and the journal, in bounded steps that any request or scheduled run may take. Each
// object of the bucket is restored, then the cursor moves; a process that ends in between leaves an object that is restored
// again, which changes nothing. An object at which processes end again and again is passed over and named.

import { configOf } from "../config/config.ts";
import { describeError, isOutage } from "../lib/outage.ts";
import { ACTS, ARCHIVE, DEAD_LETTERS, ERASURES } from "../store/bucket/layout.ts";
import { storeOf } from "../store/db.ts";
import { endNameless } from "../store/rebuild/erasures.ts";
import {
  endPhase,
  forgiveTries,
  isRunning,
  movedOn,
  noteTry,
  passOver,
  readRebuild,
  type Rebuild,
} from "../store/rebuild/rebuilds.ts";
import { restoreEvents, restoreSuppressions } from "./archive.ts";
import { restoreDeadLetters } from "./dead-letters.ts";
import { lookUpErased } from "./erased.ts";
import { askContacts, restoreActs, restoreErasures } from "./journal.ts";
import { restorePipes } from "./pipes.ts";
import { eachObject, type RestoreObject, type Run } from "./step.ts";

/** The phases that read a prefix of the bucket object by object. */
const WALKS: Partial<Record<Rebuild["phase"], { prefix: string; restore: RestoreObject }>> = {
  erasures: { prefix: ERASURES, restore: restoreErasures },
  acts: { prefix: ACTS, restore: restoreActs },
  suppressions: { prefix: ARCHIVE, restore: restoreSuppressions },
  events: { prefix: ARCHIVE, restore: restoreEvents },
  "dead letters": { prefix: DEAD_LETTERS, restore: restoreDeadLetters },
};

/** How often work at one place begins before it is passed over: more often than requests that work side by side. */
const MOST_TRIES = 8;

/** The row of the latest rebuild, after this run's share of the work: null if there was none. `until`: ms. */
export async function continueRebuild(env: Env, until: number): Promise<Rebuild | null> {
  const asked = new Set<string>();
  for (;;) {
    const rebuild = await readRebuild(storeOf(env));
    if (rebuild === null || !isRunning(rebuild) || Date.now() >= until) return rebuild;
    const config = configOf(env);
    // Anew for each phase, because the first one brings back whom to look for.
    const erased = await lookUpErased(env, config, Date.now());
    const isDone = await tryPhase({ env, config, erased, asked, until }, rebuild);
    if (!isDone && Date.now() < until) return await readRebuild(storeOf(env)); // another run is at work
  }
}

/** Works on the phase, and ends it at its end. Resolves to whether it did. */
async function tryPhase(run: Run, rebuild: Rebuild): Promise<boolean> {
  const db = storeOf(run.env);
  const walk = WALKS[rebuild.phase];
  if (rebuild.tries >= MOST_TRIES && walk !== undefined) {
    const after = rebuild.cursor === "" ? {} : { startAfter: rebuild.cursor };
    const [next] = (await run.env.BUCKET.list({ prefix: walk.prefix, limit: 1, ...after })).objects;
    if (next !== undefined) {
      console.error({ message: "a rebuild passed over an object", key: next.key });
      await passOver(db, rebuild, next.key);
      return true;
    }
  }
  await noteTry(db, rebuild);
  const begun = { ...rebuild, tries: rebuild.tries + 1 };
  try {
    const ended =
      walk === undefined ? await others(run, begun) : await eachObject(run, begun, walk.prefix, walk.restore);
    if (ended.isDone) await endPhase(db, ended.rebuild, Date.now());
    return ended.isDone;
  } catch (error) {
    const now = await readRebuild(db);
    if (now !== null && isOutage(error)) await forgiveTries(db, now);
    if (isOutage(error)) throw error;
    console.error({
      message: "a rebuild could not restore an object",
      phase: rebuild.phase,
      ...describeError(error),
    });
    return true;
  }
}

/** The phases that read no prefix. */
async function others(run: Run, rebuild: Rebuild): Promise<{ rebuild: Rebuild; isDone: boolean }> {
  const db = storeOf(run.env);
  if (rebuild.phase === "contacts") {
    const isDone = await askContacts(run, rebuild);
    return { rebuild: (await readRebuild(db)) ?? rebuild, isDone };
  }
  const pipes = await restorePipes(run, rebuild);
  await db.batch([movedOn(db, rebuild, "~", { pipes }), endNameless(db, Date.now())]);
  return { rebuild: { ...rebuild, cursor: "~" }, isDone: true };
}
