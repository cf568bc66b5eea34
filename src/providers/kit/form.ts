// Reads the parameters of a query or of a form body (application/x-www-form-urlencoded or multipart/form-data).

import { fail, ok, type Result } from "../../lib/result.ts";
import type { JsonObject } from "./json.ts";

/**
 * The most parameters that are read. Real reports have fewer than a hundred, and 5 MB of tiny ones would not fit into
 * the Worker's memory.
 */
const MOST_PARAMETERS = 10_000;

/**
 * The parameters as an object, decoded as UTF-8 by https://url.spec.whatwg.org/#urlencoded-parsing: a bad escape stays
 * as it is written. A repeated parameter becomes an array. Fails only if there are more parameters than any report has.
 */
export function readParameters(encoded: string): Result<JsonObject> {
  return holdsMore(encoded, MOST_PARAMETERS)
    ? fail(`more than ${MOST_PARAMETERS} fields in one form`)
    : ok(collect(new URLSearchParams(encoded)));
}

/** Whether an encoded form may have more than `most` parameters. */
export function holdsMore(encoded: string, most: number): boolean {
  let marks = 0;
  for (let at = encoded.indexOf("&"); at >= 0 && marks < most; at = encoded.indexOf("&", at + 1)) marks += 1;
  return marks >= most;
}

const LONGEST_PART_HEADER = 1_000;
/** The most parts that are read: no report has as many. */
const MOST_PARTS = 1_000;

/**
 * The fields of multipart/form-data (RFC 7578) in the same shape, without files. The boundary is taken from the body's
 * first line, so the content-type is not needed. Null if the body does not begin with a boundary.
 */
export function readMultipart(body: string): JsonObject | null {
  const boundary = /^--[^\r\n]{1,70}(?=\r?\n)/.exec(body)?.[0];
  if (boundary === undefined) return null;
  const fields: [string, string][] = [];
  for (const part of `\n${body}`.split(`\n${boundary}`, MOST_PARTS)) {
    const [gap] = /\r?\n\r?\n/.exec(part.slice(0, LONGEST_PART_HEADER)) ?? [];
    if (gap === undefined) continue;
    const end = part.indexOf(gap);
    const header = part.slice(0, end);
    const name = /;\s*name="([^"]*)"/i.exec(header)?.[1];
    if (name === undefined || /;\s*filename/i.test(header)) continue;
    fields.push([name, part.slice(end + gap.length).replace(/\r$/, "")]);
  }
  return collect(fields);
}

function collect(pairs: Iterable<[string, string]>): JsonObject {
  const parameters = new Map<string, string | string[]>();
  for (const [name, value] of pairs) {
    const before = parameters.get(name);
    if (before === undefined) parameters.set(name, value);
    else if (typeof before === "string") parameters.set(name, [before, value]);
    else before.push(value);
  }
  return Object.fromEntries(parameters); // defines own fields, even one named "__proto__"
}

/** The part of a URL between "?" and "#"; "" if it has no query. */
export function queryOf(url: string): string {
  const whole = url.split("#", 1)[0] ?? "";
  const mark = whole.indexOf("?");
  return mark < 0 ? "" : whole.slice(mark + 1);
}
