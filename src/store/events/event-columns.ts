// How a stored event is read: the columns to select, and how a row of them becomes an event. Both follow the list of
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
import { detailsCodec, isDeflated } from "./details.ts";

/** A row with the columns of {@link COLUMN_NAMES}. `details`: in their stored form (details.ts). */
export type EventColumnsRow = EventColumns & { details: string | null };

const columnOf = (name: keyof StoredEvent) => eventField(name).column as keyof EventColumns | undefined;

/** Fields with a column of their own. */
const HAVE_COLUMNS = EVENT_FIELD_NAMES.flatMap((name) => {
  const column = columnOf(name);
  return column === undefined || column === "tags" ? [] : [[name, column] as const];
});
/** The fields without a column of their own, which are packed into `details`. */
export const PACKED_NAMES = DETAIL_NAMES.filter((name) => columnOf(name) === undefined);

/** The columns of `events` that an event is made from. */
export const COLUMN_NAMES: readonly string[] = [
  ...EVENT_FIELD_NAMES.flatMap((name) => columnOf(name) ?? []),
  "details",
];

/**
 * An event with all fields empty. It is made by JSON.parse, because V8 clones a parsed object as fast as a literal, and
 * filling in the clone's fields takes half the time of spreading the parts into a new object.
 */
const BLANK = JSON.stringify({
  ...Object.fromEntries(EVENT_FIELD_NAMES.map((name) => [name, null])),
  ...NO_DETAILS,
});
const blank = JSON.parse(BLANK) as Readonly<Record<string, unknown>>;

/** The events of rows. Each has exactly the list's fields, even if the row's details contain others. */
export async function toEvents(rows: readonly EventColumnsRow[]): Promise<StoredEvent[]> {
  if (!rows.some(({ details }) => isDeflated(details))) return rows.map((row) => toEvent(row, row.details));
  const { unpack } = await detailsCodec();
  return rows.map((row) => toEvent(row, unpack(row.details)));
}

function toEvent(row: EventColumnsRow, json: string | null): StoredEvent {
  const event: Record<string, unknown> = { ...blank };
  for (const [name, column] of HAVE_COLUMNS) event[name] = row[column];
  if (row.tags !== null) event["tags"] = JSON.parse(row.tags) as unknown;
  if (json === null) return event as StoredEvent;
  const details = JSON.parse(json) as Partial<EventDetails>;
  for (const name of PACKED_NAMES) {
    const value = details[name];
    if (value !== undefined && value !== null) event[name] = value;
  }
  return event as StoredEvent;
}
