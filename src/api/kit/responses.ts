// The parts that the routes of /v1 share: scopes, JSON answers, problems for errors, pages of lists.

import { every } from "hono/combine";
import * as z from "zod";
import type { TokenScope } from "../../model/token-scope.ts";
import { needsScope } from "./auth.ts";
import { within, type Reach } from "./reach.ts";

/**
 * The part of a route that declares and enforces the scope that it needs, and what it does for tokens that are limited
 * to sources.
 */
export function needs(scope: TokenScope, reach: Reach = "refuses") {
  return { security: [{ token: [scope] }], middleware: every(needsScope(scope), within(reach)) };
}

/** A JSON answer in a route's description. */
export function json<S extends z.ZodType>(description: string, schema: S) {
  return { description, content: { "application/json": { schema } } };
}

const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z
      .array(
        z.object({
          in: z.enum(["path", "query", "body"]).optional().describe("The part of the request"),
          parameter: z
            .string()
            .describe("The name of the parameter, or its place in the body, as in `rows[3].email`"),
          reason: z.string(),
        }),
      )
      .optional(),
  })
  .meta({
    id: "Problem",
    description: "RFC 9457 problem details",
    examples: [
      {
        type: "about:blank",
        title: "Bad request",
        status: 400,
        detail: "limit: must be a whole number from 1 to 1000",
        errors: [{ in: "query", parameter: "limit", reason: "must be a whole number from 1 to 1000" }],
      },
    ],
  });

const WHAT = {
  400: "A parameter is wrong; `errors` names it.",
  404: "There is no such thing.",
  409: "It conflicts with what is stored.",
  413: "It is too much at once.",
} as const;

/** The problems that a route may answer with: these, and those of every route (401, 403, 405, 429, 500, 503). */
export function problems<const S extends keyof typeof WHAT>(...statuses: S[]) {
  const content = { "application/problem+json": { schema: Problem } };
  const chosen: Record<string, { description: string; content: typeof content }> = Object.fromEntries(
    statuses.map((status) => [status, { description: WHAT[status], content }]),
  );
  return {
    401: { description: "No token, or a wrong one.", content },
    403: { description: "The token's scopes or its sources do not allow this.", content },
    405: { description: "This resource takes other methods, which `Allow` names.", content },
    429: { description: "Too many wrong tokens from this address.", content },
    500: { description: "A fault of Tidings; trying again will hardly help.", content },
    503: { description: "Something did not answer; try again.", content },
    ...(chosen as Record<S, (typeof chosen)[string]>),
  };
}

/** The schema of a page of a list: the items under their plural name, and the cursor of the next page. */
export function pageOf<const N extends string, S extends z.ZodType>(name: N, item: S) {
  const shape = { [name]: z.array(item) } as Record<N, z.ZodArray<S>>;
  return z.object({
    ...shape,
    next: z.string().nullable().describe("Pass it as `after` for the next page; null at the end."),
  });
}
