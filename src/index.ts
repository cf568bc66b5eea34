// Tidings' three doors: requests from providers and people, batches from the queues, the clock.

import { answer } from "./door.ts";

export { Contact } from "./contact/contact.ts";
export { Pipe } from "./pipes/pipe.ts";

export default {
  fetch: answer,

  async queue(batch, env, ctx) {
    const { workOff } = await import("./background.ts");
    await workOff(batch, env, ctx);
  },

  async scheduled(_controller, env, _ctx) {
    const { runScheduled } = await import("./background.ts");
    await runScheduled(env);
  },
} satisfies ExportedHandler<Env>;
