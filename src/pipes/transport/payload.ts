// What a receiver reads: one event as JSON, in the form that its pipe uses, or several of them as a JSON array.
// In the forms that we make, personal data stands in `data` alone, because the fields around it end up in the logs of brokers and proxies.

import { EVENT_TYPES } from "../../model/event.ts";
import type { Outgoing } from "../kinds/kind.ts";
import { renderTemplate } from "../template/render.ts";
import type { Template } from "../template/template.ts";

/** All forms of a payload. */
export const PAYLOAD_FORMS = ["event", "cloudevents", "template"] as const;
/**
 * The form of a payload.
 * - `event`: what Standard Webhooks recommends:
 *   https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure
 * - `cloudevents`: CloudEvents 1.0 in its JSON format, structured mode:
 *   https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 * - `template`: a body of the pipe's own, see template.ts.
 */
export type PayloadForm = (typeof PAYLOAD_FORMS)[number];

/** A form with all that it takes to write it. */
export type Form = Exclude<PayloadForm, "template"> | Template;

/** The form `event`. */
interface EventPayload {
  /** The event's type: `delivered`, `bounced`, ..., or a system event's: `contact.suppressed`, ... */
  type: string;
  /** When it happened (not when it was sent): ISO 8601 in UTC with milliseconds. */
  timestamp: string;
  /** The event as /v1/events shows it, with its `id`. */
  data: Record<string, unknown>;
}

/** The form `cloudevents`. */
interface CloudEvent {
  specversion: "1.0";
  /** The event's id. Together with `source` it identifies the event: the same pair again is a repeat. */
  id: string;
  /** `/tidings/<source>`, the source that the report came from; `/tidings` if it has none. */
  source: string;
  /** `email.<type>` for events about mails; a system event's type as it is: `contact.suppressed`. */
  type: string;
  /** The provider's id of the mail; left out if there is none, or if it holds the address. */
  subject?: string;
  /** When it happened: RFC 3339 in UTC with milliseconds. */
  time: string;
  /** The media type of `data`. */
  datacontenttype: "application/json";
  /** The event as /v1/events shows it. */
  data: Record<string, unknown>;
}

/** The payload of one event as JSON text. `source`: the source that it came from; null if it has none. */
export function render(event: Omit<Outgoing, "text">, form: Form, source: string | null): string {
  if (typeof form === "object") return renderTemplate(form, event.event);
  return JSON.stringify(form === "event" ? eventPayload(event) : cloudEvent(event, source));
}

/** Several payloads as a JSON array. For CloudEvents this is what their specification calls batched mode. */
export function renderBatch(texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}

/** The media type of the text that `render` or, if `batched`, `renderBatch` gives. */
export function mediaType(form: PayloadForm, batched: boolean): string {
  if (form !== "cloudevents") return "application/json";
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

/**
 * Characters that a CloudEvents string must not hold: control characters, noncharacters, lone surrogates (section 3.1,
 * "Type System").
 */
const NOT_IN_A_STRING = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

function subjectOf({ contact, event }: Omit<Outgoing, "text">): string | null {
  const id = event["message_id"];
  if (typeof id !== "string" || id === "" || NOT_IN_A_STRING.test(id)) return null;
  return contact !== null && id.toLowerCase().includes(contact.toLowerCase()) ? null : id;
}
