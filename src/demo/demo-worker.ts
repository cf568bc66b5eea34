// The demo's Worker: Tidings, and one more URL in place of what no local setup has, Cloudflare Email Service, which puts its
// events into the queue by itself.

import worker from "../index.ts";

export { Contact, Pipe } from "../index.ts";

/** Where the demo posts an array of the service's events. */
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
