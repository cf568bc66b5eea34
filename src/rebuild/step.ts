// What the phases of a rebuild share: each works off the objects of a prefix one by one, and moves the cursor behind each.

import type { Config } from "../config/config.ts";
import { storeOf } from "../store/db.ts";
import { movedOn, readRebuild, type Rebuild, type RebuildCounts } from "../store/rebuild/rebuilds.ts";
import type { ErasedLookup } from "./erased.ts";

/** What a run of the rebuild knows while it works. */
export interface Run {
  env: Env;
  config: Config;
  erased: ErasedLookup;
  /** Contacts whose objects this run has asked; a bounded number of them. */
  asked: Set<string>;
  /** Until when a run begins new work, ms. */
  until: number;
}

/** Restores what one object holds. Returns what to count, or null if it has moved the cursor itself. */
export type RestoreObject = (
  run: Run,
  key: string,
  rebuild: Rebuild,
) => Promise<Partial<RebuildCounts> | null>;

/** Objects of one list call. */
const PAGE = 200;

/**
 * Works off the objects behind the cursor until the time is up, or another run has moved the cursor. Resolves to whether
 * the end of the prefix is reached, and to the row as it is then.
 */
export async function eachObject(
  run: Run,
  start: Rebuild,
  prefix: string,
  restore: RestoreObject,
): Promise<{ rebuild: Rebuild; isDone: boolean }> {
  let rebuild = start;
  for (;;) {
    const after = rebuild.cursor === "" ? {} : { startAfter: rebuild.cursor };
    const page = await run.env.BUCKET.list({ prefix, limit: PAGE, ...after });
    for (const { key } of page.objects) {
      if (Date.now() >= run.until) return { rebuild, isDone: false };
      const found = await restore(run, key, rebuild);
      if (found !== null) await movedOn(storeOf(run.env), rebuild, key, found).run();
      const now = await readRebuild(storeOf(run.env));
      if (now === null || now.id !== start.id || now.phase !== start.phase || now.cursor !== key)
        return { rebuild: now ?? rebuild, isDone: false };
      if (now.stopped_at !== null) return { rebuild: now, isDone: false };
      rebuild = now;
    }
    if (!page.truncated) return { rebuild, isDone: true };
  }
}
