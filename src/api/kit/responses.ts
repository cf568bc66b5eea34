// What the routes of /v1 have in common: scopes, JSON answers, problems for errors, pages of lists.

import * as z from "zod";
import type { TokenScope } from "../../model/token-scope.ts";
import { needsScope } from "./auth.ts";

/** The part of a route's description that says, and enforces, which scope it needs. */
export function needs(scope: TokenScope) {
  return { security: [{ token: [scope] }], middleware: needsScope(scope) };
}

/** A JSON answer as a route describes it. */
export function json<S extends z.ZodType>(description: string, schema: S) {
  return { description, content: { "application/json": { schema } } };
}

const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ parameter: z.string(), reason: z.string() })).optional(),
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
        errors: [{ parameter: "limit", reason: "must be a whole number from 1 to 1000" }],
      },
    ],
  });

const WHAT = {
  400: "A parameter is wrong; `errors` names it.",
  404: "There is no such thing.",
  409: "It conflicts with what is stored.",
  413: "It is too much at once.",
  503: "Something did not answer; try again.",
} as const;

/** The problems that a route may answer with beside those of every route: 401, 403, 429. */
export function problems<const S extends keyof typeof WHAT>(...statuses: S[]) {
  const content = { "application/problem+json": { schema: Problem } };
  const own: Record<string, { description: string; content: typeof content }> = Object.fromEntries(
    statuses.map((status) => [status, { description: WHAT[status], content }]),
  );
  return {
    401: { description: "No token, or a wrong one.", content },
    403: { description: "The token's scopes do not allow this.", content },
    429: { description: "Too many wrong tokens from this address.", content },
    ...(own as Record<S, (typeof own)[string]>),
  };
}

/** A page of a list: the items by their plural name, and where the next page begins. */
export function pageOf<const N extends string, S extends z.ZodType>(name: N, item: S) {
  const shape = { [name]: z.array(item) } as Record<N, z.ZodArray<S>>;
  return z.object({
    ...shape,
    next: z.string().nullable().describe("Pass it as `after` for the next page; null at the end."),
  });
}
