// The demo's Worker: Tidings, and one more URL in place of Cloudflare Email Service, which itself puts its events into
// the queue and does not exist in a local setup.

import worker from "../index.ts";

export { Contact, Pipe } from "../index.ts";

/** The path to which the demo posts an array of the service's events. */
const EMAIL_EVENTS = "/demo/email-events";

export default {
  ...worker,

  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== EMAIL_EVENTS) return await worker.fetch(request, env, context);
    const events: unknown[] = await request.json();
    await env.EMAIL_EVENTS.sendBatch(events.map((body) => ({ body, contentType: "json" })));
    return new Response(null);
  },
} satisfies ExportedHandler<Env>;
