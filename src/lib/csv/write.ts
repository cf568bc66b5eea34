// Writes CSV as RFC 4180 has it: a line for each record, with CRLF at its end. All exports are written here, so none of
// them forgets the guard against formulas.

import { guarded } from "./formula.ts";

/**
 * The mark that tells Excel that a file is UTF-8. Other programs may read it as a part of the first column's name, so it
 * is written on request only.
 */
export const BOM = "\ufeff";

/** A line of CSV. Null and undefined are empty cells; lists and objects are written as JSON. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(cellOf).join(",")}\r\n`;
}

/** A cell, quoted if necessary. A text that looks like a formula gets an apostrophe (see formula.ts). */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? guarded(value) : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
