// What is wrong with a filter, in words for people. When it fails on an event, the reason must hold no value of the
// event, because a value may be an address; types, and names in the filter, say enough.

import { EvaluationError, ParseError, TypeError as CelTypeError } from "@marcbachmann/cel-js";
import { showWords, tokensOf } from "./reserved-words.ts";

const TOKENS: Record<string, string> = {
  EOF: "the end of the filter",
  LPAREN: '"("',
  RPAREN: '")"',
  LBRACKET: '"["',
  RBRACKET: '"]"',
  LBRACE: '"{"',
  RBRACE: '"}"',
  DOT: '"."',
  COMMA: '","',
  COLON: '":"',
  QUESTION: '"?"',
  IDENTIFIER: "a name",
  NUMBER: "a number",
  STRING: "a string",
};

/** A position in the text, in words: ` (line 1, column 6)`. */
export function placeOf(text: string, index: number): string {
  const lines = text.slice(0, index).split("\n");
  return ` (line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1})`;
}

/** What other languages write, and what CEL writes in its place. */
const OTHER_LANGUAGES: Readonly<Record<string, string>> = {
  AND: "&&",
  and: "&&",
  "&": "&&",
  OR: "||",
  or: "||",
  "|": "||",
  NOT: "!",
  not: "!",
  "=": "==",
  "===": "==",
  "!==": "!=",
  "<>": "!=",
  IN: "in",
  TRUE: "true",
  True: "true",
  FALSE: "false",
  False: "false",
  NULL: "null",
  None: "null",
  IS: "==",
  is: "==",
  LIKE: 'contains("..."), startsWith("...") or matches("...")',
};

/** The first operator of another language in a filter that cannot be compiled, with CEL's; null if there is none. */
function otherLanguageIn(text: string): string | null {
  let at = 0;
  let before = "";
  for (const token of tokensOf(text)) {
    const right =
      before === "." || !Object.hasOwn(OTHER_LANGUAGES, token) ? undefined : OTHER_LANGUAGES[token];
    if (right !== undefined) return `write ${right} in place of ${token}${placeOf(text, at)}`;
    at += token.length;
    if (token.trim() !== "") before = token;
  }
  return null;
}

/** Why a filter cannot be compiled. */
export function mistakeIn(text: string, error: unknown): string {
  const other = otherLanguageIn(text);
  if (other !== null) return other;
  if (!(error instanceof ParseError || error instanceof CelTypeError)) return "is nested too deeply";
  const place = error.range === undefined ? "" : placeOf(text, error.range.start);
  return plain(error.summary) + place;
}

/** Errors whose messages hold only types and positions. */
const WITHOUT_VALUES = new Set([
  "no_such_overload",
  "no_matching_overload",
  "invalid_logical_operand",
  "invalid_condition_type",
  "invalid_comprehension_range",
  "division_by_zero",
  "modulo_by_zero",
  "invalid_timestamp",
  "int_conversion_error",
  "double_conversion_error",
]);

/** Why a filter failed on an event, without any of the event's values. */
export function failureOf(text: string, error: unknown): string {
  if (!(error instanceof EvaluationError)) return "failed";
  const place = error.range === undefined ? "" : placeOf(text, error.range.start);
  return (WITHOUT_VALUES.has(error.code) ? plain(error.summary) : named(error)) + place;
}

function named({ code, node }: EvaluationError): string {
  // A member's name stands in the filter; a key in brackets may come from the event.
  if (code === "no_such_key" && node?.op === "." && /^\w+$/.test(node.args[1]))
    return `there is no ${node.args[1]} here`;
  return code.replaceAll("_", " ");
}

function plain(summary: string): string {
  return showWords(summary)
    .replaceAll("google.protobuf.Timestamp", "timestamp")
    .replaceAll("google.protobuf.Duration", "duration")
    .replaceAll("dyn<null>", "null")
    .replaceAll(/dyn<(\w+)>/g, "$1")
    .replace(/^(Expected|Unexpected token:) (\w+)(, got )?(\w+)?$/, (_, ...[verb, first, got, second]) =>
      [verb, wordOf(first), ...(got === undefined ? [] : ["but found", wordOf(second)])].join(" "),
    )
    .replace(/^Unknown variable:/, "unknown name:")
    .replace(/^No such key:/, "unknown field:")
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

const wordOf = (token: unknown): string => TOKENS[String(token)] ?? String(token).toLowerCase();
