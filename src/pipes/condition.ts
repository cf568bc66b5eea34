// A pipe's condition in a word and in a sentence. Pure. A destination that refuses some events is a running pipe: only
// one that takes nothing fails.

import { iso } from "../store/events/event-view.ts";
import { isProbing, LIMITS } from "./circuit.ts";
import type { PipeHealth } from "./state.ts";

/** What a pipe is doing. `failing`: nothing gets through at present. */
export type PipeStatus = "running" | "failing" | "paused";

type Health = Pick<
  PipeHealth,
  "circuit" | "consecutiveRefusals" | "failing_since" | "failure" | "given_up" | "retries"
>;

/** The pipe's status. `paused`: why it is paused, or null; `health`: null if it has not begun. */
export function statusOf(paused: string | null, health: Health | null): PipeStatus {
  if (paused !== null) return "paused";
  return health !== null && (health.circuit !== null || takesNothing(health)) ? "failing" : "running";
}

/** The same in a sentence for people. */
export function describeCondition(paused: string | null, health: Health | null): string {
  if (paused !== null) return `Paused: ${paused}.`;
  if (health === null) return "It has not begun.";
  const { circuit, consecutiveRefusals, failing_since, failure, retries } = health;
  if (circuit !== null) {
    const then = isProbing(health) ? "then it tries a few events" : "as the destination asked";
    return `Nothing is sent until ${iso(circuit.until)}, ${then}: ${circuit.reason}.`;
  }
  if (takesNothing(health))
    return `Nothing got through since ${iso(failing_since ?? 0)}; the destination refused ${consecutiveRefusals} events: ${failure ?? ""}.`;
  if (retries === 0) return "It passes events on.";
  const wait = retries === 1 ? "1 event waits" : `${retries} events wait`;
  return `It passes events on. ${wait} for another try: ${failure ?? "asked for"}.`;
}

/** Whether the destination refused every event for some time. A few may be to blame themselves. */
function takesNothing({ failing_since, consecutiveRefusals }: Health): boolean {
  return failing_since !== null && consecutiveRefusals >= LIMITS.failures;
}
