// Filters: which events a pipe passes on. A filter is an expression in CEL (cel.dev) over the event's fields and what
// is known about its message and contact. It is checked when it is saved, never throws when it is evaluated, and never
// becomes code.

import { fail, ok, type Result } from "../../lib/result.ts";
import { lookThrough, MOST_STEPS } from "./cost.ts";
import { failureOf, mistakeIn, placeOf } from "./errors.ts";
import { impossibleIn } from "./impossible.ts";
import { environment, VARIABLES, type Lookups, type Needs } from "./variables.ts";
import { HIDDEN, hideWords } from "./reserved-words.ts";
import type { Words } from "./words.ts";

export { MOST_STEPS };
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

/** An expression of any type that was checked: what templates are made of. Only {@link compileExpression} makes one. */
export interface Expression {
  text: string;
  names: readonly string[];
  /** The steps that it may take at worst, of {@link MOST_STEPS}. */
  steps: number;
  run: Filter["run"];
}

/**
 * Compiles a filter. Fails with what is wrong, and where, in words for people. `words`: given when a filter is saved, so
 * that one which comes out the same for every event is refused; one that is literally `true` or `false` is meant so.
 */
export function compileFilter(text: string, words?: Words): Result<Filter> {
  const parsed = parse(text, words);
  if (!parsed.ok) return parsed;
  const { names, type, run } = parsed.value;
  if (type !== "bool") return fail(notBool(type));
  if (words !== undefined && names.length === 0 && !/^(?:true|false)$/.test(text.trim()))
    return fail("reads no field, so it is the same for every event: write true or false if you mean that");
  const needs = {
    message: names.includes("message"),
    suppression: names.includes("suppressed") || names.includes("suppression"),
  };
  return ok({ text, needs, names, run });
}

/** What filters look up, which a body does not have. */
const LOOKED_UP: ReadonlySet<string> = new Set(["message", "suppressed", "suppression"]);

/** Compiles an expression over the event alone. Fails like {@link compileFilter}. */
export function compileExpression(text: string): Result<Expression> {
  const parsed = parse(text);
  if (!parsed.ok) return parsed;
  const { names, steps, run } = parsed.value;
  const beyond = names.find((name) => LOOKED_UP.has(name));
  return beyond === undefined ? ok({ text, names, steps, run }) : fail(`${beyond} is known to filters alone`);
}

interface Parsed {
  names: string[];
  type: string | undefined;
  steps: number;
  run: Filter["run"];
}

function parse(text: string, words?: Words): Result<Parsed> {
  if (text.length > LONGEST_FILTER) return fail(`must not be longer than ${LONGEST_FILTER} characters`);
  if (text.trim() === "") return fail("must not be empty");
  const hidden = hideWords(text);
  if (!hidden.ok) return hidden;
  try {
    const env = environment();
    const parsed = env.parse(hidden.value);
    const checked = parsed.check();
    if (!checked.valid) return fail(mistakeIn(text, checked.error));
    const { names, refusal, steps } = lookThrough(parsed.ast, hidden.value, env);
    if (refusal !== null) return fail(refusal.reason + placeOf(text, refusal.at));
    const impossible = words === undefined ? null : impossibleIn(parsed.ast, words);
    if (impossible !== null) return fail(impossible.reason + placeOf(text, impossible.at));
    return ok({
      names: [...names].filter((name) => VARIABLES.has(name)),
      type: checked.type,
      steps,
      run: parsed,
    });
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
    const value = filter.run(contextOf(filter.names, event, facts));
    return typeof value === "boolean" ? ok(value) : fail("is neither true nor false here");
  } catch (error) {
    return fail(failureOf(filter.text, error));
  }
}

/** What an expression is for an event, as a value of CEL; null if it cannot be told, as with a field that is missing. */
export function valueIn({ names, run }: Expression, event: Readonly<Record<string, unknown>>): unknown {
  try {
    return run(contextOf(names, event, {}));
  } catch {
    return null;
  }
}

function contextOf(
  names: readonly string[],
  event: Readonly<Record<string, unknown>>,
  facts: Lookups,
): Record<string, unknown> {
  return Object.fromEntries(
    names.map((name) => [name === "type" ? HIDDEN.type : name, VARIABLES.get(name)?.value(event, facts)]),
  );
}
