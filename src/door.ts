// Door 1 for all requests, from providers and from people. Only the code that a provider's request needs is loaded with
// the Worker, because most new isolates start for such a request, and the provider waits for the answer. All other code
// is loaded by the first request that needs it.

import { failureProblem } from "./api/kit/problem.ts";
import { configOf } from "./config/config.ts";
import { receive } from "./ingest/receive.ts";
import { calledBy, type Called } from "./ingest/route.ts";
import { loadApp } from "./lazy.ts";

/** Answers a request: webhooks here, everything else through the app. Errors become 500 (bug) or 503 (outage). */
export async function answer(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const called = calledBy(request);
  if (called !== null) return await answerProvider(request, called, env);
  const { app } = await loadApp();
  return await app.fetch(request, env, ctx);
}

async function answerProvider(request: Request, { source, first }: Called, env: Env): Promise<Response> {
  try {
    const response = await receive(request, source, first, configOf(env), env);
    return request.method === "HEAD" ? new Response(null, response) : response;
  } catch (error) {
    return failureProblem(error, { method: request.method, route: "/webhooks/:source/*" });
  }
}
