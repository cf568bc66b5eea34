// Errors of the API as problem details (RFC 9457): what is wrong and, if it is a parameter, which one.

import { describeError, isOutage } from "../../lib/outage.ts";

/** A handler throws this to answer with a problem. `status`: of the response; `errors`: the wrong parameters. */
export class ProblemError extends Error {
  readonly status: number;
  readonly errors: readonly ParameterError[];

  constructor(status: number, detail: string, errors: readonly ParameterError[] = []) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

/** What is wrong with a parameter. `in`: the part of the request; `parameter`: its name or path, or `body`. */
export interface ParameterError {
  in?: "path" | "query" | "body";
  parameter: string;
  reason: string;
}

/** The problem of one wrong parameter. `reason`: a predicate about it, such as "must be later than from". */
export function wrongParameter(parameter: string, reason: string): ProblemError {
  return new ProblemError(400, `${parameter}: ${reason}`, [{ parameter, reason }]);
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  413: "Too large",
  415: "Unsupported media type",
  429: "Too many requests",
  500: "Internal error",
  503: "Unavailable",
};

/** A response with a problem. `extra`: the wrong parameters, and further headers. */
export function problem(
  status: number,
  detail: string,
  extra: { errors?: readonly ParameterError[]; headers?: Record<string, string> } = {},
): Response {
  const { errors = [], headers = {} } = extra;
  const body = { type: "about:blank", title: TITLES[status] ?? "Error", status, detail };
  return Response.json(errors.length > 0 ? { ...body, errors } : body, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** Seconds after which a caller may try again after an outage. */
const RETRY_AFTER = "5";

/**
 * The answer to a failure that no handler expected: 503 for an outage, which passes, and 500 for a bug, which does not.
 * The log gets the error with the method and the route's pattern, because the URL itself may contain an address or a
 * token.
 */
export function failureProblem(error: unknown, request: { method: string; route: string }): Response {
  const about = { ...request, ...describeError(error) };
  if (isOutage(error)) {
    console.warn({ message: "a request met an outage", ...about });
    return problem(503, "Something did not answer; try again.", { headers: { "retry-after": RETRY_AFTER } });
  }
  console.error({ message: "a request met a bug", ...about });
  return problem(500, "This is a fault of Tidings, not of your request. The log has the details.");
}
