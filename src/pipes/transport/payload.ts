// What a receiver reads: one event as JSON, in the form that its pipe asks for, and several of them as a JSON array.
// What is known about a person stands in `data` alone: the fields around it end up in the logs of whatever passes them on.

import { EVENT_TYPES } from "../../model/event.ts";
import type { Outgoing } from "../kinds/kind.ts";

export const PAYLOAD_FORMS = ["event", "cloudevents"] as const;
/**
 * - `event`: what Standard Webhooks recommends:
 *   https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure
 * - `cloudevents`: CloudEvents 1.0 in its JSON format, structured mode:
 *   https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export type PayloadForm = (typeof PAYLOAD_FORMS)[number];

/** The form `event`. */
interface EventPayload {
  /** The event's own: `delivered`, `bounced`, ..., or that of an extra one: `contact.suppressed`, ... */
  type: string;
  /** When it happened (not when it was sent): ISO 8601 in UTC with milliseconds. */
  timestamp: string;
  /** The event as /v1/events shows it, with its `id`. */
  data: Record<string, unknown>;
}

/** The form `cloudevents`. */
interface CloudEvent {
  specversion: "1.0";
  /** The event's id. With `source` it names the event: the same pair again is a repeat. */
  id: string;
  /** `/tidings/<source>`: our source that the report came in by; `/tidings` for what is of no source. */
  source: string;
  /** `email.<type>` for what became of a mail; an extra one's type as it is: `contact.suppressed`. */
  type: string;
  /** The provider's id of the mail; left out where there is none, or where it holds the address. */
  subject?: string;
  /** When it happened: RFC 3339 in UTC with milliseconds. */
  time: string;
  /** What `data` is. */
  datacontenttype: "application/json";
  /** The event as /v1/events shows it. */
  data: Record<string, unknown>;
}

/** The payload of one event as JSON text. `source`: the name of our source that it came by; null where it is of none. */
export function render(event: Omit<Outgoing, "text">, form: PayloadForm, source: string | null): string {
  return JSON.stringify(form === "event" ? eventPayload(event) : cloudEvent(event, source));
}

/** Several payloads as one: a JSON array; of CloudEvents, what their specification calls batched mode. */
export function renderBatch(texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}

/** The media type of what `render` gives, or `renderBatch`. */
export function mediaType(form: PayloadForm, batched: boolean): string {
  if (form === "event") return "application/json";
  return batched ? "application/cloudevents-batch+json" : "application/cloudevents+json";
}

function eventPayload({ type, at, event }: Omit<Outgoing, "text">): EventPayload {
  return { type, timestamp: new Date(at).toISOString(), data: event };
}

const MAIL_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES);

function cloudEvent(outgoing: Omit<Outgoing, "text">, source: string | null): CloudEvent {
  const { id, type, at, event } = outgoing;
  const subject = subjectOf(outgoing);
  return {
    specversion: "1.0",
    id,
    source: source === null ? "/tidings" : `/tidings/${encodeURIComponent(source)}`,
    type: MAIL_TYPES.has(type) ? `email.${type}` : type,
    ...(subject === null ? {} : { subject }),
    time: new Date(at).toISOString(),
    datacontenttype: "application/json",
    data: event,
  };
}

/** What a CloudEvents string may not hold: control characters, noncharacters, lone surrogates (section 3.1, "Type System"). */
const NOT_IN_A_STRING = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

function subjectOf({ contact, event }: Omit<Outgoing, "text">): string | null {
  const id = event["message_id"];
  if (typeof id !== "string" || id === "" || NOT_IN_A_STRING.test(id)) return null;
  return contact !== null && id.toLowerCase().includes(contact.toLowerCase()) ? null : id;
}
