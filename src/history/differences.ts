// Compares the stored events of a delivery with those that a parser which was fixed since reads from it now: pure.

import type { StoredRow } from "../store/events/by-archive-object.ts";
import type { EventRow } from "../store/write/rows.ts";
import type { NewEvent } from "../process/parse.ts";

/**
 * One difference between the stored events and those that are read now. A changed event keeps its id. If its contact or
 * time changes it cannot, because the id contains both. Then the stored event vanishes and another one appears.
 */
export type Difference =
  | { kind: "changed"; before: StoredRow; after: NewEvent }
  | { kind: "appeared"; before: null; after: NewEvent }
  | { kind: "vanished"; before: StoredRow; after: null };

/** The columns that a fixed parser may read differently. */
const COMPARED = [
  "contact",
  "at",
  "type",
  "bounce",
  "reason",
  "destination",
  "machine",
  "message_id",
  "campaign",
  "custom_id",
  "tags",
  "details",
] as const satisfies readonly (keyof EventRow)[];

/**
 * The differences of one delivery. `stored`: its rows in order of seq; `read`: its events as they are read now. Rows
 * and events are matched by id. The others are matched, in order, if they have the same element, contact and time,
 * because an event whose identity is read differently now is still the same report.
 */
export function differencesOf(stored: readonly StoredRow[], read: readonly NewEvent[]): Difference[] {
  const rows = new Map(stored.map((row) => [row.id, row]));
  const strangers: NewEvent[] = [];
  const differences: Difference[] = [];
  for (const event of read) {
    const row = rows.get(event.row.id);
    rows.delete(event.row.id);
    if (row === undefined) strangers.push(event);
    else if (differs(row, event.row)) differences.push({ kind: "changed", before: row, after: event });
  }
  const left = Map.groupBy(rows.values(), placeOf);
  for (const after of strangers) {
    const before = left.get(placeOf(after.row))?.shift() ?? null;
    if (before === null) differences.push({ kind: "appeared", before, after });
    else if (differs(before, after.row)) differences.push({ kind: "changed", before, after });
  }
  for (const before of [...left.values()].flat()) differences.push({ kind: "vanished", before, after: null });
  return differences;
}

function placeOf({ element, contact, at }: EventRow): string {
  return JSON.stringify([element, contact, at]);
}

function differs(before: EventRow, after: EventRow): boolean {
  return COMPARED.some((field) => (before[field] ?? "") !== (after[field] ?? ""));
}
