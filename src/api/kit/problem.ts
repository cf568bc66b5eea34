// Errors of the API as problem details (RFC 9457): what is wrong and, where a parameter is, which.

import type { ZodError } from "zod";

/** Thrown by a handler to answer with a problem. */
export class ProblemError extends Error {
  readonly status: number;
  readonly errors: readonly ParameterError[];

  constructor(status: number, detail: string, errors: readonly ParameterError[] = []) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

export interface ParameterError {
  parameter: string;
  reason: string;
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

/** The problem as a response. */
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

/** A problem that names every wrong parameter. */
export function inputProblem({ issues }: Pick<ZodError, "issues">): ProblemError {
  const errors = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({
          parameter: [...issue.path, key].join("."),
          reason: "there is no such parameter",
        }))
      : [{ parameter: issue.path.join(".") || "body", reason: issue.message }],
  );
  const [first] = errors;
  return new ProblemError(400, `${first?.parameter}: ${first?.reason}`, errors);
}
