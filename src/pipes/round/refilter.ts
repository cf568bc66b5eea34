// Lets go of waiting events that a changed filter does not let through any more: whoever narrows a filter means what waits
// as well. Events that a person asked for keep waiting, whatever the filter says.

import { readSeqs } from "../../store/events/feeds.ts";
import { readSystemEventSeqs } from "../../store/pipes/system-events.ts";
import { shardsOf } from "../../store/shards.ts";
import { eventRow, systemEventRow, type Row } from "../rows.ts";
import { select } from "../select.ts";
import type { Retry } from "../retries.ts";
import type { Progress, Round } from "./context.ts";
import { notEvaluated, writeLog } from "./log.ts";

/** How many are looked at in one round. */
const PAGE = 200;

/** Looks at the next of them. `more`: until all were looked at, nothing else is to be done. */
export async function refilterWaiting(round: Round): Promise<Progress> {
  const { env, pipe, retries, state } = round;
  const begun = state.current().refilter ?? null;
  if (begun === null || pipe.record.revision < begun.revision) return "idle";
  const waiting = retries.unasked(begun, PAGE);
  const rows = await readRows(round, waiting);
  const { passed, failed } = await select(env, pipe, rows);
  await writeLog(
    round,
    failed.map(({ row, reason }) => notEvaluated(pipe.record.id, row, reason)),
  );
  const kept = new Set(passed.map(({ row }) => keyOf(row)));
  const gone = rows.filter((row) => !kept.has(keyOf(row)));
  for (const row of gone) retries.drop(row);
  const now = state.current();
  const last = waiting.length === PAGE ? waiting.at(-1) : undefined;
  const next = last === undefined ? null : { revision: begun.revision, feed: last.feed, seq: last.seq };
  // The filter may have been changed once more meanwhile: then all of it begins anew.
  const refilter = now.refilter === begun ? next : (now.refilter ?? null);
  state.save({ ...now, refilter, discarded: now.discarded + gone.length });
  return refilter === null ? "idle" : "more";
}

/** The events that wait. One that is not stored any more is left to its next try, which drops it. */
async function readRows({ env }: Round, waiting: readonly Retry[]): Promise<Row[]> {
  const seqsOf = (feed: Retry["feed"]): number[] =>
    waiting.flatMap((retry) => (retry.feed === feed ? [retry.seq] : []));
  const shards = shardsOf(env);
  const [events, notices] = await Promise.all([
    readSeqs(shards, seqsOf("events")),
    readSystemEventSeqs(shards, seqsOf("notices")),
  ]);
  return [...events.map(eventRow), ...notices.map(systemEventRow)];
}

function keyOf({ feed, seq }: Pick<Row, "feed" | "seq">): string {
  return `${feed}/${seq}`;
}
