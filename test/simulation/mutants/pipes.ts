// Mutants of src/pipes.

import type { Mutant } from "./mutant.ts";

export const PIPES: readonly Mutant[] = [
  {
    name: "a pipe's cursor passes events that are not delivered yet",
    file: "pipes/round/advance.ts",
    from: "const position = first === undefined ? moveBehind(from, last) : moveBefore(from, first);",
    to: "void moveBefore; const position = moveBehind(from, last);",
  },
  {
    name: "a single failed event is not kept for another try",
    file: "pipes/round/deliver.ts",
    from: "setAside(round, feed, one, { tries: failure.tried ? 1 : 0, reason: failure.reason });",
    to: "void setAside;",
  },
  {
    name: "an event is dropped silently after its first failed retry",
    file: "pipes/round/retry-due.ts",
    from: "retries.again({ ...retry, tries, due: now + wait, reason: failure.reason });",
    to: "retries.drop(retry);",
  },
  {
    name: "events of a request without an answer count as delivered",
    file: "pipes/round/dispatch.ts",
    from: "result.consecutiveFailures += 1;",
    to: "for (const index of job.indexes) result.delivered.add(index); result.consecutiveFailures += 1;",
  },
  {
    name: "events that a destination answered with a request to slow down count as delivered",
    file: "pipes/round/dispatch.ts",
    from: "run.result.stop ??= { result, reason, retryAfter: outcome.retryAfter };",
    to: "for (const index of job.indexes) run.result.delivered.add(index); run.result.stop ??= { result, reason, retryAfter: outcome.retryAfter };",
  },
  {
    name: "an ordered pipe sends an event whose predecessor waits for a retry",
    file: "pipes/round/deliver.ts",
    from: "? retries.waitingGroups(passed.map(({ group }) => group))",
    to: "? new Set<string>()",
  },
  {
    name: "an ordered pipe does not hold back a contact's events after a failure in the same round",
    file: "pipes/round/dispatch.ts",
    from: 'const waits = group !== "" && blocked.has(group);',
    to: "const waits = false;",
  },
  {
    name: "a system event that waits for a retry may be deleted",
    file: "pipes/pipe.ts",
    from: "return waiting.reduce((position, seq) => earlierOf(position, moveBefore(position, { seq })), notices);",
    to: "void earlierOf; void moveBefore; void waiting; return notices;",
  },
  {
    name: "probes of a destination that takes some events alone are the same two again and again",
    file: "pipes/round/dispatch.ts",
    from: "for (const { job, reason } of suspects) for (const index of job.indexes) leave(run, index, reason);",
    to: "void leave;",
  },
  {
    name: "events that are refused pause the pipe",
    file: "pipes/circuit.ts",
    from: "const isLate = refusesAll(state) && now - (state.failing_since ?? now) > PATIENCE;",
    to: "void PATIENCE; void now; const isLate = state.consecutiveRefusals > 2;",
  },
  {
    name: "a paused pipe goes on delivering",
    file: "pipes/pipe.ts",
    from: 'if (record === null || record.paused !== null) return "resting";',
    to: 'if (record === null) return "resting";',
  },
  {
    name: "pipes are not woken",
    file: "pipes/pipe.ts",
    from: "else if (!isWaiting(state, Date.now())) await this.ctx.storage.setAlarm(Date.now());",
    to: "",
  },
  {
    name: "a redelivery skips its events",
    file: "pipes/round/redeliver-page.ts",
    from: "const rows = events.map(eventRow);",
    to: "const rows = events.slice(events.length).map(eventRow);",
  },
  {
    name: "letting go of what waits for a pipe lets go of all that it has not looked at",
    file: "pipes/discard.ts",
    from: "behind ? { events, notices } : null",
    to: "{ events, notices }",
  },
  {
    name: "the remains of a deleted pipe are not cleared away",
    file: "pipes/wake.ts",
    from: 'for (const { id, state } of states) if (state === "deleted") await clearAway(env, id);',
    to: "",
  },
];
