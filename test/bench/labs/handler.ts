// Times the handlers alone, inside the isolate: the queue is a stub that takes everything at once, the requests are made
// beforehand, and many are handled between two readings of the clock.

import tidings from "../../../src/index.ts";
import limit from "../candidates/limit.ts";
import tutorial from "../candidates/tutorial.ts";
import { clock } from "./clock.ts";

export { Contact } from "../../../src/index.ts";

interface Question {
  candidate: "limit" | "tidings" | "tutorial";
  path: string;
  headers: Record<string, string>;
  body: string;
  times: number;
}

const metadata = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
const QUEUE = { send: async () => metadata, sendBatch: async () => metadata };
const BUCKET = { put: async () => null };

let stubbed: (Env & { WEBHOOK_AUTH: string }) | undefined;

/** The same object for all calls, as it is in production: the configuration is read once per environment. */
function stub(env: Env): Env & { WEBHOOK_AUTH: string } {
  stubbed ??= { ...env, QUEUE, BUCKET } as unknown as Env & { WEBHOOK_AUTH: string };
  return stubbed;
}

export default {
  /** Answers with the ms that one call took. */
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const { candidate, path, headers, body, times } = await request.json<Question>();
    const bindings = stub(env);
    const bytes = new TextEncoder().encode(body);
    // As the HTTP layer hands it over: with the length that the sender declared.
    const init = {
      method: "POST",
      headers: { ...headers, "content-length": String(bytes.length) },
      body: bytes,
    };
    const requests = Array.from({ length: times }, () => new Request(`https://edge.example${path}`, init));
    const handle = {
      limit: async (one: Request) => await limit.fetch(one, bindings),
      tidings: async (one: Request) => await tidings.fetch(one, bindings, ctx),
      tutorial: async (one: Request) => await tutorial.fetch(one, bindings as never),
    }[candidate];
    const began = await clock();
    for (const one of requests) {
      const { status } = await handle(one);
      if (status !== 200) return new Response(`${candidate} answered ${status}`, { status: 500 });
    }
    return Response.json(((await clock()) - began) / times);
  },
};
