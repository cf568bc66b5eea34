// How the messages of a batch are worked on. A process may end at any line without an exception, and then the whole
// batch comes again, acknowledged messages included. So what comes again without a known failure is worked on alone,
// and what ended its process alone for the second time is not worked on any more. Its neighbours do not share its fate.
//
// First deliveries cost nothing extra. A message that was delivered before is marked while it is worked on
// (src/store/bucket/working-marks.ts), and a mark that is left over tells that its process ended. Only the first
// delivery leaves no mark. But what comes again sooner than `retry_delay` after it was sent must have failed with an
// exception, because the platform waits so long after a process that ended.

import type { WorkingMark } from "../store/bucket/working-marks.ts";
import { markedAs } from "../store/bucket/working-marks.ts";
import { MINUTE } from "../lib/time.ts";

/** `retry_delay` of the consumers in wrangler.toml, ms. */
export const RETRY_DELAY = 5 * MINUTE;
/** After so many ends of a process that worked on a message alone, no other reads it. */
export const MOST_DEATHS = 2;
/** A younger mark may belong to a process that is still at work, ms. */
const AT_WORK = MINUTE;

/** The messages of a batch by how they are worked on, in this order. */
export interface Plan {
  /** Delivered for the first time: together, without a mark. */
  first: Message[];
  /** Failed with an exception before: together, under a mark. */
  again: Message[];
  /** Came again for an unknown reason: each alone, under a mark. */
  alone: Message[];
  /** Ended the processes that worked on them alone: not read any more. */
  hopeless: Message[];
  /** The marks of each message that name it alone, by the message's id. */
  own: ReadonlyMap<string, readonly string[]>;
}

/** Whether any of the messages was delivered before, so that the marks must be read. */
export function needsMarks(messages: readonly Message[]): boolean {
  return messages.some(({ attempts }) => attempts > 1);
}

/** Divides a batch. `marks`: all marks there are; `now`: ms. Pure. */
export function planOf(messages: readonly Message[], marks: readonly WorkingMark[], now: number): Plan {
  const own = new Map<string, string[]>();
  const plan: Plan = { first: [], again: [], alone: [], hopeless: [], own };
  const shared = new Set<string>();
  const deaths = new Map<string, number>();
  for (const { key, at, messages: named } of marks) {
    const [only] = named;
    if (named.length > 1 || only === undefined) named.forEach((id) => shared.add(id));
    else {
      own.set(only, [...(own.get(only) ?? []), key]);
      if (at < now - AT_WORK) deaths.set(only, (deaths.get(only) ?? 0) + 1);
    }
  }
  for (const message of messages) {
    const id = markedAs(message.id);
    if (message.attempts === 1) plan.first.push(message);
    else if ((deaths.get(id) ?? 0) >= MOST_DEATHS) plan.hopeless.push(message);
    else if (shared.has(id) || own.has(id) || isUnexplained(message, now)) plan.alone.push(message);
    else plan.again.push(message);
  }
  return plan;
}

/** Whether nothing tells how the first delivery ended. Every later one would have left a mark. */
function isUnexplained({ attempts, timestamp }: Message, now: number): boolean {
  return attempts === 2 && now - timestamp.getTime() >= RETRY_DELAY;
}
