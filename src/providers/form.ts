// Parameters of a query or of a form body (application/x-www-form-urlencoded).

import type { JsonObject } from "./json.ts";

/**
 * The parameters as an object, decoded as UTF-8 by https://url.spec.whatwg.org/#urlencoded-parsing, which never fails:
 * a bad escape stays as it is written. A repeated parameter comes as an array.
 */
export function readParameters(encoded: string): JsonObject {
  const parameters = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(encoded)) {
    const before = parameters.get(name);
    if (before === undefined) parameters.set(name, value);
    else if (typeof before === "string") parameters.set(name, [before, value]);
    else before.push(value);
  }
  return Object.fromEntries(parameters); // defines own fields, also one that is called "__proto__"
}

/** What stands between "?" and "#" of a URL. */
export function queryOf(url: string): string {
  const whole = url.split("#", 1)[0] ?? "";
  const mark = whole.indexOf("?");
  return mark < 0 ? "" : whole.slice(mark + 1);
}
