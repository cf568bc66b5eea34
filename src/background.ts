// The doors that nobody waits at: batches from the queues, and the clock. Loaded when something comes in by them.

import { runJobs } from "./jobs/run.ts";
import { wakePipes } from "./pipes/wake.ts";
import { consume } from "./process/consume.ts";
import { consumeDeadQueue } from "./process/dead-queue.ts";

/** Name of the platform's dead-letter queue, as wrangler.toml has it. */
const DEAD_QUEUE = "tidings-dead";

/** Works off a batch of any of the queues. */
export async function workOff(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void> {
  await (batch.queue === DEAD_QUEUE ? consumeDeadQueue(batch, env) : consume(batch, env));
  ctx.waitUntil(wakePipes(env, Date.now()));
}

/** A scheduled run. */
export async function runScheduled(env: Env): Promise<void> {
  await runJobs(env);
}
