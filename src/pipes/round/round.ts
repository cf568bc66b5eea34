// One round of a pipe: a page of everything that waits. What failed alone and is due goes first, then new events, new
// system events, and last what people asked to be passed on again. Each has its share of every round, so many waiting
// events hold up no new ones, nor the other way round. While the circuit is open, new events and waiting ones take turns
// at being the probe: a destination that takes one sort of them alone would otherwise seem to be down.

import { isProbing } from "../circuit.ts";
import { advance } from "./advance.ts";
import type { Progress, Round } from "./context.ts";
import type { FeedPage } from "./reader.ts";
import { redeliverPage } from "./redeliver-page.ts";
import { refilterWaiting } from "./refilter.ts";
import { retryDue } from "./retry-due.ts";

/** Works through one page of each thing that waits. */
export async function workRound(round: Round): Promise<Progress> {
  try {
    return await workParts(round);
  } finally {
    await round.logging.done;
  }
}

async function workParts(round: Round): Promise<Progress> {
  if ((await refilterWaiting(round)) === "more") return "more";
  const state = round.state.current();
  const newFirst = isProbing(state) && (state.circuit?.probes ?? 0) % 2 === 1;
  const parts = newFirst ? [advanceAll, retryDue, redeliverPage] : [retryDue, advanceAll, redeliverPage];
  let whole: Progress = "idle";
  for (const part of parts) {
    const progress = await part(round);
    if (isEnd(progress)) return progress;
    if (progress === "more") whole = "more";
  }
  return whole;
}

/**
 * A page of new events, and one of system events, which is read meanwhile. If one of them cannot be read, the other one
 * goes on, and the failure counts once that has nothing left.
 */
async function advanceAll(round: Round): Promise<Progress> {
  const { state, pipe, reader } = round;
  const reading = reader.systemEvents(pipe, state.current());
  reading.catch(() => undefined); // it is awaited below, and a failure counts there
  const reads = [
    ["events", async () => await reader.events(pipe, state.current())],
    ["notices", async () => await reading],
  ] as const;
  const failures: unknown[] = [];
  let whole: Progress = "idle";
  for (const [feed, read] of reads) {
    let page: FeedPage;
    try {
      page = await read();
    } catch (error) {
      failures.push(error);
      continue;
    }
    const progress = await advance(round, feed, page);
    if (isEnd(progress)) return progress;
    if (progress === "more") whole = "more";
  }
  if (failures.length > 0 && whole === "idle") throw failures[0];
  return whole;
}

function isEnd(progress: Progress): progress is "stopped" | "paused" {
  return progress === "stopped" || progress === "paused";
}
