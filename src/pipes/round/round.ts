// One round of a pipe: a page of everything that waits. What failed alone and is due goes first, then new events, new
// system events, and last what people asked to be passed on again.

import { advance } from "./advance.ts";
import type { Progress, Round } from "./context.ts";
import { redeliverPage } from "./redeliver-page.ts";
import { refilterWaiting } from "./refilter.ts";
import { retryDue } from "./retry-due.ts";

/** The most events that may wait to be tried again. With more of them a pipe reads no further until some are done. */
const MOST_RETRIES = 1_000;

/** Works through one page of each thing that waits. */
export async function workRound(round: Round): Promise<Progress> {
  const { state, pipe, reader, retries } = round;
  if ((await refilterWaiting(round)) === "more") return "more";
  const retried = await retryDue(round);
  if (isEnd(retried)) return retried;
  if (retries.count() >= MOST_RETRIES) return retried;
  const reading = reader.systemEvents(pipe, state.current());
  reading.catch(() => undefined); // it is awaited below, and a failure counts there
  const events = await advance(round, "events", await reader.events(pipe, state.current()));
  if (isEnd(events)) return events;
  const systemEvents = await advance(round, "notices", await reading);
  if (isEnd(systemEvents)) return systemEvents;
  const redelivered = await redeliverPage(round);
  if (isEnd(redelivered)) return redelivered;
  return [retried, events, systemEvents, redelivered].includes("more") ? "more" : "idle";
}

function isEnd(progress: Progress): progress is "stopped" | "paused" {
  return progress === "stopped" || progress === "paused";
}
