// One request's share of a recount: it begins or continues the recount, walks a bounded part of the feed, and compares
// once the whole feed is counted. Several databases are recounted one after the other, because each has counters of its
// own. An id that ends in a number says in which of them the recount goes on, so that none is compared twice.

import { newId } from "../../lib/time-id.ts";
import { fail, ok, type Result } from "../../lib/result.ts";
import type { Range } from "../../model/stats/counts.ts";
import type { Db } from "../db.ts";
import type { Shard, Shards } from "../shards.ts";
import {
  beginRecount,
  compareRecount,
  stepRecount,
  type CounterDifference,
  type Progress,
} from "./recount.ts";

/** Most steps of one call: 100,000 events. */
const MOST_STEPS = 20;
/** A comparison takes as many queries as so many steps, and a request may make a thousand. */
const STEPS_OF_COMPARISON = 5;

/** The state of a recount. */
export interface RecountState {
  /** Continues it. */
  id: string;
  isDone: boolean;
  /** The number of the database where it is, and how far it has come there. */
  shard: number;
  progress: Progress;
  /** How many databases this call has compared. */
  compared: number;
  /** The counters that differ in these databases (the list may be cut), and how many there are. */
  differences: (CounterDifference & { shard: number })[];
  total: number;
}

/** Why a recount cannot go on: `unknown`, another one replaced it; `disturbed`, rows of its days were removed. */
export type NoRecount = "unknown" | "disturbed";

/** The form of a recount's id; the number is that of the database where it goes on, if this is not the first one. */
export const RECOUNT_ID = /^([0-9a-z]{26})(?:\.([1-9]\d{0,2}))?$/;

/** Begins a recount of a range (ms), or continues the one with this id. `apply`: corrects the counters that differ. */
export async function runRecount(
  shards: Shards,
  asked: (Range | { id: string }) & { apply: boolean },
): Promise<Result<RecountState, NoRecount>> {
  const [, id = newId(Date.now()), number = "0"] = "id" in asked ? (RECOUNT_ID.exec(asked.id) ?? []) : [];
  const begun = shards.all[Number(number)];
  if (begun === undefined) return fail("unknown");
  let shard: Shard = begun;
  if (!("id" in asked)) await beginRecount(shard.db, id, asked);
  const found: Pick<RecountState, "compared" | "differences" | "total"> = {
    compared: 0,
    differences: [],
    total: 0,
  };
  for (let left = MOST_STEPS; ; left -= STEPS_OF_COMPARISON) {
    const share = await recountOne(shard.db, id, asked.apply, left);
    if (!share.ok) return share;
    const { index }: Shard = shard;
    const { progress, result, steps } = share.value;
    const state = { shard: index, progress, ...found };
    if (result === null) return ok({ ...state, id: idAt(id, index), isDone: false });
    left -= steps;
    found.compared += 1;
    found.total += result.total;
    found.differences.push(...result.differences.map((difference) => ({ ...difference, shard: index })));
    const done = { ...state, ...found };
    const next: Shard | undefined = shards.all[index + 1];
    if (next === undefined) return ok({ ...done, id: idAt(id, index), isDone: true });
    await beginRecount(next.db, id, progress);
    if (left <= STEPS_OF_COMPARISON) return ok({ ...done, id: idAt(id, next.index), isDone: false });
    shard = next;
  }
}

const idAt = (id: string, shard: number): string => (shard === 0 ? id : `${id}.${shard}`);

/** What a call has done in one database. */
interface Share {
  progress: Progress;
  /** Null as long as the comparison is ahead. */
  result: { differences: CounterDifference[]; total: number } | null;
  steps: number;
}

async function recountOne(
  db: Db,
  id: string,
  apply: boolean,
  most: number,
): Promise<Result<Share, NoRecount>> {
  for (let steps = 1; ; steps++) {
    const counted = usable(await stepRecount(db, id));
    if (!counted.ok) return counted;
    const walked = counted.value.position >= counted.value.last;
    const compared = walked ? await compareRecount(db, id, apply) : null;
    const progress = walked ? usable(compared?.progress ?? null) : counted;
    if (!progress.ok) return progress;
    const differences = compared?.differences ?? null; // also null if events were stored in between
    const result = differences === null ? null : { differences, total: compared?.total ?? 0 };
    if (result !== null || steps >= most) return ok({ progress: progress.value, result, steps });
  }
}

function usable(progress: Progress | null): Result<Progress, NoRecount> {
  if (progress === null) return fail("unknown");
  return progress.disturbed ? fail("disturbed") : ok(progress);
}
