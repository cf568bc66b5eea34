// Pipes as people see them: what was set, and how they are doing.

import { pipeOf } from "../config/objects.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import type { Db } from "../store/db.ts";
import { endOfFeeds } from "../store/events/feeds.ts";
import { countBetween, encodePosition, type FeedPosition } from "../store/feed-position.ts";
import { getPipe, listPipes, type PipeRecord } from "../store/pipes/pipes.ts";
import type { Shards } from "../store/shards.ts";
import { describeCondition, statusOf, type PipeStatus } from "./condition.ts";
import type { PipeFailure } from "./failure.ts";
import type { Retry } from "./retries.ts";
import { shownSettings } from "./settings.ts";
import type { PipeHealth } from "./state.ts";

/** How many waiting events are listed. */
const MOST_WAITING = 1_000;

/** A pipe with its health. Of its URLs the settings show words of the path: `maskSettings` is for those who see the host. */
export interface ShownPipe {
  record: PipeRecord;
  /** Names of its secret settings; their values are never shown. */
  secrets: string[];
  /** When the secrets end that were replaced and still sign, ms; null for no end. */
  olderSecrets: (number | null)[];
  status: PipeStatus;
  /** The status in a sentence. */
  condition: string;
  /** Null if the pipe has not begun. */
  health: ShownHealth | null;
}

/** A pipe's health with its place in the feed of events. */
export interface ShownHealth extends Omit<PipeHealth, "positions"> {
  /** A cursor of the feed: everything before it is done, or waits to be tried again. */
  position: string;
  /** How many events it has not looked at yet. */
  behind: number;
}

/** All pipes, the oldest first. The databases may be replicas. */
export async function showPipes(env: Env, shards: Shards): Promise<ShownPipe[]> {
  const [records, end] = await Promise.all([listPipes(shards.home), endOfFeeds(shards)]);
  return await Promise.all(records.map(async (record) => await showRecord(env, record, end)));
}

/** One pipe. */
export async function showPipe(
  env: Env,
  shards: Shards,
  id: string,
): Promise<Result<ShownPipe, PipeFailure>> {
  const record = await findPipe(shards.home, id);
  return record.ok ? ok(await showRecord(env, record.value, await endOfFeeds(shards))) : record;
}

/** A pipe's events that failed alone, the next ones first. */
export async function showWaiting(env: Env, db: Db, id: string): Promise<Result<Retry[], PipeFailure>> {
  const record = await findPipe(db, id);
  return record.ok ? ok(await pipeOf(env, id).waiting(MOST_WAITING)) : record;
}

/** The pipe with this id. */
export async function findPipe(db: Db, id: string): Promise<Result<PipeRecord, PipeFailure>> {
  const record = await getPipe(db, id);
  return record === null ? fail({ code: "no_pipe", id: null }) : ok(record);
}

/** A pipe with its health. `end`: the end of the feeds of events. */
export async function showRecord(env: Env, record: PipeRecord, end: FeedPosition): Promise<ShownPipe> {
  const health = await pipeOf(env, record.id).health();
  const { settings, secrets, olderSecrets } = await shownSettings(env, record, Date.now());
  return {
    record: { ...record, settings },
    secrets,
    olderSecrets,
    status: statusOf(record.paused, health),
    condition: describeCondition(record.paused, health),
    health: health === null ? null : withPlace(health, end),
  };
}

function withPlace({ positions, ...health }: PipeHealth, end: FeedPosition): ShownHealth {
  const { events } = positions;
  return { ...health, position: encodePosition(events), behind: countBetween(events, end) };
}
