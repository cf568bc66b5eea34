// What is wrong with a request's input, in words that say what to write instead: the form that is wanted, the limit and
// the figure, and the place of the value. No text repeats the value, because it may be an address or a secret.

import type * as z from "zod";
import { namesAt, nearestOf } from "./known-names.ts";
import { ProblemError, type ParameterError } from "./problem.ts";

/** A part of a request. */
export type InputPlace = NonNullable<ParameterError["in"]>;

type Issue = z.core.$ZodIssue;

/** The issue of a name that the input must not have; see {@link inputProblem}. */
export const unknownNames = (keys: string[]): Issue => ({
  code: "unrecognized_keys",
  keys,
  path: [],
  message: "",
});

/** A problem that names every wrong parameter of a part of the request, which `schema` has checked. */
export function inputProblem(
  issues: readonly Issue[],
  place: InputPlace,
  schema: z.ZodType | undefined,
): ProblemError {
  const errors = issues
    .flatMap((issue) => errorsOf(issue, [], schema))
    .map((error) => ({ in: place, ...error }));
  const [first] = errors;
  return new ProblemError(400, `${first?.parameter}: ${first?.reason}`, errors);
}

function errorsOf(
  issue: Issue,
  above: readonly PropertyKey[],
  schema: z.ZodType | undefined,
): Omit<ParameterError, "in">[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = schema === undefined ? [] : namesAt(schema, path);
    return issue.keys.map((key) => ({
      parameter: placeOf([...path, key]),
      reason: unknownReason(key, known),
    }));
  }
  const branch = issue.code === "invalid_union" ? branchOf(issue) : null;
  if (branch !== null) return branch.flatMap((inner) => errorsOf(inner, path, schema));
  return [{ parameter: placeOf(path), reason: reasonOf(issue) }];
}

/** A place in the input as programmers write it: `rows[3].email`; `body` for all of it. */
function placeOf(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return text.replace(/^\./, "") || "body";
}

function unknownReason(key: string, known: readonly string[] | null): string {
  if (known === null || known.length === 0) return "there is no such parameter; this takes none";
  const near = nearestOf(key, known);
  const meant = near === null ? "" : `; did you mean \`${near}\`?`;
  return `there is no such parameter${meant}${near === null ? "; there" : " There"} are ${known.join(", ")}`;
}

/**
 * The reasons of the one form of a union that the input comes nearest to: the one with the fewest missing and unknown
 * names. Null if no form is nearer than another, so that the union's own words must do.
 */
function branchOf({ errors }: z.core.$ZodIssueInvalidUnion): Issue[] | null {
  const scored = errors.map((issues) => ({
    issues,
    alien: issues.reduce((sum, one) => sum + alienIn(one), 0),
  }));
  const [best, second] = scored.toSorted((a, b) => a.alien - b.alien);
  if (best === undefined) return null;
  return second === undefined || best.alien < second.alien ? best.issues : null;
}

function alienIn(issue: Issue): number {
  if (issue.code === "unrecognized_keys") return issue.keys.length;
  if (issue.path.length === 0) return 2;
  return isMissing(issue) ? 1 : 0;
}

const isMissing = (issue: Issue): boolean => issue.code === "invalid_type" && issue.input === undefined;

/** What is wrong, and what would be right. */
export function reasonOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      if (isMissing(issue)) return plain(issue.message, "is missing");
      return plain(issue.message, `must be ${KINDS[issue.expected] ?? issue.expected}`);
    case "too_big":
      return figureOf(issue, `at most ${issue.maximum}`) ?? issue.message;
    case "too_small":
      return plain(
        issue.message,
        figureOf(issue, `at least ${issue.minimum}`) ?? `must be at least ${issue.minimum}`,
      );
    case "invalid_value":
      return valueReason(issue);
    default:
      return plain(issue.message, "has a wrong form");
  }
}

/** The schema's own words; others if it has none, because zod's are written for programmers. */
function plain(message: string, otherwise: string): string {
  return /^(Invalid |Too (big|small))/.test(message) ? otherwise : message;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** The length of a text or a list, and the limit; null for other values. */
function figureOf({ input }: Issue, limit: string): string | null {
  if (typeof input === "string") return `is ${input.length} characters long; ${limit}`;
  return Array.isArray(input) ? `holds ${input.length} values; ${limit}` : null;
}

function valueReason({ input, values, message }: z.core.$ZodIssueInvalidValue): string {
  const words = plain(message, `must be one of ${values.map(String).join(", ")}`);
  const near = typeof input === "string" ? nearestOf(input, values.map(String)) : null;
  return near === null ? words : `${words}; did you mean ${near}?`;
}
