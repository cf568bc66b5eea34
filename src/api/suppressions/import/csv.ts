// The rows of CSV. The line with the names of the columns is found by those names, and the delimiter by that line: Excel
// writes semicolons in half of Europe, and some exports begin with a title or with `sep=;`.

import { CsvError, isBlank, recordsOf, type CsvForm, type CsvRecord } from "../../../lib/csv/read.ts";
import { unguarded } from "../../../lib/csv/formula.ts";
import { readListed } from "../../../model/whole-domain.ts";
import { fail, ok, type Result } from "../../../lib/result.ts";
import { EXAMPLES, NAMES, plainName, roleOf } from "./columns.ts";
import type { Row } from "./fields.ts";
import type { Rows } from "./json.ts";
import { isReasonWord } from "./reasons.ts";
import { readTime } from "./times.ts";

/** Rows of CSV, the delimiter, and whether a line names the columns. */
export interface CsvRows extends Rows {
  delimiter: string;
  header: boolean;
}

/** In order of preference where nothing tells them apart. */
const DELIMITERS = [",", ";", "\t", "|"];
/** How many records are looked at to find the header. */
const SAMPLE = 12;
/** Columns of our own export that no role needs, but that tell that it is one. */
const OURS = new Set(["destination", "expired", "inactive"]);

/** The place of the names: the line of the header, 0 without one; and the columns' names. */
interface Layout extends CsvForm {
  line: number;
  names: string[];
}

/** `pieces`: gives the text, as often as asked. `given`: the columns' names by the caller, for a list without a header. */
export function readCsv(pieces: () => Iterable<string>, given: readonly string[] | null): Result<CsvRows> {
  const [head = ""] = pieces();
  const layout = layoutOf(head, given);
  if (!layout.ok) return layout;
  const { line: headerLine, names, delimiter } = layout.value;
  const columns = names.flatMap((name, column): [string, number][] => {
    const plain = plainName(name);
    return roleOf(plain) !== null || OURS.has(plain) ? [[plain, column]] : [];
  });
  return ok({
    columns: names.filter((name) => name.trim() !== ""),
    delimiter,
    header: headerLine > 0,
    *rows() {
      for (const record of recordsOf(pieces(), layout.value))
        if (record.line > headerLine && !isBlank(record) && separatorOf(record.cells[0] ?? "") === null)
          yield rowOf(record, columns);
    },
  });
}

function rowOf({ line, cells }: CsvRecord, columns: readonly [name: string, column: number][]): Row {
  const fields = new Map<string, unknown>();
  for (const [name, column] of columns) {
    const cell = cells[column] ?? "";
    const text = unguarded(column === cells.length - 1 && cell.endsWith("\r") ? cell.slice(0, -1) : cell);
    if (text.trim() !== "" && !fields.has(name)) fields.set(name, text);
  }
  return { line, fields, list: null };
}

function layoutOf(head: string, given: readonly string[] | null): Result<Layout> {
  const newline = head.includes("\n") || !head.includes("\r") ? "\n" : "\r";
  const declared = separatorOf(head.trimStart().split(newline, 1)[0] ?? "");
  const tried = (declared === null ? DELIMITERS : [declared]).map((delimiter) => {
    const form = { delimiter, newline } as const;
    return { form, records: sampleOf(head, form) };
  });
  if (given === null) {
    const headers = tried.flatMap(({ form, records }) =>
      records
        .filter(isHeader)
        .map(({ line, cells }): Layout => ({ ...form, line, names: cells.map(nameOf) })),
    );
    const best = headers.toSorted((a, b) => knownOf(b) - knownOf(a) || b.names.length - a.names.length)[0];
    if (best !== undefined) return ok(best);
  }
  for (const { form, records } of tried.toSorted((a, b) => widthOf(b.records) - widthOf(a.records))) {
    const names = given ?? namesOf(records);
    if (names !== null) return ok({ ...form, line: 0, names: [...names] });
  }
  return tried.every(({ records }) => records.length === 0)
    ? ok({ delimiter: ",", newline, line: 0, names: [] })
    : fail(missing(tried));
}

/** A column's name without white space and quotes around it. A regular expression for its end would be quadratic. */
function nameOf(cell: string): string {
  const begin = cell.search(/[^\s"']/);
  let end = cell.length;
  while (end > begin && /[\s"']/.test(cell.charAt(end - 1))) end -= 1;
  return begin < 0 ? "" : cell.slice(begin, end);
}
const isHeader = ({ cells }: CsvRecord): boolean =>
  cells.some((cell) => NAMES.address.includes(plainName(cell)));
const knownOf = ({ names }: Layout): number =>
  names.filter((name) => roleOf(plainName(name)) !== null).length;
const widthOf = (records: readonly CsvRecord[]): number => records[0]?.cells.length ?? 0;

/** The delimiter that Excel's own first line declares (`sep=;`); null if the text is none. */
function separatorOf(line: string): string | null {
  const [, separator] = /^"?sep=(.)"?\s*$/i.exec(line) ?? [];
  return separator ?? (/^sep=$/i.test(line.trim()) ? "\t" : null);
}

/** The first records that are not blank, nor Excel's line about the delimiter. */
function sampleOf(head: string, form: CsvForm): CsvRecord[] {
  const sample: CsvRecord[] = [];
  try {
    for (const record of recordsOf([head], form)) {
      if (!isBlank(record) && separatorOf(record.cells.join(form.delimiter).trim()) === null)
        sample.push(record);
      if (sample.length === SAMPLE) break;
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
  }
  return sample;
}

/**
 * The columns of a list without a header, as a part of a longer list or Amazon's import format: if each of them is
 * unmistakable, and none occurs twice. Null otherwise, because a time might be that of a lift.
 */
function namesOf(records: readonly CsvRecord[]): string[] | null {
  const [top] = records;
  if (top === undefined) return null;
  const names = top.cells.map((_, column) => {
    const cells = records.map(({ cells: all }) => (all[column] ?? "").trim()).filter((cell) => cell !== "");
    if (cells.length === 0) return "";
    if (cells.filter((cell) => readListed(cell).ok).length * 2 > cells.length) return "address";
    if (cells.every(isReasonWord)) return "reason";
    return cells.every((cell) => /\d{4}/.test(cell) && readTime(cell, "mdy").ok) ? "since" : null;
  });
  const known = names.filter((name) => name !== "");
  const isPlain = known.every((name) => name !== null) && new Set(known).size === known.length;
  return isPlain && known.includes("address") ? names.map((name) => name ?? "") : null;
}

/** What to do about a list whose columns are not known, with the names that it has instead, unless they are data. */
function missing(tried: readonly { records: readonly CsvRecord[] }[]): string {
  const [widest] = tried
    .map(({ records }) => records[0]?.cells ?? [])
    .toSorted((a, b) => b.length - a.length);
  const cells = (widest ?? []).slice(0, 10).map((cell) => cell.trim().slice(0, 40));
  const seen = cells.some((cell) => cell.includes("@")) ? "" : `; its first line has: ${cells.join(", ")}`;
  return `has no header with a column address (or ${EXAMPLES.slice("address, ".length)})${seen}. Repeat the header in each part, or name the columns: columns=address,reason,since`;
}
