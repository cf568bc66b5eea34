// Mutants of src/pipes.

import type { Mutant } from "./mutant.ts";

export const PIPES: readonly Mutant[] = [
  {
    name: "a pipe's cursor passes what is not done",
    file: "pipes/round/advance.ts",
    from: "const position = first === undefined ? moveBehind(from, last) : moveBefore(from, first);",
    to: "void moveBefore; const position = moveBehind(from, last);",
  },
  {
    name: "an event that failed alone is not kept for another try",
    file: "pipes/round/deliver.ts",
    from: "setAside(round, feed, one, { tries: failure.tried ? 1 : 0, reason: failure.reason });",
    to: "void setAside;",
  },
  {
    name: "a try that failed again was the last one",
    file: "pipes/round/retry-due.ts",
    from: "retries.put({ ...retry, tries, due: Date.now() + wait, reason: failure.reason });",
    to: "retries.drop(retry);",
  },
  {
    name: "a destination that was down had taken what was under way",
    file: "pipes/round/dispatch.ts",
    from: "result.consecutiveFailures += 1;",
    to: "for (const index of job.indexes) result.delivered.add(index); result.consecutiveFailures += 1;",
  },
  {
    name: "a destination that asks for less has taken what it was sent",
    file: "pipes/round/dispatch.ts",
    from: "run.result.stop ??= { result, reason, retryAfter: outcome.retryAfter };",
    to: "for (const index of job.indexes) run.result.delivered.add(index); run.result.stop ??= { result, reason, retryAfter: outcome.retryAfter };",
  },
  {
    name: "what waits for an earlier one is sent all the same",
    file: "pipes/round/deliver.ts",
    from: "pipe.options.ordered ? retries.groups() : new Set<string>();",
    to: "new Set<string>();",
  },
  {
    name: "a failure does not hold up its contact",
    file: "pipes/round/dispatch.ts",
    from: 'const waits = group !== "" && blocked.has(group);',
    to: "const waits = false;",
  },
  {
    name: "a system event that waits may go",
    file: "pipes/pipe.ts",
    from: "return waiting === null ? notices : earlierOf(notices, moveBefore(notices, { seq: waiting }));",
    to: "void earlierOf; void moveBefore; void waiting; return notices;",
  },
  {
    name: "a paused pipe goes on",
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
    name: "what is to be passed on once more is passed over",
    file: "pipes/round/redeliver-page.ts",
    from: "const rows = events.map(eventRow);",
    to: "const rows = events.slice(events.length).map(eventRow);",
  },
  {
    name: "what is left of a deleted pipe stays",
    file: "pipes/wake.ts",
    from: 'for (const { id, state } of states) if (state === "deleted") await clearAway(env, id);',
    to: "",
  },
];
