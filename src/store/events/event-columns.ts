// How a stored event is read: which columns are asked for, and the event that a row of them is. Both follow the list of
// fields (src/model/event-fields.ts).

import {
  DETAIL_NAMES,
  EVENT_FIELD_NAMES,
  eventField,
  NO_DETAILS,
  type EventColumns,
  type EventDetails,
  type StoredEvent,
} from "../../model/event-fields.ts";

/** A row with the columns of {@link COLUMN_NAMES}. */
export type EventColumnsRow = EventColumns & { details: string | null };

const columnOf = (name: keyof StoredEvent) => eventField(name).column as keyof EventColumns | undefined;

/** Fields with a column of their own, and those that are packed into `details`. */
const HAVE_COLUMNS = EVENT_FIELD_NAMES.flatMap((name) => {
  const column = columnOf(name);
  return column === undefined ? [] : [[name, column] as const];
});
export const PACKED_NAMES = DETAIL_NAMES.filter((name) => columnOf(name) === undefined);

/** The columns of `events` from which an event is read. */
export const COLUMN_NAMES: readonly string[] = [...HAVE_COLUMNS.map(([, column]) => column), "details"];

/**
 * An event of which nothing is told. Parsed, because V8 clones what it parsed as fast as a literal, and filling in the
 * clone's fields takes half the time of spreading the parts into a new object.
 */
const BLANK = JSON.stringify({
  ...Object.fromEntries(EVENT_FIELD_NAMES.map((name) => [name, null])),
  ...NO_DETAILS,
});
const blank = JSON.parse(BLANK) as Readonly<Record<string, unknown>>;

/** The event of a row. Whatever else its details hold, it has the list's fields and no others. */
export function toEvent(row: EventColumnsRow): StoredEvent {
  const event: Record<string, unknown> = { ...blank };
  for (const [name, column] of HAVE_COLUMNS) event[name] = row[column];
  if (row.details === null) return event as StoredEvent;
  const told = JSON.parse(row.details) as Partial<EventDetails>;
  for (const name of PACKED_NAMES) {
    const value = told[name];
    if (value !== undefined && value !== null) event[name] = value;
  }
  return event as StoredEvent;
}
