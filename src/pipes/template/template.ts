// Bodies of a person's own: a JSON document in whose texts `{{ }}` holds expressions in CEL, the language of filters.
// The document is built as values and written as JSON at the end, so no address and no text of a sender can break out of
// its place. A string that is one expression becomes that expression's value: a number, a list, null.
//
// A template language with JSON escaping beside CEL would be a second language to learn and to bound; those that exist
// compile to code, which Workers do not run, or escape for HTML.

import { fail, ok, type Result } from "../../lib/result.ts";
import { compileExpression, MOST_STEPS, type Expression } from "../filter/filter.ts";
import { splitText } from "./split.ts";

/** The most characters of a template as JSON, how many expressions it may hold, and how deep it may be nested. */
export const LONGEST_TEMPLATE = 16_000;
const MOST_EXPRESSIONS = 200;
const DEEPEST = 30;

/** A part of a compiled template. */
export type TemplateNode =
  | { is: "fixed"; value: string | number | boolean | null }
  | { is: "list"; items: readonly TemplateNode[] }
  | { is: "object"; fields: readonly (readonly [string, TemplateNode])[] }
  /** A string that is one expression. */
  | { is: "value"; of: Expression }
  /** Texts and expressions, one after the other. */
  | { is: "text"; parts: readonly (string | Expression)[] };

/** A template that was checked. Only {@link compileTemplate} makes one. */
export interface Template {
  root: TemplateNode;
}

/** What is wrong with a template. `path`: where, as names and numbers from its root. */
export interface TemplateMistake {
  path: (string | number)[];
  reason: string;
}

/** Compiles a template: a JSON document, or the text of one. Fails with every mistake. */
export function compileTemplate(given: unknown): Result<Template, TemplateMistake[]> {
  const refused = (reason: string): Result<Template, TemplateMistake[]> => fail([{ path: [], reason }]);
  const text = typeof given === "string" ? given : JSON.stringify(given);
  if (text.length > LONGEST_TEMPLATE) return refused("must have at most 16,000 characters as JSON");
  let document: unknown = given;
  try {
    if (typeof given === "string") document = JSON.parse(given);
  } catch (error) {
    return refused(whyNoJson(given as string, error));
  }
  const mistakes: TemplateMistake[] = [];
  const work = { expressions: 0, steps: 0 };
  const root = compileNode(document, [], { mistakes, work });
  if (work.expressions > MOST_EXPRESSIONS)
    return refused(`must hold at most ${MOST_EXPRESSIONS} expressions`);
  if (work.steps > MOST_STEPS) return refused("asks for too much work: loops within loops over long lists");
  return mistakes.length > 0 ? fail(mistakes) : ok({ root });
}

interface Compiling {
  mistakes: TemplateMistake[];
  work: { expressions: number; steps: number };
}

function compileNode(value: unknown, path: (string | number)[], compiling: Compiling): TemplateNode {
  if (path.length > DEEPEST) return mistake(compiling, path, "is nested too deeply");
  if (typeof value === "string") return compileText(value, path, compiling);
  if (Array.isArray(value))
    return { is: "list", items: value.map((item, index) => compileNode(item, [...path, index], compiling)) };
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, inner]): [string, TemplateNode] => {
      const inside = [...path, name];
      if (name.includes("{{")) return [name, mistake(compiling, inside, "must not hold {{ }} in a name")];
      return [name, compileNode(inner, inside, compiling)];
    });
    return { is: "object", fields };
  }
  return { is: "fixed", value: value as number | boolean | null };
}

function compileText(text: string, path: (string | number)[], compiling: Compiling): TemplateNode {
  const pieces = splitText(text);
  if (!pieces.ok) return mistake(compiling, path, pieces.reason);
  const parts: (string | Expression)[] = [];
  for (const piece of pieces.value) {
    if (typeof piece === "string") {
      parts.push(piece);
      continue;
    }
    compiling.work.expressions += 1;
    if (compiling.work.expressions > MOST_EXPRESSIONS) break;
    const compiled = compileExpression(piece.expression);
    if (!compiled.ok)
      return mistake(compiling, path, `{{${piece.expression.slice(0, 80)}}}: ${compiled.reason}`);
    compiling.work.steps += compiled.value.steps;
    parts.push(compiled.value);
  }
  const [only] = parts;
  if (parts.length === 1 && typeof only === "object") return { is: "value", of: only };
  return parts.every((part) => typeof part === "string")
    ? { is: "fixed", value: parts.join("") }
    : { is: "text", parts };
}

function mistake({ mistakes }: Compiling, path: (string | number)[], reason: string): TemplateNode {
  mistakes.push({ path, reason });
  return { is: "fixed", value: null };
}

function whyNoJson(text: string, error: unknown): string {
  const bare = /[:[,]\s*(\{\{[^{}"]{0,80}\}\})/.exec(text)?.[1];
  if (bare !== undefined)
    return `is not JSON: write ${bare} in quotes, "${bare}"; alone in its quotes it becomes a number, a list or null as well`;
  const place = / at position \d+.*$/.exec(error instanceof Error ? error.message : "")?.[0] ?? "";
  return `is not JSON${place}: a template is a JSON document, and {{ }} stands within its texts`;
}
