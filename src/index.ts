// Tidings' three doors: requests from providers and people, batches from the queues, the clock.

import { app } from "./app.ts";
import { runJobs } from "./jobs/run.ts";
import { wakePipes } from "./pipes/wake.ts";
import { consume } from "./process/consume.ts";
import { consumeDeadQueue } from "./process/dead-queue.ts";

export { Contact } from "./contact/contact.ts";
export { Pipe } from "./pipes/pipe.ts";

/** Name of the platform's dead-letter queue, as wrangler.toml has it. */
const DEAD_QUEUE = "tidings-dead";

export default {
  fetch: app.fetch,

  async queue(batch, env, ctx) {
    await (batch.queue === DEAD_QUEUE ? consumeDeadQueue(batch, env) : consume(batch, env));
    ctx.waitUntil(wakePipes(env, Date.now()));
  },

  async scheduled(_controller, env, _ctx) {
    await runJobs(env);
  },
} satisfies ExportedHandler<Env>;
