// Tokens that are limited to sources. A route that says nothing refuses them, so that a new route cannot leak. The others
// declare how they keep to the token's sources.

import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "./env.ts";
import { ProblemError, wrongParameter } from "./problem.ts";

/**
 * How a route treats tokens that are limited to sources:
 *
 * - `refuses`: it answers 403, because its answer is about all sources;
 * - `parameter`: its parameter `source` is required to name some of them, and set where the token has a single one;
 * - `filters`: its handler leaves out everything that {@link sees} denies;
 * - `serves`: its answer is the same for all tokens, and documented to be.
 */
export type Reach = "refuses" | "parameter" | "filters" | "serves";

/** Whether a token sees what this source has sent. */
export function sees({ sources }: ApiEnv["Variables"]["token"], source: string): boolean {
  return sources === null || sources.includes(source);
}

/** Throws the problem for a source that the token does not see. */
export function needsSource(token: ApiEnv["Variables"]["token"], source: string): void {
  if (!sees(token, source))
    throw new ProblemError(403, `This token does not see ${source}. ${whatItSees(token)}`);
}

const whatItSees = ({ sources }: ApiEnv["Variables"]["token"]): string =>
  `It is limited to the sources ${(sources ?? []).join(", ")}.`;

/** Keeps tokens that are limited to sources to what the route declares. */
export function within(reach: Reach) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const { token } = c.var;
    if (token.sources === null || reach === "filters" || reach === "serves") return await next();
    if (reach === "refuses")
      throw new ProblemError(
        403,
        `This is about all sources. ${whatItSees(token)} It may read events, their timelines, messages, statistics, dead letters and sources, and check addresses.`,
      );
    const named = (c.req.queries("source") ?? [])
      .flatMap((text) => text.split(","))
      .map((text) => text.trim());
    for (const source of named) needsSource(token, source);
    const [only, ...others] = token.sources;
    if (named.length === 0 && (only === undefined || others.length > 0)) {
      const reason = `must name one of ${token.sources.join(", ")}, because the token is limited to them`;
      throw wrongParameter("source", reason);
    }
    if (named.length === 0 && only !== undefined) c.set("implied", { source: [only] });
    return await next();
  });
}
