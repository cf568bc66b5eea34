// Sends events to a pipe's destination, in batches as its kind and its options have it, and logs the attempts.

import type { AttemptRecord } from "../../store/pipes/delivery-log.ts";
import { attempt } from "../attempt.ts";
import type { SelectedRow } from "../select.ts";
import type { Round } from "./context.ts";
import { dispatch, type Dispatched, type Rules } from "./dispatch.ts";
import { recordOf } from "./log.ts";

/** Sends the rows, and adds to the log what people should see. `tries`: which try it is of all events, or of each. */
export async function send(
  round: Round,
  rows: readonly SelectedRow[],
  log: AttemptRecord[],
  tries: number | ((id: string) => number),
): Promise<Dispatched> {
  const { env, kept, pipe, state } = round;
  const { record, kind, settings, options } = pipe;
  const { consecutiveFailures, delivered_at } = state.current();
  // The first success is logged beside the sample, and so is the first after a failure.
  let isNews = consecutiveFailures > 0 || delivered_at === null;
  const rules = rulesOf(round);
  const dispatched = await dispatch(rows, rules, async (batch) => {
    const events = batch.map(({ out }) => out);
    const account = await attempt(env, { kind, settings, kept }, events);
    const { result, failed = [] } = account.outcome;
    const isSuccess = result === "delivered" && failed.length === 0;
    if (!isSuccess || isNews || Math.random() < options.log_share)
      log.push(recordOf(record.id, events, account, tries));
    if (isSuccess) isNews = false;
    // It rests now: neither this page nor the round's next ones begin another request.
    if (result === "delivered" && kind.restOf !== undefined) rules.until = round.until = 0;
    return account.outcome;
  });
  state.current(); // nothing more is written if the pipe was deleted meanwhile
  return dispatched;
}

function rulesOf({ pipe: { kind, settings, options }, state, pace, until }: Round): Rules {
  const { circuit, consecutiveFailures } = state.current();
  const limits = kind.batchOf?.(settings) ?? kind.batch;
  return {
    events: Math.min(options.batch, limits.events),
    bytes: limits.bytes,
    concurrency: circuit === null && kind.restOf === undefined ? options.concurrency : 1,
    pace,
    ordered: options.ordered,
    consecutiveFailures,
    until,
  };
}
