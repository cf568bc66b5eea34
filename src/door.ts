// Requests, from providers and from people. Only what a provider's request needs is loaded with the Worker: a new isolate is
// asked for that before anything else, and the provider waits. The rest comes when somebody asks for it.

import { failureProblem } from "./api/kit/problem.ts";
import { configOf } from "./config/config.ts";
import { receive } from "./ingest/receive.ts";
import { calledBy, type Called } from "./ingest/route.ts";
import { loadApp } from "./lazy.ts";

/** Answers a request. */
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
