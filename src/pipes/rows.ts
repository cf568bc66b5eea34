// Rows of the two feeds that a pipe reads, under one type, and what each kind of row has to say.

import { CONTACT_CHARS, contactPrefix } from "../model/event-id.ts";
import { eventView, iso } from "../store/events/event-view.ts";
import type { StoredEvent } from "../store/events/events.ts";
import type { SystemEvent } from "../store/pipes/system-events.ts";

/** A row of either feed. */
export type Row = { id: string; seq: number } & (
  | { feed: "events"; event: StoredEvent }
  | { feed: "notices"; event: SystemEvent }
);

/** A stored event as a row of its feed. */
export function eventRow(event: StoredEvent): Row {
  return { feed: "events", id: event.id, seq: event.seq, event };
}

/** A system event as a row of its feed. */
export function systemEventRow(event: SystemEvent): Row {
  return { feed: "notices", id: event.id, seq: event.seq, event };
}

/** The event as filters and receivers see it: as /v1/events shows it, or a system event with its `data`. */
export function viewOf(row: Row): Record<string, unknown> {
  if (row.feed === "events") return eventView(row.event);
  const { id, type, at, contact, source, data } = row.event;
  return { id, type, source, contact, occurred_at: iso(at), data };
}

/** When it happened, ms. */
export function timeOf(row: Row): number {
  return row.feed === "events" ? row.event.occurred_at : row.event.at;
}

/** What must keep its order in an ordered pipe: the prefix of its contact's event ids; '' if it is about no contact. */
export function groupOf(row: Row): string {
  if (row.feed === "events") return row.id.slice(0, CONTACT_CHARS);
  return row.event.contact === null ? "" : contactPrefix(row.event.contact);
}
