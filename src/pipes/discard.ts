// Letting go of events that a destination will not take any more: those that wait for another try and, if a person says
// so, those that the pipe has not looked at yet.

import { ok, type Result } from "../lib/result.ts";
import { storeOf } from "../store/db.ts";
import { endOfFeeds, positionAt } from "../store/events/feeds.ts";
import { countBetween } from "../store/feed-position.ts";
import { systemEventsBefore, systemEventsEnd } from "../store/pipes/system-events.ts";
import { shardsOf } from "../store/shards.ts";
import type { PipeFailure } from "./failure.ts";
import { startedPipe } from "./manage.ts";
import { findPipe } from "./show.ts";

/** What to let go. */
export interface DiscardWish {
  /** Only events received before, ms; null for all. */
  before: number | null;
  /** Also those that the pipe has not looked at yet. */
  behind: boolean;
  dryRun: boolean;
}

/** How many were let go, or would be. */
export interface Discarded {
  waiting: number;
  behind: number;
}

/** Lets go of a pipe's events. What is under way at that moment may still arrive. */
export async function discardWaiting(
  env: Env,
  id: string,
  { before, behind, dryRun }: DiscardWish,
): Promise<Result<Discarded, PipeFailure>> {
  const record = await findPipe(storeOf(env), id);
  if (!record.ok) return record;
  const shards = shardsOf(env);
  const [events, notices] =
    before === null
      ? await Promise.all([endOfFeeds(shards), systemEventsEnd(shards)])
      : await Promise.all([positionAt(shards, before, 0), systemEventsBefore(shards, before)]);
  const pipe = await startedPipe(env, record.value);
  const from = (await pipe.health())?.positions.events;
  const left = behind && from !== undefined ? countBetween(from, events) : 0;
  const last = { events, notices };
  const waiting = await pipe.discard(last, behind ? { events, notices } : null, dryRun);
  return ok({ waiting, behind: left });
}
