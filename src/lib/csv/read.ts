// Reads CSV record by record, in bounded memory, however long the text is. Papa Parse does the parsing: it is maintained,
// has no dependencies, runs anywhere, and its parser can be given a text piece by piece, which the other known parsers
// only do through Node's streams. We choose the delimiter ourselves, because Papa's guess counts the last, empty line of
// a file as a row.

import Papa from "papaparse";

/** A record, and the line of the text at which it begins, from 1. */
export interface CsvRecord {
  line: number;
  cells: string[];
}

/** What makes the rest of a text unreadable, and the line of the record in which it was found. */
export class CsvError extends Error {
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

/** How a text separates its cells and records. */
export interface CsvForm {
  delimiter: string;
  /** A carriage return alone is the end of lines on old Macs. CRLF is read as a line feed, its return as a space. */
  newline: "\n" | "\r";
}

/** The longest record, in UTF-16 units. A longer one is mostly a quote that nothing closes. */
const LONGEST_RECORD = 500_000;

/** The part of Papa's answer that is read here. */
interface Parsed {
  data: string[][];
  errors: { type: string; message: string; row?: number }[];
  meta: { cursor: number };
}

/** The records of a text that comes in pieces, blank ones included. Throws a {@link CsvError}. */
export function* recordsOf(pieces: Iterable<string>, { delimiter, newline }: CsvForm): Generator<CsvRecord> {
  const parser = new Papa.Parser({ delimiter, newline });
  let rest = "";
  /** How much of the rest was parsed and is no complete record; and whether a line has ended since. */
  let incomplete = 0;
  let mayBeComplete = false;
  let line = 1;
  for (const piece of pieces) {
    rest += piece;
    mayBeComplete ||= piece.includes(newline);
    // Each time twice as much, or a long record would cost the square of its length.
    if (mayBeComplete && rest.length >= 2 * incomplete) {
      const parsed = parser.parse(rest, 0, true) as Parsed;
      for (const record of placed(parsed, line, newline)) {
        yield record;
        line = record.line + linesOf(record, newline);
      }
      rest = rest.slice(parsed.meta.cursor);
      incomplete = rest.length;
      mayBeComplete = false;
    }
    if (!mayBeComplete && rest.length > LONGEST_RECORD)
      throw new CsvError(line, `is longer than ${LONGEST_RECORD} characters; is a quote missing?`);
  }
  if (rest === "") return;
  const last = parser.parse(rest, 0, false) as Parsed;
  // What Papa reads behind the newline at the end is no record.
  if (rest.endsWith(newline) && last.data.at(-1)?.join() === "") last.data.pop();
  yield* placed(last, line, newline);
}

function* placed({ data, errors }: Parsed, first: number, newline: string): Generator<CsvRecord> {
  const broken = errors.find(({ type }) => type === "Quotes");
  let line = first;
  for (const [row, cells] of data.entries()) {
    if (broken?.row === row) throw new CsvError(line, `has a quote out of place: ${broken.message}`);
    const record = { line, cells };
    yield record;
    line += linesOf(record, newline);
  }
}

/** How many lines a record takes. Quoted cells may contain line breaks. */
function linesOf({ cells }: CsvRecord, newline: string): number {
  let lines = 1;
  for (const cell of cells)
    for (let at = cell.indexOf(newline); at >= 0; at = cell.indexOf(newline, at + 1)) lines += 1;
  return lines;
}

/** Whether a record is a blank line. */
export function isBlank({ cells }: CsvRecord): boolean {
  return cells.every((cell) => cell.trim() === "");
}
