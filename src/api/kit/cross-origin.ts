// Browsers of other origins may call /v1 only from the origins that the configuration names, of which there are none by
// default. They show a token and no cookie, so credentials in the sense of CORS are never allowed.

import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { configOf } from "../../config/config.ts";
import type { ApiEnv } from "./env.ts";
import type { Resource } from "./methods.ts";
import { problem } from "./problem.ts";

/** What scripts may read of an answer beside its body. */
const EXPOSED = ["allow", "etag", "retry-after", "x-tidings-bookmark"];
const ALLOWED = ["authorization", "content-type", "if-none-match", "x-tidings-bookmark"];
/** Seconds for which a browser remembers a preflight. Chrome remembers none for longer. */
const REMEMBERED = 7_200;

/** Answers OPTIONS with the methods of the resource, and lets the configured origins read all answers. */
export function crossOrigin(resourceAt: (path: string) => Resource | null) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const methods = resourceAt(c.req.path)?.methods ?? null;
    const origin = c.req.header("origin");
    const isNamed = origin !== undefined && configOf(c.env).origins.has(origin);
    const isOptions = c.req.method === "OPTIONS";
    if (isOptions && methods === null) return problem(404, NO_RESOURCE);
    const headers = { allow: (methods ?? []).join(", "), vary: "origin" };
    if (!isNamed) return isOptions ? new Response(null, { status: 204, headers }) : await next();
    const answer = await cors({
      origin,
      allowMethods: [...(methods ?? [])],
      allowHeaders: ALLOWED,
      exposeHeaders: EXPOSED,
      maxAge: REMEMBERED,
    })(c, next);
    if (isOptions) answer?.headers.set("allow", headers.allow);
    return answer;
  });
}

/** The answer to a path of /v1 that names nothing. */
export const NO_RESOURCE =
  "There is no such resource. /openapi.json lists those that there are, and /docs/api shows them.";
