// What a request answers whose handler threw: a problem as the handler made it, 503 for an outage, which passes, and 500
// for a bug, which does not.

import type { Context } from "hono";
import { routePath } from "hono/route";
import { describeError, isOutage } from "../../lib/outage.ts";
import type { ApiEnv } from "./responses.ts";
import { problem, ProblemError } from "./problem.ts";

/** Seconds after which a caller may come back when something did not answer. */
const RETRY_AFTER = "5";

/**
 * The answer to an error, for `app.onError`. The log gets the error with the method and the route's pattern: the URL itself
 * may hold an address or a token.
 */
export function answerError(error: Error, c: Context<ApiEnv>): Response {
  if (error instanceof ProblemError) return problem(error.status, error.message, { errors: error.errors });
  const about = { method: c.req.method, route: routePath(c), ...describeError(error) };
  if (isOutage(error)) {
    console.warn({ message: "a request met an outage", ...about });
    return problem(503, "Something did not answer; try again.", { headers: { "retry-after": RETRY_AFTER } });
  }
  console.error({ message: "a request met a bug", ...about });
  return problem(500, "This is a fault of Tidings, not of your request. The log has the details.");
}
