// Door 1 for all requests, from providers and from people. Only the code that a provider's request needs is loaded with
// the Worker, because most new isolates start for such a request, and the provider waits for the answer. All other code
// is loaded by the first request that needs it.

import { getPath } from "hono/utils/url";
import { failureProblem } from "./api/kit/problem.ts";
import { configOf } from "./config/config.ts";
import { receive } from "./ingest/receive.ts";
import { calledBy, type Called } from "./ingest/route.ts";
import { loadApp } from "./lazy.ts";

/** Answers a request: webhooks here, everything else through the app. Errors become 500 (bug) or 503 (outage). */
export async function answer(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const called = calledBy(request);
  if (called !== null) return secured(await answerProvider(request, called, env));
  const { app } = await loadApp();
  const response = secured(await app.fetch(request, env, ctx));
  // What the API tells is about people, and changes at any moment.
  if (isApi(request)) response.headers.set("cache-control", "no-store");
  return response;
}

function isApi(request: Request): boolean {
  return /^\/(v1(\/|$)|healthz$)/.test(getPath(request));
}

/**
 * What browsers must know of every answer: that its type is the declared one, that no link from here tells where it
 * stood, and that this host speaks https only (for a year; other hosts of the domain are not ours to decide).
 */
const SECURITY = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["strict-transport-security", "max-age=31536000"],
] as const;

/** Sets them in place: that costs three microseconds, a copy of the response costs more. */
function secured(response: Response): Response {
  for (const [name, value] of SECURITY) response.headers.set(name, value);
  return response;
}

async function answerProvider(request: Request, { source, first }: Called, env: Env): Promise<Response> {
  try {
    const response = await receive(request, source, first, configOf(env), env);
    return request.method === "HEAD" ? new Response(null, response) : response;
  } catch (error) {
    return failureProblem(error, { method: request.method, route: "/webhooks/:source/*" });
  }
}
