// Parses JSON without losing digits. Message ids of 17 to 19 digits are beyond 2^53, where a double cannot hold them:
// JSON.parse("19421777396190490") is 19421777396190492. So such numbers are put into quotes before parsing, which costs
// a third of what a reviver with source text costs. Where they must stay numbers, that reviver writes them as they
// came.

import { holdsTooMany, MOST_VALUES } from "../../lib/json-size.ts";
import { fail, ok, type Result } from "../../lib/result.ts";

/** An integer long enough to be beyond 2^53, in a place where JSON allows a value. */
const LONG_INTEGER = /([:,[]\s*)(-?[1-9]\d{15,})(?=\s*[,}\]])/g;

/**
 * Parses JSON and returns integers beyond 2^53 as strings of their digits. Throws SyntaxError, or RangeError if the
 * JSON is nested too deeply.
 */
export function parseExact(text: string): unknown {
  return JSON.parse(quoteLongIntegers(text));
}

/** The text with integers beyond 2^53 put into quotes; digits inside of a string stay as they are. */
function quoteLongIntegers(text: string): string {
  let inString = false;
  let quote = text.indexOf('"'); // the next one that was not looked at yet; it is searched for once, so this is one pass
  return text.replace(LONG_INTEGER, (whole: string, before: string, digits: string, index: number) => {
    for (; quote >= 0 && quote < index; quote = text.indexOf('"', quote + 1))
      if (!inString || !isEscaped(text, quote)) inString = !inString;
    return inString || Number.isSafeInteger(Number(digits)) ? whole : `${before}"${digits}"`;
  });
}

/** Whether the quote is escaped: an odd number of backslashes precedes it. */
function isEscaped(text: string, quote: number): boolean {
  let at = quote;
  while (text[at - 1] === "\\") at -= 1;
  return (quote - at) % 2 === 1;
}

/** Parses JSON so that JSON.stringify writes every number as it was written. Throws as {@link parseExact} does. */
export function parseVerbatim(text: string): unknown {
  return JSON.parse(text, verbatimNumber);
}

function verbatimNumber(_key: string, value: unknown, context: { source: string }): unknown {
  return typeof value === "number" && String(value) !== context.source ? JSON.rawJSON(context.source) : value;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The body as text, without its byte order mark; fails if it is not UTF-8. */
export function readText(body: Uint8Array): Result<string> {
  try {
    return ok(utf8.decode(body));
  } catch {
    return fail("the body is not UTF-8");
  }
}

/**
 * The body as a JSON value, by default parsed with {@link parseExact}; fails if it is not UTF-8 or not JSON, or holds
 * more values than memory does.
 */
export function readJson(body: Uint8Array, parse: (text: string) => unknown = parseExact): Result<unknown> {
  const text = readText(body);
  return text.ok ? readJsonText(text.value, parse) : text;
}

/** The same for text that is embedded in something else: a form's field, one line of many. */
export function readJsonText(text: string, parse: (text: string) => unknown = parseExact): Result<unknown> {
  if (holdsTooMany(text)) return fail(`more than ${MOST_VALUES} values in one JSON`);
  try {
    return ok(parse(text));
  } catch (error) {
    return fail(error instanceof RangeError ? "the JSON is nested too deeply" : "the body is not JSON");
  }
}

/** An object of JSON whose fields are not checked yet. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is an object, and neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The JSON text of a value, or a marker if it cannot be written (nested too deeply). */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return '"(nested too deeply to show)"';
  }
}
