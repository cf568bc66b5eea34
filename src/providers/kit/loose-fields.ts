// Fields without a fixed spelling: customers choose JangoMail's parameter names, and every home-made system has its
// own. One look-up that ignores case and separators serves them all.

import { text, time } from "./fields.ts";
import type { JsonObject } from "./json.ts";
import { memoize } from "../../lib/memoize.ts";

/** The values that are not empty, by plain name. */
export type NamedFields = ReadonlyMap<string, unknown>;

/** The name without case and separators: `Email_Address`, `email-address` and `emailAddress` are one name. */
export const plainName = memoize((name) => name.toLowerCase().replaceAll(/[-_.\s]/g, ""));

/** The fields of the objects that are not empty, by plain name; if several share a name, the first one. */
export function byName(...objects: readonly JsonObject[]): NamedFields {
  const fields = new Map<string, unknown>();
  for (const object of objects) {
    for (const [name, value] of Object.entries(object)) {
      const plain = plainName(name);
      if (!isEmpty(value) && !fields.has(plain)) fields.set(plain, value);
    }
  }
  return fields;
}

/** Whether a value carries no information: it is absent, blank, or a list of such values. */
export function isEmpty(value: unknown): boolean {
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value)) return value.every((item) => item === null || item === "");
  return value === undefined || value === null;
}

/** The value of the first of the named fields that is not empty, by its exact name; undefined if all are empty. */
export function filled(object: JsonObject, ...names: readonly string[]): unknown {
  for (const name of names) if (!isEmpty(object[name])) return object[name];
  return undefined;
}

/** The value of the first of the named fields that is present, of any type; undefined if none is. */
export function firstValue(fields: NamedFields, names: readonly string[]): unknown {
  for (const name of names) if (fields.has(name)) return fields.get(name);
  return undefined;
}

/** The texts of the named fields, in the order of the names; of a list the first item is taken. */
export function texts(fields: NamedFields, names: readonly string[], longest?: number): string[] {
  const values: string[] = [];
  for (const name of names) {
    const value = fields.has(name) ? text(single(fields.get(name)), longest) : null;
    if (value !== null) values.push(value);
  }
  return values;
}

/** The first of the named fields that is a text; null if none is. */
export function firstText(fields: NamedFields, names: readonly string[], longest?: number): string | null {
  for (const name of names) {
    const value = fields.has(name) ? text(single(fields.get(name)), longest) : null;
    if (value !== null) return value;
  }
  return null;
}

/**
 * The first of the named fields that is a time, in ms; the text of the first one (see {@link time}) if fields are
 * present but none is a time, null if none is present.
 */
export function firstTime(fields: NamedFields, names: readonly string[]): number | string | null {
  let unreadable: string | null = null;
  for (const name of names) {
    const value = fields.has(name) ? time(single(fields.get(name))) : null;
    if (typeof value === "number") return value;
    unreadable ??= value;
  }
  return unreadable;
}

function single(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}
