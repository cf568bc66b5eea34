// Filters: which events a pipe passes on. A filter is an expression in CEL (cel.dev) over the event's fields and what
// is known about its message and contact. It is checked when it is saved, never throws when it is evaluated, and never
// becomes code.

import { fail, ok, type Result } from "../../lib/result.ts";
import { lookThrough } from "./cost.ts";
import { failureOf, mistakeIn, placeOf } from "./errors.ts";
import { impossibleIn } from "./impossible.ts";
import { environment, VARIABLES, type Lookups, type Needs } from "./variables.ts";
import { HIDDEN, hideWords } from "./reserved-words.ts";
import type { Words } from "./words.ts";

export type { Lookups, Needs } from "./variables.ts";

/** The most characters of a filter. */
export const LONGEST_FILTER = 4_000;

/** A filter that was checked. Only {@link compileFilter} makes one. */
export interface Filter {
  text: string;
  /** What must be looked up for {@link evaluate}, if the event alone does not decide. */
  needs: Needs;
  /** The variables that it reads. */
  names: readonly string[];
  run(context: Readonly<Record<string, unknown>>): unknown;
}

/**
 * Compiles a filter. Fails with what is wrong, and where, in words for people. `words`: given when a filter is saved, so
 * that one which comes out the same for every event is refused; one that is literally `true` or `false` is meant so.
 */
export function compileFilter(text: string, words?: Words): Result<Filter> {
  if (text.length > LONGEST_FILTER) return fail(`must not be longer than ${LONGEST_FILTER} characters`);
  if (text.trim() === "") return fail("must not be empty");
  const hidden = hideWords(text);
  if (!hidden.ok) return hidden;
  try {
    const env = environment();
    const parsed = env.parse(hidden.value);
    const checked = parsed.check();
    if (!checked.valid) return fail(mistakeIn(text, checked.error));
    const { names, refusal } = lookThrough(parsed.ast, hidden.value, env);
    if (refusal !== null) return fail(refusal.reason + placeOf(text, refusal.at));
    if (checked.type !== "bool") return fail(notBool(checked.type));
    const impossible = words === undefined ? null : impossibleIn(parsed.ast, words);
    if (impossible !== null) return fail(impossible.reason + placeOf(text, impossible.at));
    if (words !== undefined && names.size === 0 && !/^(?:true|false)$/.test(text.trim()))
      return fail("reads no field, so it is the same for every event: write true or false if you mean that");
    const needs = {
      message: names.has("message"),
      suppression: names.has("suppressed") || names.has("suppression"),
    };
    return ok({ text, needs, names: [...names].filter((name) => VARIABLES.has(name)), run: parsed });
  } catch (error) {
    return fail(mistakeIn(text, error));
  }
}

function notBool(type = "dyn"): string {
  const plain = /^dyn<(\w+)>$/.exec(type)?.[1];
  if (plain === "bool") return "must be true or false, but may be null: write machine == true";
  return plain === undefined && type.startsWith("dyn")
    ? "must be true or false, which cannot be told of it: compare it with something"
    : `must be true or false, but is a ${plain ?? type}`;
}

/**
 * Whether the filter lets an event through. `event`: as /v1/events shows it, or a system event; `facts`: what was
 * looked up. Never throws: fails with a reason, which holds none of the event's values.
 */
export function evaluate(
  filter: Filter,
  event: Readonly<Record<string, unknown>>,
  facts: Lookups = {},
): Result<boolean> {
  if (filter.needs.message && facts.message === undefined) return fail("the message was not looked up");
  if (filter.needs.suppression && facts.suppression === undefined)
    return fail("the suppression was not looked up");
  try {
    const context: Record<string, unknown> = {};
    for (const name of filter.names)
      context[name === "type" ? HIDDEN.type : name] = VARIABLES.get(name)?.value(event, facts);
    const value = filter.run(context);
    return typeof value === "boolean" ? ok(value) : fail("is neither true nor false here");
  } catch (error) {
    return fail(failureOf(filter.text, error));
  }
}
