// One request's share of a recount: it begins or continues the recount, walks a bounded part of the feed, and compares
// once the whole feed is counted.

import { newId } from "../../lib/time-id.ts";
import { fail, ok, type Result } from "../../lib/result.ts";
import type { Range } from "../../model/stats/counts.ts";
import {
  beginRecount,
  compareRecount,
  stepRecount,
  type CounterDifference,
  type Progress,
} from "./recount.ts";

/** Most steps of one call: 100,000 events. */
const MOST_STEPS = 20;

/** The state of a recount. */
export interface RecountState {
  id: string;
  progress: Progress;
  /** The counters that differ (the list may be cut) and how many there are; null while the recount is running. */
  found: { differences: CounterDifference[]; total: number } | null;
}

/** Why a recount cannot go on: `unknown`, another one replaced it; `disturbed`, rows of its days were removed. */
export type NoRecount = "unknown" | "disturbed";

/** Begins a recount of a range (ms), or continues the one with this id. `apply`: corrects the counters that differ. */
export async function runRecount(
  db: D1Database,
  asked: (Range | { id: string }) & { apply: boolean },
): Promise<Result<RecountState, NoRecount>> {
  const id = "id" in asked ? asked.id : newId(Date.now());
  if (!("id" in asked)) await beginRecount(db, id, asked);
  for (let step = 1; ; step++) {
    const counted = usable(await stepRecount(db, id));
    if (!counted.ok) return counted;
    const walked = counted.value.position >= counted.value.last;
    const compared = walked ? await compareRecount(db, id, asked.apply) : null;
    const progress = walked ? usable(compared?.progress ?? null) : counted;
    if (!progress.ok) return progress;
    const differences = compared?.differences ?? null; // also null if events were stored in between
    const found = differences === null ? null : { differences, total: compared?.total ?? 0 };
    if (found !== null || step >= MOST_STEPS) return ok({ id, progress: progress.value, found });
  }
}

function usable(progress: Progress | null): Result<Progress, NoRecount> {
  if (progress === null) return fail("unknown");
  return progress.disturbed ? fail("disturbed") : ok(progress);
}
