// Input that no sender should send and any sender may: malformed credentials, values that break naive parsers, deep
// nesting.

import * as fc from "fast-check";
import { parseExact } from "../../src/providers/kit/json.ts";
import type { Case } from "./provider-cases.ts";

const latin1 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/**
 * Values of the Authorization header that show no secret: bad base64, no colon, bytes that are not UTF-8, emoji; or one
 * of `user:password` and `token`, but not in the way that its scheme has it.
 */
export const MALFORMED_AUTHORIZATIONS: readonly string[] = [
  "|Basic|Basic |Bearer|Bearer  |Digest x|Basic %%%|Basic é|Bearer \u00ff\u00fe|Bearer null|undefined".split(
    "|",
  ),
  "Basic Og==|Basic Ojo=|Basic bm9jb2xvbg==|Basic /w==|Basic 8J+YgDrwn5iA|Basic a:b|Basic ===".split("|"),
  "Basic token|Basic dG9rZW4=|Bearer dXNlcjpwYXNzd29yZA==|Bearer token x|xBearer token|x Bearer token".split(
    "|",
  ),
  [`Basic ${"A".repeat(9000)}`, `Bearer ${" ".repeat(9000)}`, latin1("Bearer 😀")],
].flat();

/** JSON text of objects within objects. */
export const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

const TEXTS = ["", " ", "\0", "0", "1e999", "<", "{", "\ud800", "a\ud800@example.com", "ada@example.com"];
const LONG_TEXTS = ["x".repeat(70_000), `${"<".repeat(9000)}@`, `${"a@".repeat(9000)}b`, nested(2000)];
const POLLUTERS = ["__proto__", "constructor", '{"__proto__":{"polluted":1}}'];
const NUMBERS = [0, -1, 5, 1e308, 1e21, 2 ** 53, true, false, null];
const STRUCTURES: readonly unknown[] = [
  [[], {}, [[["a"]]], ["a".repeat(5000)], { toString: 1, length: 1e9 }],
  [JSON.parse(nested(900)), JSON.parse('{"__proto__":{"polluted":1}}')],
].flat();

/** Elements of the fixtures with hostile values in some of their fields, among arbitrary JSON. */
export function hostileElements(cases: readonly Case[]): fc.Arbitrary<unknown[]> {
  const samples = cases.filter(({ json }) => json).flatMap(({ body }) => parseExact(body));
  const objects = samples.filter((sample) => typeof sample === "object" && sample !== null);
  const names = [...new Set([...objects.flatMap(Object.keys), "__proto__", "constructor", "id", "tags"])];
  const hostile = fc.constantFrom(...TEXTS, ...LONG_TEXTS, ...POLLUTERS, ...NUMBERS, ...STRUCTURES);
  const value = fc.oneof(hostile, fc.jsonValue(), fc.string({ unit: "binary" }));
  const changes = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 4 });
  const mutant = fc
    .tuple(fc.constantFrom(...objects), changes)
    .map(([sample, changed]) => Object.fromEntries([...Object.entries(sample), ...changed]));
  return fc.array(fc.oneof({ arbitrary: mutant, weight: 3 }, { arbitrary: fc.jsonValue(), weight: 1 }));
}
