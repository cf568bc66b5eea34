// One request's share of a recount: it begins one or goes on with it, walks a bounded part of the feed, and compares once
// all of it is counted.

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

/** Steps that one call takes at most: 100,000 events. */
const MOST_STEPS = 20;

/** How far a recount is; `found` is null while it is running. */
export interface RecountState {
  id: string;
  progress: Progress;
  /** The counters that differ, not all of them listed, and how many there are. */
  found: { differences: CounterDifference[]; total: number } | null;
}

/** Why a recount cannot go on: another one replaced it, or rows of its days were removed meanwhile. */
export type NoRecount = "unknown" | "disturbed";

/** Begins a recount of a range (ms), or goes on with one by its id. `apply`: puts right what differs as it compares. */
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
    const differences = compared?.differences ?? null; // null, too, where events came in between
    const found = differences === null ? null : { differences, total: compared?.total ?? 0 };
    if (found !== null || step >= MOST_STEPS) return ok({ id, progress: progress.value, found });
  }
}

function usable(progress: Progress | null): Result<Progress, NoRecount> {
  if (progress === null) return fail("unknown");
  return progress.disturbed ? fail("disturbed") : ok(progress);
}
