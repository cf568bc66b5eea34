// Tries again the events that failed alone and are due. Each goes in a request of its own, unless the destination
// answers for every event of a batch.

import { describeError } from "../../lib/outage.ts";
import { readSeqs } from "../../store/events/feeds.ts";
import type { AttemptRecord } from "../../store/pipes/delivery-log.ts";
import { readSystemEventSeqs } from "../../store/pipes/system-events.ts";
import { feedOf } from "../../store/feed-position.ts";
import { shardsOf, type Shards } from "../../store/shards.ts";
import type { Retry } from "../retries.ts";
import { eventRow, systemEventRow, type Row } from "../rows.ts";
import { toSelected, type SelectedRow } from "../select.ts";
import type { Progress, Round } from "./context.ts";
import { settle } from "./deliver.ts";
import type { Dispatched } from "./dispatch.ts";
import { refusesAll } from "../circuit.ts";
import { givenUp, writeLog } from "./log.ts";
import { PROBE_ROWS } from "./reader.ts";
import { AGAIN_UNBLAMED, eventWait } from "./retry-schedule.ts";
import { send } from "./send.ts";

/**
 * How many are tried in one round, and for how long, ms: a round goes on with a page of new events, so neither holds up
 * the other.
 */
const RETRIES_AT_ONCE = 100;
const TIME_FOR_RETRIES = 15_000;
/** How long events wait whose database does not answer, ms. */
const UNREAD_WAIT = 30_000;

/** An event that is due, as it is sent. */
interface DueRow extends SelectedRow {
  retry: Retry;
}

/** Tries what is due. */
export async function retryDue(round: Round): Promise<Progress> {
  const { pipe, retries, state } = round;
  const limit = state.current().circuit === null ? RETRIES_AT_ONCE : PROBE_ROWS;
  const due = retries.due(Date.now(), limit, pipe.options.ordered);
  if (due.length === 0) return "idle";
  const rows = await readDue(round, due);
  const log: AttemptRecord[] = [];
  const tries = new Map(due.map((retry) => [retry.id, retry.tries]));
  const until = Math.min(round.until, Date.now() + TIME_FOR_RETRIES);
  const dispatched = await send({ ...round, until }, rows, log, {
    tries: (id) => 1 + (tries.get(id) ?? 0),
    retried: true,
  });
  const ended = setNextTries(round, rows, dispatched, log);
  if (ended > 0) state.save({ ...state.current(), given_up: state.current().given_up + ended });
  await writeLog(round, log);
  const { consecutiveFailures, consecutiveDenials } = state.current();
  const counts = dispatched.answered
    ? { consecutiveFailures: 0, consecutiveDenials: dispatched.delivered.size > 0 ? 0 : consecutiveDenials }
    : { consecutiveFailures, consecutiveDenials };
  const end = await settle(round, { ...dispatched, ...counts, refused: 0 }, (now) => now);
  // Behind a delivered event of a group the next one is due.
  const freed = pipe.options.ordered && dispatched.delivered.size > 0;
  return end ?? (due.length === limit || freed ? "more" : "idle");
}

/**
 * Reads the events that are due. One that is not stored any more was erased, or is too old, and is not tried again. With
 * several databases, events of one that does not answer wait a little longer, so that they hold up no others.
 */
async function readDue({ env, pipe, retries }: Round, due: readonly Retry[]): Promise<DueRow[]> {
  const shards = shardsOf(env);
  if (shards.all.length === 1) return await readStored(shards, { pipe, retries }, due);
  const groups = [...Map.groupBy(due, ({ seq }) => feedOf(seq)).values()];
  const read = await Promise.allSettled(
    groups.map(async (group) => await readStored(shards, { pipe, retries }, group)),
  );
  return read.flatMap((rows, index) => {
    if (rows.status === "fulfilled") return rows.value;
    console.warn({ message: "events that are due cannot be read", ...describeError(rows.reason) });
    for (const retry of groups[index] ?? []) retries.again({ ...retry, due: Date.now() + UNREAD_WAIT });
    return [];
  });
}

async function readStored(
  shards: Shards,
  { pipe, retries }: Pick<Round, "pipe" | "retries">,
  due: readonly Retry[],
): Promise<DueRow[]> {
  const seqsIn = (feed: Retry["feed"]): number[] =>
    due.flatMap((retry) => (retry.feed === feed ? [retry.seq] : []));
  const [events, notices] = [seqsIn("events"), seqsIn("notices")];
  const [stored, reported] = await Promise.all([
    events.length > 0 ? readSeqs(shards, events) : [],
    notices.length > 0 ? readSystemEventSeqs(shards, notices) : [],
  ]);
  const left = new Map(due.map((retry) => [keyOf(retry), retry]));
  const rows = [...stored.map(eventRow), ...reported.map(systemEventRow)].flatMap((row) => {
    const retry = left.get(keyOf(row));
    left.delete(keyOf(row));
    return retry === undefined ? [] : [{ ...toSelected(pipe.form, row), retry }];
  });
  for (const gone of left.values()) retries.drop(gone);
  return rows;
}

function keyOf({ feed, seq }: Pick<Row, "feed" | "seq">): string {
  return `${feed}/${seq}`;
}

/** Drops what was delivered, and sets when each of the others is tried next. Returns how many were given up. */
function setNextTries(
  { pipe, retries, state }: Round,
  rows: readonly DueRow[],
  { delivered, skipped, failed }: Dispatched,
  log: AttemptRecord[],
): number {
  let ended = 0;
  const now = Date.now();
  const nobodyIsToBlame = delivered.size === 0 && refusesAll(state.current());
  for (const [index, { retry }] of rows.entries()) {
    const failure = failed.get(index);
    if (delivered.has(index) || skipped.has(index)) retries.drop(retry);
    else if (failure?.tried === false) retries.again({ ...retry, due: now, reason: failure.reason }); // behind the others
    if (failure?.tried !== true) continue;
    const tries = retry.tries + 1;
    const wait = eventWait(tries, Math.random()) ?? (nobodyIsToBlame ? AGAIN_UNBLAMED : null);
    if (wait !== null) {
      retries.again({ ...retry, tries, due: now + wait, reason: failure.reason });
      continue;
    }
    ended += 1;
    retries.drop(retry);
    log.push(givenUp(pipe.record.id, retry, failure.reason));
  }
  return ended;
}
