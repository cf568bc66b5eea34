// The Worker's entry, with its three doors: requests from providers and people, batches from the queues, and the clock.

import { answer } from "./door.ts";
import { loadBackground } from "./lazy.ts";

export { Contact } from "./contact/contact.ts";
export { Pipe } from "./pipes/pipe.ts";

export default {
  fetch: answer,

  async queue(batch, env, ctx) {
    const { workOff } = await loadBackground();
    await workOff(batch, env, ctx);
  },

  async scheduled(_controller, env, _ctx) {
    const { runScheduled } = await loadBackground();
    await runScheduled(env);
  },
} satisfies ExportedHandler<Env>;
