// The Worker of the tests. Files of a project share a runtime, and `freshStorage` empties it between them; but what
// still travels survives: messages in a queue, and objects that rest outside of memory. So a queue message that was sent
// before the storage was emptied is dropped here, and world.ts gives the objects of each world names of their own.

import worker from "../../src/index.ts";
import { atWork, isOfThisWorld } from "./world.ts";

export { Contact } from "../../src/contact/contact.ts";
export { Pipe } from "../../src/pipes/pipe.ts";

export default {
  fetch: (request, env, ctx) => worker.fetch(request, env, ctx),
  scheduled: async (controller, env, ctx) => await worker.scheduled(controller, env, ctx),

  async queue(batch, env, ctx) {
    // The first answer to a message counts, so the rest of the batch may be retried as a whole.
    for (const message of batch.messages) if (!isOfThisWorld(message)) message.ack();
    const messages = batch.messages.filter(isOfThisWorld);
    if (messages.length === 0) return;
    await atWork(async () => {
      await worker.queue(withMessages(batch, messages), env, ctx);
    });
  },
} satisfies ExportedHandler<Env>;

/** The batch with some of its messages. */
function withMessages(batch: MessageBatch, messages: readonly Message[]): MessageBatch {
  return {
    queue: batch.queue,
    metadata: batch.metadata,
    messages,
    ackAll: () => messages.forEach((message) => message.ack()),
    retryAll: (options) => messages.forEach((message) => message.retry(options)),
  };
}
