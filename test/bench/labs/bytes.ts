// Takes requests in by Tidings' own doors, from the provider's POST to D1, so that the database holds what it would hold
// in production. The demo's Worker has one more door, for events that their provider puts into the queue itself.

import demo from "../../../src/demo/demo-worker.ts";
import { toBatch } from "./batch.ts";

export { Contact } from "../../../src/index.ts";

type LabEnv = Env & { SCHEMA: string[] };

/** A request as a provider makes it. */
export interface Posted {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

export default {
  async fetch(request: Request, env: LabEnv, ctx: ExecutionContext): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/schema":
        await env.DB.batch(env.SCHEMA.map((sql) => env.DB.prepare(sql)));
        return Response.json(null);
      case "/store":
        await storeAll(await request.json<Posted[]>(), env, ctx);
        return Response.json(null);
      default:
        return Response.json(await env.DB.prepare("SELECT count(*) AS events FROM events").first());
    }
  },
};

/** Has the requests accepted, and their messages worked off as one batch of the queue. */
async function storeAll(posted: readonly Posted[], env: LabEnv, ctx: ExecutionContext): Promise<void> {
  const sent: unknown[] = [];
  const { metadata } = toBatch("tidings-deliveries", []);
  const queue = {
    send: async (body: unknown) => {
      sent.push(body);
      return { metadata };
    },
    sendBatch: async (messages: Iterable<{ body: unknown }>) => {
      for (const { body } of messages) sent.push(body);
      return { metadata };
    },
  };
  const bindings = { ...env, QUEUE: queue, EMAIL_EVENTS: queue } as unknown as Env;
  for (const { method, path, headers, body } of posted) {
    const bytes = body === null ? null : new TextEncoder().encode(body);
    const length = { "content-length": String(bytes?.length ?? 0) };
    const init = { method, headers: { ...headers, ...length }, body: bytes };
    const { status } = await demo.fetch(new Request(`https://edge.example${path}`, init), bindings, ctx);
    if (status !== 200) throw new Error(`a request to ${path.split("?", 1)[0]} was answered ${status}`);
  }
  const batch = toBatch<unknown>("tidings-deliveries", sent);
  await demo.queue(batch, bindings, ctx);
  batch.check();
}
