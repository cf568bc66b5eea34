// The routes of people put together. Those of providers are in front of them: see door.ts.

import { describe } from "./api/kit/docs.ts";
import { newHono } from "./api/kit/hono.ts";
import { problem, ProblemError } from "./api/kit/problem.ts";
import { v1 } from "./api/v1.ts";
import { configOf } from "./config/config.ts";
import { version } from "./version.ts";

export const app = newHono();

app.get("/healthz", (c) => {
  const { problems } = configOf(c.env);
  const status = problems.length === 0 ? "ok" : "misconfigured";
  return c.json({ status, version, problems }, problems.length === 0 ? 200 : 503);
});

app.route("/v1", v1);
describe(app);

app.notFound(() => problem(404, "There is nothing at this URL. Providers post to /webhooks/<source>."));

app.onError((error) => {
  if (error instanceof ProblemError) return problem(error.status, error.message, { errors: error.errors });
  console.error({ message: "a request failed", error: String(error) });
  return problem(503, "Something did not answer; try again.", { headers: { "retry-after": "5" } });
});
