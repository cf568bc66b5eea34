// Fields whose spelling nobody fixed: customers choose JangoMail's parameter names, and every home-made system spells
// its own. One look-up that ignores case and separators serves them all.

import { text, time } from "./fields.ts";
import type { JsonObject } from "./json.ts";
import { memoize } from "../../lib/memoize.ts";

/** Values that are not empty, by plain name. */
export type NamedFields = ReadonlyMap<string, unknown>;

/** `Email_Address`, `email-address` and `emailAddress` are one name. */
export const plainName = memoize((name) => name.toLowerCase().replaceAll(/[-_.\s]/g, ""));

/** The fields of the objects that hold anything, by plain name; of several with one name, the first. */
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

/** Whether a value tells nothing: absent, blank, or a list of such. */
export function isEmpty(value: unknown): boolean {
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value)) return value.every((item) => item === null || item === "");
  return value === undefined || value === null;
}

/** The first of the named fields that is there, whatever it is. */
export function firstValue(fields: NamedFields, names: readonly string[]): unknown {
  for (const name of names) if (fields.has(name)) return fields.get(name);
  return undefined;
}

/** The texts of the named fields, in the order of the names; a list stands for its first item. */
export function texts(fields: NamedFields, names: readonly string[], longest?: number): string[] {
  const found: string[] = [];
  for (const name of names) {
    const one = fields.has(name) ? text(single(fields.get(name)), longest) : null;
    if (one !== null) found.push(one);
  }
  return found;
}

/** The first of the named fields that is a text. */
export function firstText(fields: NamedFields, names: readonly string[], longest?: number): string | null {
  for (const name of names) {
    const found = fields.has(name) ? text(single(fields.get(name)), longest) : null;
    if (found !== null) return found;
  }
  return null;
}

/** The first of the named fields that is a time; "bad" where those that are there are none. */
export function firstTime(fields: NamedFields, names: readonly string[]): number | "bad" | null {
  let bad = false;
  for (const name of names) {
    const value = fields.has(name) ? time(single(fields.get(name))) : null;
    if (typeof value === "number") return value;
    if (value === "bad") bad = true;
  }
  return bad ? "bad" : null;
}

function single(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}
