// The routes put together.

import { Hono, type Context } from "hono";
import { describe } from "./api/kit/docs.ts";
import { problem, ProblemError } from "./api/kit/problem.ts";
import { v1 } from "./api/v1.ts";
import { configOf } from "./config/config.ts";
import { type ApiEnv } from "./api/kit/env.ts";
import { receive } from "./ingest/receive.ts";

export const app = new Hono<ApiEnv>();

/** Behind the source's name anything may follow, or nothing: providers let people configure one URL per event type. */
const PATH = "/webhooks/:source/*";
app.all(PATH, async (c) => await deliver(c, c.req.param("source"), "queue"));
app.all(`/backup${PATH}`, async (c) => await deliver(c, c.req.param("source"), "spool"));

async function deliver(c: Context<ApiEnv>, source: string, first: "queue" | "spool"): Promise<Response> {
  return await receive(c.req.raw, source, first, configOf(c.env), c.env);
}

app.get("/healthz", (c) => {
  const { problems } = configOf(c.env);
  const status = problems.length === 0 ? "ok" : "misconfigured";
  return c.json({ status, problems }, problems.length === 0 ? 200 : 503);
});

app.route("/v1", v1);
describe(app);

app.notFound(() => problem(404, "There is nothing at this URL. Providers post to /webhooks/<source>."));

app.onError((error) => {
  if (error instanceof ProblemError) return problem(error.status, error.message, { errors: error.errors });
  console.error({ message: "a request failed", error: String(error) });
  return problem(503, "Something did not answer; try again.", { headers: { "retry-after": "5" } });
});
