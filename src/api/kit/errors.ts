// The answer to a request whose handler threw: the handler's own problem, or the one that failureProblem makes.

import type { Context } from "hono";
import { routePath } from "hono/route";
import type { ApiEnv } from "./env.ts";
import { failureProblem, problem, ProblemError } from "./problem.ts";

/** The answer to an error, for `app.onError`. */
export function answerError(error: Error, c: Context<ApiEnv>): Response {
  if (error instanceof ProblemError) return problem(error.status, error.message, { errors: error.errors });
  return failureProblem(error, { method: c.req.method, route: routePath(c) });
}
