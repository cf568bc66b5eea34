// The fields of one row, whatever it was written in: by the plain names of columns.ts, with what is nested in an object
// of JSON brought to the top.

import { plainName } from "./columns.ts";

/** The values of a row by their plain names. Empty texts and null are left out. */
export type Fields = ReadonlyMap<string, unknown>;

/** A row of a list. `line`: of a text, from 1; of JSON, the place in the list. */
export interface Row {
  line: number;
  /** Null if the row is not an object. */
  fields: Fields | null;
  /** The name of the list that it was in, such as "bounces"; null if it has none. */
  list: string | null;
}

/** The first field with one of these names that has a value; undefined if none has. */
export function first(fields: Fields, names: readonly string[]): unknown {
  for (const name of names) {
    const value = fields.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A value as a trimmed text; undefined if it is neither a text nor a number, or is blank. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  const text = typeof value === "string" ? value.trim() : "";
  return text === "" ? undefined : text;
}

/** Objects whose fields are the row's own: MailerSend's `recipient`, Azure's `properties`. */
const NESTED = new Set(["recipient", "properties", "contact", "subscriber", "suppression", "member"]);
/** The texts in which a nested reason (Brevo) gives its word and its words. */
const OF_REASON = { code: "reason", message: "description" } as const;

/** The fields of a value of JSON: of an object, or of a text that is an address. Null if it is neither. */
export function fieldsOf(value: unknown): Fields | null {
  if (typeof value === "string") return new Map([["address", value]]);
  if (!isObject(value)) return null;
  const fields = new Map<string, unknown>();
  for (const [name, content] of Object.entries(value)) {
    const plain = plainName(name);
    if (isObject(content) && NESTED.has(plain)) addAll(fields, Object.entries(content));
    else if (isObject(content) && plain === "reason")
      addAll(
        fields,
        Object.entries(OF_REASON).map(([from, to]) => [to, content[from]]),
      );
    else set(fields, plain, content);
  }
  return fields;
}

/** The names of a value's fields as they were written. */
export function namesOf(value: unknown): string[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, content]) =>
    isObject(content) && NESTED.has(plainName(name)) ? Object.keys(content) : [name],
  );
}

function addAll(fields: Map<string, unknown>, entries: readonly [string, unknown][]): void {
  for (const [name, content] of entries)
    if (!fields.has(plainName(name))) set(fields, plainName(name), content);
}

function set(fields: Map<string, unknown>, name: string, value: unknown): void {
  if (value !== null && value !== undefined && value !== "") fields.set(name, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
