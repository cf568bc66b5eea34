// A table of which tables are written. D1 counts each row that goes as one that comes, whether its table has rowids or
// not: an event that ends costs one row at least, and a third of one for its message, if a mail has three events.

import type { Table } from "../results.ts";
import type { Taken } from "./questions.ts";

interface Written {
  name: string;
  taken: readonly Pick<Taken, "tables">[];
  /** Events by which the rows are divided. */
  events: number;
}

/** Rows an event below which a table is not named. */
const LEAST = 0.001;

export function tablesOf(title: string, lines: readonly Written[]): Table {
  const each = ({ taken, events }: Written, table: string): number =>
    taken.reduce((sum, { tables }) => sum + (tables[table] ?? 0), 0) / events;
  const names = new Set(lines.flatMap(({ taken }) => taken.flatMap(({ tables }) => Object.keys(tables))));
  const named = [...names].filter((table) => lines.some((line) => each(line, table) >= LEAST)).toSorted();
  return {
    title,
    columns: ["store", ...named],
    rows: lines.map((line) => [line.name, ...named.map((table) => each(line, table).toFixed(3))]),
  };
}
