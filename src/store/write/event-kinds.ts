// What repeats from event to event: whose report it is, and what it says in words that there are few of. Each such
// combination is a row of event_kinds, and an event names it by its number. There are at most some thousand, because no
// word in it is the sender's own; a mail's own texts stand in the event's row.

import type { EventRow } from "./rows.ts";

/** The columns of a kind, in the order of the JSON rows below. */
export const KIND_COLUMNS = [
  "source",
  "provider",
  "type",
  "bounce",
  "reason",
  "destination",
  "machine",
] as const satisfies readonly (keyof EventRow)[];
export type KindColumn = (typeof KIND_COLUMNS)[number];

/** SQL that inserts kinds that are not there yet. ?1: JSON rows of them. */
export const INSERT_KINDS = `
  INSERT INTO event_kinds (${KIND_COLUMNS.join(", ")})
  SELECT ${KIND_COLUMNS.map((_, i) => `value->>${i}`).join(", ")} FROM json_each(?1) WHERE true
  ON CONFLICT DO NOTHING`;

/** The SQL condition that a row of event_kinds is the kind in a JSON row. */
export const isKind = (kinds: string, row: string): string =>
  KIND_COLUMNS.map((column, i) => `${kinds}.${column} = ${row}->>${i}`).join(" AND ");

/** The different kinds of some events. */
export interface Kinds<Row> {
  /** JSON rows of them. */
  json: string;
  /** The place of an event's kind among them. */
  placeOf: (row: Row) => number;
}

/** The kinds of the events. */
export function kindsOf<Row extends Pick<EventRow, KindColumn>>(rows: readonly Row[]): Kinds<Row> {
  const places = new Map<string, number>();
  for (const row of rows) {
    const key = kindOf(row);
    if (!places.has(key)) places.set(key, places.size);
  }
  return { json: `[${[...places.keys()].join(",")}]`, placeOf: (row) => places.get(kindOf(row)) ?? -1 };
}

const kindOf = (row: Pick<EventRow, KindColumn>): string => JSON.stringify(kindRow(row));

/** An event's kind as a JSON row. */
export function kindRow(row: Pick<EventRow, KindColumn>): string[] {
  return KIND_COLUMNS.map((column) => row[column] ?? "");
}
