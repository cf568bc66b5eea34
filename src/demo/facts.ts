// Reads back through the API what a user would ask first after the demo: a message, a suppressed contact, the events by
// type.

import { format } from "../cli/progress.ts";
import type { Api, ReadEvent } from "./read-back.ts";
import type { Row } from "./report.ts";
import { countBy } from "./traffic/traffic.ts";
import type { Examples, Mail } from "./traffic/types.ts";

/** The facts as rows to compare with the expected values, and as the lines to show. */
export async function readFacts(api: Api, { clicked, bounced }: Examples, events: readonly ReadEvent[]) {
  const message = await readMessage(api, clicked);
  const contact = await readContact(api, bounced);
  const types = [...countBy(events.map(({ type }) => type))].sort(([, a], [, b]) => b - a);
  const rounded = String(Number(clicked.id));
  return {
    rows: [message.row, contact.row],
    text: [
      "Read back by the API",
      `  ${message.row.name}: ${message.row.actual} (as a floating-point number: ${rounded})`,
      `  ${contact.row.name}: ${contact.row.actual}${contact.words}`,
      `  events: ${types.map(([type, n]) => `${type} ${format(n)}`).join(", ")}`,
    ].join("\n"),
  };
}

async function readMessage(api: Api, { id }: Mail): Promise<{ row: Row }> {
  const messageView = await orNull(api<{ message_id: string; status: string }>(`/messages/${id}`));
  const actual = messageView === null ? "not found" : `${messageView.message_id} ${messageView.status}`;
  return { row: { section: "", name: "message", expected: `${id} clicked`, actual } };
}

async function readContact(api: Api, { contact }: Mail): Promise<{ row: Row; words: string }> {
  interface ContactView {
    status: string;
    suppression: { reason: string; event: string } | null;
  }
  const view = await orNull(api<ContactView>(`/contacts/${encodeURIComponent(contact)}`));
  const reason = view?.suppression?.reason ?? "no reason";
  const row = {
    section: "",
    name: `contact ${contact}`,
    expected: "suppressed, hard_bounce",
    actual: `${view?.status ?? "not found"}, ${reason}`,
  };
  const evidence = view?.suppression?.event ?? null;
  if (evidence === null) return { row, words: "" };
  const event = await orNull(api<{ description: string | null }>(`/events/${evidence}`));
  return { row, words: event === null ? "" : `, because of "${event.description ?? ""}"` };
}

/** A resource that the API does not have is a fact, too, and is shown as one. */
async function orNull<T>(read: Promise<T>): Promise<T | null> {
  return await read.catch(() => null);
}
