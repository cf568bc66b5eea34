// JSON without losing digits. Message ids of 17 to 19 digits are beyond 2^53, where a double cannot hold them:
// JSON.parse("19421777396190490") is 19421777396190492. The reviver's source text keeps what was sent.

import { fail, ok, type Result } from "../model/result.ts";

/** A digit run that might be a number beyond 2^53: only then is the (seven times slower) reviver worth its price. */
const LONG_NUMBER = /(?:^|[:,[])\s*-?\d{16}/;

/** Parses JSON; integers beyond 2^53 come as strings of their digits. Throws SyntaxError, RangeError when too deep. */
export function parseExact(text: string): unknown {
  return LONG_NUMBER.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

function keepDigits(_key: string, value: unknown, context: { source: string }): unknown {
  return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)
    ? context.source
    : value;
}

/** Parses JSON so that JSON.stringify gives every number back as it was written. */
export function parseVerbatim(text: string): unknown {
  return JSON.parse(text, verbatimNumber);
}

function verbatimNumber(_key: string, value: unknown, context: { source: string }): unknown {
  return typeof value === "number" && String(value) !== context.source ? JSON.rawJSON(context.source) : value;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Body bytes as text; a byte order mark is dropped. */
export function readText(body: Uint8Array): Result<string> {
  try {
    return ok(utf8.decode(body));
  } catch {
    return fail("the body is not UTF-8");
  }
}

/** Body bytes as a JSON value, see {@link parseExact}. */
export function readJson(body: Uint8Array, parse: (text: string) => unknown = parseExact): Result<unknown> {
  const text = readText(body);
  return text.ok ? readJsonText(text.value, parse) : text;
}

/** The same for text that travels inside something else: a form's field, one line of many. */
export function readJsonText(text: string, parse: (text: string) => unknown = parseExact): Result<unknown> {
  try {
    return ok(parse(text));
  } catch (error) {
    return fail(error instanceof RangeError ? "the JSON is nested too deeply" : "the body is not JSON");
  }
}

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON text of a value, or a marker where it cannot be written (nested too deeply). */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return '"(nested too deeply to show)"';
  }
}
