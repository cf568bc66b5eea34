// Reads the rows of an import from CSV, JSON or NDJSON. A wrong row is reported by its line and does not affect the
// others. A body that cannot be read is refused before any row is imported.

import * as z from "zod";
import Papa from "papaparse";
import type { ImportedSuppression } from "../../contact/suppress.ts";
import { readListed } from "../../model/whole-domain.ts";
import { holdsTooMany } from "../../lib/json-size.ts";
import { fail, ok, type Result } from "../../lib/result.ts";
import { DAY } from "../../lib/time.ts";
import { instant } from "../kit/parameters.ts";
import { note, reason, scope } from "./parameters.ts";

/** The rows of a body, and those that cannot be imported, by line (from 1). */
export interface Rows {
  rows: ImportedSuppression[];
  rejects: { line: number; reason: string }[];
  /** Rows among `rows` that apply from now, because their time cannot be used, by line. */
  estimated: { line: number; reason: string }[];
  /** How many rows are not in force in the list that they come from. */
  skipped: number;
}

type Fields = Record<string, unknown>;
interface Line {
  line: number;
  fields: Fields | null;
}

/** Reads at most `most` rows. Fails with "too many" if there are more, else with what is wrong. `now`: ms. */
export function readRows(contentType: string, body: Uint8Array, now: number, most: number): Result<Rows> {
  const text = textOf(body);
  if (text === null) return fail("is not UTF-8");
  const read = READERS.find(([type]) => type.test(contentType))?.[1];
  if (read === undefined) return fail("must be text/csv, application/json or application/x-ndjson");
  const lines = read(text, most + 1);
  if (!lines.ok) return lines;
  if (lines.value.length > most) return fail("too many");
  const sorted: Rows = { rows: [], rejects: [], estimated: [], skipped: 0 };
  for (const { line, fields } of lines.value) {
    if (fields !== null && isOver(fields)) {
      sorted.skipped += 1;
      continue;
    }
    const row = fields === null ? fail("is not an object") : rowOf(fields);
    if (!row.ok) {
      sorted.rejects.push({ line, reason: row.reason });
      continue;
    }
    const since = sinceOf(fields?.["since"], now);
    sorted.rows.push({ ...row.value, since: since.ok ? since.value : null });
    if (!since.ok) sorted.estimated.push({ line, reason: since.reason });
  }
  return ok(sorted);
}

function textOf(body: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    return null;
  }
}

const READERS: [type: RegExp, read: (text: string, most: number) => Result<Line[]>][] = [
  [/^text\/csv\b/i, readCsv],
  [/^application\/(x-)?(ndjson|jsonl)\b/i, readNdjson],
  [/^application\/json\b/i, readJson],
];

function readCsv(text: string, most: number): Result<Line[]> {
  const { data, errors } = Papa.parse<string[]>(text, {
    preview: most + 1,
    delimitersToGuess: [",", ";", "\t"],
  });
  const broken = errors.find(({ type }) => type === "Quotes");
  if (broken !== undefined) return fail(`is not CSV: ${broken.message} (line ${(broken.row ?? 0) + 1})`);
  const [header = [], ...rows] = data;
  // Only the columns that are read: all of them for each row would take columns times rows.
  const columns = new Map(header.map((name, column) => [name.trim().toLowerCase(), column]));
  if (!ADDRESS.some((name) => columns.has(name))) return fail("has no header with a column `address`");
  const known = COLUMNS.flatMap((name): [string, number][] => {
    const column = columns.get(name);
    return column === undefined ? [] : [[name, column]];
  });
  const lines = rows.map((cells, i): Line => ({
    line: i + 2,
    fields: Object.fromEntries(known.map(([name, column]) => [name, unguarded(cells[column])])),
  }));
  return ok(lines.filter((_, i) => rows[i]?.some((cell) => cell.trim() !== "")));
}

/** The text of a cell, without the apostrophe that an export puts before what looks like a formula. */
function unguarded(cell: string | undefined): string | undefined {
  return cell !== undefined && /^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell;
}

function readNdjson(text: string, most: number): Result<Line[]> {
  const lines: Line[] = [];
  for (let start = 0, line = 1; start <= text.length && lines.length < most; line++) {
    const end = text.indexOf("\n", start);
    const part = text.slice(start, end < 0 ? text.length : end).trim();
    if (part !== "") lines.push({ line, fields: fieldsOf(parsed(part)) });
    start = end < 0 ? text.length + 1 : end + 1;
  }
  return ok(lines);
}

function readJson(text: string, most: number): Result<Line[]> {
  if (holdsTooMany(text)) return fail("too many");
  const value = parsed(text);
  if (value === undefined) return fail("is not JSON");
  const list = Array.isArray(value) ? value : fieldsOf(value)?.["suppressions"];
  if (!Array.isArray(list)) return fail('must be a list, or an object with a list "suppressions"');
  const items: unknown[] = list.slice(0, most);
  return ok(items.map((item, i) => ({ line: i + 1, fields: fieldsOf(item) })));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | null {
  if (typeof value === "string") return { address: value };
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

const ADDRESS = ["address", "contact", "email"];
const OTHERS = ["reason", "scope", "note", "expires_at"] as const;
/** The fields that are read. */
const COLUMNS: readonly string[] = [...ADDRESS, ...OTHERS, "since", "held", "lifted_at"];

/** Whether an export's row is lifted or held there. */
function isOver(fields: Fields): boolean {
  const held = present(fields["held"]);
  return present(fields["lifted_at"]) !== undefined || held === true || held === "true";
}

/** A field's value; undefined if it is empty. */
function present(value: unknown): unknown {
  const plain = typeof value === "string" ? value.trim() : value;
  return plain === "" || plain === null ? undefined : plain;
}

const RowFields = z.object({
  address: z.string("is missing").transform((text, context) => {
    const contact = readListed(text);
    if (contact.ok) return contact.value;
    context.addIssue({ code: "custom", message: contact.reason });
    return z.NEVER;
  }),
  reason: reason.default("manual"),
  scope: scope.default(""),
  note: note.optional(),
  expires_at: instant.optional(),
});

function rowOf(fields: Fields): Result<Omit<ImportedSuppression, "since">> {
  const address = ADDRESS.map((name) => present(fields[name])).find((value) => value !== undefined);
  const others = Object.fromEntries(OTHERS.map((name) => [name, present(fields[name])]));
  const checked = RowFields.safeParse({ ...others, address });
  if (!checked.success) {
    const [issue] = checked.error.issues;
    return fail(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { note: words = null, address: contact, expires_at: expires, ...rest } = checked.data;
  return ok({ contact, ...rest, note: words, ...(expires === undefined ? {} : { expires }) });
}

/**
 * When the row's suppression began; null for now. A wrong time must not leave a person in the mailing, so the row
 * applies from now: as with events, a time may be up to a day ahead.
 */
function sinceOf(field: unknown, now: number): Result<number | null> {
  const value = present(field);
  if (value === undefined) return ok(null);
  const since = instant.safeParse(value);
  if (!since.success) return fail("since: is no ISO 8601 time such as 2026-11-21T09:30:00Z");
  return since.data <= now + DAY ? ok(since.data) : fail("since: is more than a day ahead");
}
