// Tidings' three doors: requests from providers and people, batches from the queues, the clock.

import { app } from "./app.ts";
import { configOf } from "./config/config.ts";
import { continueErasures } from "./erasure/erase.ts";
import { sweep } from "./ingest/spool.ts";
import { maintainPipes, wakePipes } from "./pipes/wake.ts";
import { consume } from "./process/consume.ts";
import { consumeDeadQueue } from "./process/dead-queue.ts";
import { retain } from "./store/write/retention.ts";
import { forgetTallies } from "./store/events/sources.ts";
import { storeOf } from "./store/db.ts";

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
    const moved = await sweep(env);
    if (moved > 0) console.log({ message: "the spool was moved into the queue", envelopes: moved });
    const now = Date.now();
    await forgetTallies(storeOf(env), now);
    await continueErasures(env, now);
    await maintainPipes(env, now);
    const ended = await retain(env, configOf(env).retention, now);
    if (ended.events + ended.objects > 0)
      console.log({ message: "what was kept for long enough went", ...ended });
  },
} satisfies ExportedHandler<Env>;
