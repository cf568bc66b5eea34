// Sends events to a pipe's destination, in batches as its kind and its options have it, and logs the attempts.

import type { AttemptRecord } from "../../store/pipes/delivery-log.ts";
import { attempt } from "../attempt.ts";
import type { SelectedRow } from "../select.ts";
import type { Round } from "./context.ts";
import { isProbing, upUntil } from "../circuit.ts";
import { dispatch, type Dispatched, type Rules } from "./dispatch.ts";
import { recordOf, skippedOf } from "./log.ts";

/** How rows are sent. */
export interface Manner {
  /** Which try it is of all events, or of each. */
  tries: number | ((id: string) => number);
  /** Whether they were tried before, or wait in the table of retries for another reason. */
  retried: boolean;
}

/** Sends the rows, and adds to the log what people should see. */
export async function send(
  round: Round,
  rows: readonly SelectedRow[],
  log: AttemptRecord[],
  { tries, retried }: Manner,
): Promise<Dispatched> {
  const { env, kept, pipe, state, answers } = round;
  const { record, kind, settings, options } = pipe;
  const { consecutiveFailures, delivered_at } = state.current();
  // The first success is logged beside the sample, and so is the first after a failure.
  let isNews = consecutiveFailures > 0 || delivered_at === null;
  const rules = rulesOf(round, retried);
  const dispatched = await dispatch(rows, rules, async (batch) => {
    const events = batch.map(({ out }) => out);
    const account = await attempt(env, { kind, settings, kept }, events);
    const { result, failed = [] } = account.outcome;
    if (failed.length > 0) answers.byEvent = true;
    const isSuccess = result === "delivered" && failed.length === 0;
    if (!isSuccess || isNews || Math.random() < options.log_share)
      log.push(recordOf(record.id, events, account, tries));
    if (isSuccess) isNews = false;
    const skips = account.outcome.skipped ?? [];
    if (skips.length > 0) log.push(skippedOf(record.id, events, account, tries));
    // It rests now: neither this page nor the round's next ones begin another request.
    if (result === "delivered" && skips.length < batch.length && kind.restOf !== undefined)
      rules.until = round.until = 0;
    return account.outcome;
  });
  state.current(); // nothing more is written if the pipe was deleted meanwhile
  return dispatched;
}

function rulesOf({ pipe, state, pace, until, answers }: Round, retried: boolean): Rules {
  const { kind, settings, options } = pipe;
  const now = state.current();
  const limits = kind.batchOf?.(settings) ?? kind.batch;
  const probing = isProbing(now);
  // A probe risks one event. What failed alone goes alone, unless the destination answers for each event of a batch.
  // Where events gather, no single one is ever to blame.
  const alone = kind.restOf === undefined && (probing || (retried && !answers.byEvent));
  return {
    events: alone ? 1 : Math.min(options.batch, limits.events),
    bytes: limits.bytes,
    concurrency: now.circuit === null && kind.restOf === undefined ? options.concurrency : 1,
    pace,
    ordered: options.ordered,
    // Another failure of what failed before adds to no count.
    consecutiveFailures: retried ? 0 : now.consecutiveFailures,
    consecutiveDenials: retried ? 0 : now.consecutiveDenials,
    probing,
    upUntil: upUntil(now, { retried }),
    retried,
    until,
  };
}
