// Rows of the feeds, and what is sent of each. Apart from what picks them, for the pipe's object has that loaded only when
// it works.

import { eventView, iso } from "../store/events/event-view.ts";
import type { StoredEvent } from "../store/events/events.ts";
import type { SystemEvent } from "../store/pipes/system-events.ts";
import type { Piped } from "./dispatch.ts";
import type { Outgoing } from "./kinds/kind.ts";
import type { RunnablePipe } from "./load.ts";
import { render } from "./transport/payload.ts";
import { CONTACT_CHARS, contactPrefix } from "../model/event-id.ts";

/** A row of either feed. */
export type Row = { id: string; seq: number } & (
  | { feed: "events"; event: StoredEvent }
  | { feed: "notices"; notice: SystemEvent }
);

/** A stored event, and a notice, as a row of its feed. */
export const eventRow = (event: StoredEvent): Row => ({
  feed: "events",
  id: event.id,
  seq: event.seq,
  event,
});
export const systemEventRow = (notice: SystemEvent): Row => ({
  feed: "notices",
  id: notice.id,
  seq: notice.seq,
  notice,
});

/** What is told of the row: the event as /v1/events shows it, or what happened beside. */
export function shapeOf(row: Row): Record<string, unknown> {
  if (row.feed === "events") return eventView(row.event);
  const { id, type, at, contact, source, data } = row.notice;
  return { id, type, source, contact, occurred_at: iso(at), data };
}

/** What is sent of the row. */
export function pipedOf(form: RunnablePipe["form"], row: Row, event = shapeOf(row)): Piped {
  const { type, contact, source } = row.feed === "events" ? row.event : row.notice;
  const at = row.feed === "events" ? row.event.occurred_at : row.notice.at;
  const out: Outgoing = { id: row.id, type, contact, at, event, text: "" };
  out.text = render(out, form, source);
  return { out, group: groupOf(row) };
}

/** An event's id begins with it. */
function groupOf(row: Row): string {
  if (row.feed === "events") return row.id.slice(0, CONTACT_CHARS);
  return row.notice.contact === null ? "" : contactPrefix(row.notice.contact);
}
