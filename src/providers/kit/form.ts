// Reads the parameters of a query or of a form body (application/x-www-form-urlencoded or multipart/form-data).

import { fail, ok, type Result } from "../../lib/result.ts";
import type { JsonObject } from "./json.ts";
import { isMultipart, readMultipart } from "./multipart.ts";

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

/**
 * The names and values of a form body in their order, in either encoding; bytes that are not UTF-8 become U+FFFD. Fails
 * if the form has more than `most` fields, or is multipart and cannot be read.
 */
export function formPairs(body: Uint8Array, most: number = MOST_PARAMETERS): Result<[string, string][]> {
  if (isMultipart(body)) return readMultipart(body);
  const form = new TextDecoder().decode(body);
  return holdsMore(form, most)
    ? fail(`more than ${most} fields in one form`)
    : ok([...new URLSearchParams(form)]);
}

/** The fields of a form body in either encoding, as {@link readParameters} gives them. */
export function readForm(body: Uint8Array, most?: number): Result<JsonObject> {
  const pairs = formPairs(body, most);
  return pairs.ok ? ok(collect(pairs.value)) : pairs;
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
