// The rows of JSON and NDJSON. A list of a hundred thousand objects would take some hundred megabytes once it is parsed, so
// its items are parsed one by one. What stands around them is parsed with numbers in their place, which checks it and
// tells which list each item is in.

import { itemsOf, type Item } from "../../../erasure/json-items.ts";
import { fail, ok, type Result } from "../../../lib/result.ts";
import { NAMES } from "./columns.ts";
import { fieldsOf, first, namesOf, type Row } from "./fields.ts";

/** A list of rows that can be read more than once. */
export interface Rows {
  /** The names of the columns as they are written. */
  columns: string[];
  rows: () => Iterable<Row>;
}

/** Most items of a text, longest item, and most text around the items, in UTF-16 units. */
const MOST_ITEMS = 500_000;
const LONGEST_ITEM = 100_000;
const LONGEST_AROUND = 100_000;
/** How many rows are looked at for the names of their fields. */
const SAMPLE = 100;

/** A list of the text: its items by their place among all items, `end` exclusive, and its name if it has one. */
interface Found {
  name: string | null;
  start: number;
  end: number;
}

/** The rows of JSON: of a list, of an object with one or several lists in it, or of one object. */
export function readJson(text: string): Result<Rows> {
  const items: Item[] = [];
  for (const item of itemsOf(text, 1)) {
    if (items.length === MOST_ITEMS) return fail(`holds more than ${MOST_ITEMS} rows; send it in parts`);
    items.push(item);
  }
  const around = parsed(aroundOf(text, items));
  if (around === undefined) return fail("is not JSON");
  const itemAt = (place: number): unknown => {
    const { start, end } = items[place] ?? { start: 0, end: 0 };
    return end - start > LONGEST_ITEM ? null : parsed(text.slice(start, end));
  };
  for (const place of items.keys()) if (itemAt(place) === undefined) return fail("is not JSON");
  if (typeof around === "object" && hasAddress(around)) {
    const one = text.length > LONGEST_ITEM ? null : parsed(text);
    return ok({ columns: namesOf(one), rows: () => [{ line: 1, fields: fieldsOf(one), list: null }] });
  }
  const all = [...listsIn(around, null)];
  const lists = all.filter(({ start, end }) => start < end);
  if (all.length > 0 && lists.length === 0) return ok({ columns: [], rows: () => [] });
  if (lists.length === 0) return fail("must be a list, or an object with a list of addresses in it");
  const read =
    Array.isArray(around) || lists.length === 1
      ? lists
      : lists.filter(({ start }) => hasAddress(itemAt(start)));
  if (read.length === 0) return fail("has several lists, and none of them has addresses in it");
  return ok({
    columns: unique(
      read.flatMap(({ start, end }) =>
        placesOf(start, Math.min(end, start + SAMPLE)).flatMap((place) => namesOf(itemAt(place))),
      ),
    ),
    *rows() {
      for (const { name, start, end } of read)
        for (let place = start; place < end; place++)
          yield { line: place + 1, fields: fieldsOf(itemAt(place)), list: name };
    },
  });
}

/** The text with each item's place instead of the item; no JSON if it is too long. */
function aroundOf(text: string, items: readonly Item[]): string {
  let end = 0;
  let length = 0;
  const parts = items.map((item, place) => {
    const between = text.slice(end, item.start).trim();
    end = item.end;
    length += between.length > 1 ? between.length : 0;
    return length > LONGEST_AROUND ? "" : `${between}${place}`;
  });
  return length + text.length - end > LONGEST_AROUND ? "" : parts.join("") + text.slice(end);
}

/** The lists in a value whose items are their places, in order. */
function* listsIn(value: unknown, name: string | null): Generator<Found> {
  if (Array.isArray(value)) {
    const [start] = value as number[];
    yield { name, start: start ?? 0, end: (start ?? 0) + value.length };
  } else if (typeof value === "object" && value !== null) {
    for (const [key, content] of Object.entries(value)) yield* listsIn(content, key);
  }
}

function hasAddress(item: unknown): boolean {
  return typeof item === "string"
    ? item.includes("@")
    : first(fieldsOf(item) ?? new Map(), NAMES.address) !== undefined;
}

/** The rows of NDJSON. A line that is no JSON is a row without fields. `pieces`: gives the text, as often as asked. */
export function readLines(pieces: () => Iterable<string>): Rows {
  const names: string[] = [];
  let seen = 0;
  for (const { text } of linesOf(pieces())) {
    names.push(...namesOf(parsed(text)));
    if (++seen === SAMPLE) break;
  }
  return {
    columns: unique(names),
    *rows() {
      for (const { line, text } of linesOf(pieces()))
        yield { line, fields: text.length > LONGEST_ITEM ? null : fieldsOf(parsed(text)), list: null };
    },
  };
}

/** The lines that are not blank. What is longer than any row is cut. */
function* linesOf(pieces: Iterable<string>): Generator<{ line: number; text: string }> {
  let rest = "";
  let line = 0;
  for (const piece of pieces) {
    const lines = (rest + piece).split("\n");
    rest = (lines.pop() ?? "").slice(0, LONGEST_ITEM + 1);
    for (const text of lines) {
      line += 1;
      if (text.trim() !== "") yield { line, text: text.trim() };
    }
  }
  if (rest.trim() !== "") yield { line: line + 1, text: rest.trim() };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];
const placesOf = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);
