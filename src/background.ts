// The two doors at which no caller waits: batches from the queues, and the clock. The module is loaded with the first
// batch or the first scheduled run, so that it does not delay a new isolate's first answer.

import { runJobs } from "./jobs/run.ts";
import { wakePipes } from "./pipes/wake.ts";
import { consume } from "./process/consume.ts";
import { consumeDeadQueue, isDeadQueue } from "./process/dead-queue.ts";
import { withOutages } from "./store/outages.ts";

/**
 * Processes a batch of any of the queues. Every message ends acknowledged or retried. Afterwards it wakes the pipes.
 */
export async function workOff(batch: MessageBatch, bindings: Env, ctx: ExecutionContext): Promise<void> {
  const env = withOutages(bindings);
  await (isDeadQueue(batch.queue) ? consumeDeadQueue(batch, env) : consume(batch, env));
  ctx.waitUntil(wakePipes(env, Date.now()));
}

/** Runs every scheduled job once. Never rejects: see {@link runJobs}. */
export async function runScheduled(bindings: Env): Promise<void> {
  await runJobs(withOutages(bindings));
}
