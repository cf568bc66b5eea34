// A stored event in the words of the event model, as /v1 answers it and as pipes pass it on: field by field, so that nothing
// internal gets out with it, and not by a loop, which takes twenty times as long. A field that is missing here does not
// compile.

import type { ShownEvent, StoredEvent } from "../../model/event-fields.ts";

/** A time in ms as it is shown: ISO 8601 in UTC with milliseconds. */
export const iso = (ms: number): string => new Date(ms).toISOString();
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

export function eventView(event: StoredEvent): ShownEvent {
  return {
    id: event.id,
    seq: event.seq,
    source: event.source,
    provider: event.provider,
    type: event.type,
    contact: event.contact,
    message_id: event.message_id,
    occurred_at: iso(event.occurred_at),
    received_at: iso(event.received_at),
    bounce: event.bounce,
    reason: event.reason,
    description: event.description,
    smtp: event.smtp,
    campaign: event.campaign,
    custom_id: event.custom_id,
    tags: event.tags,
    metadata: event.metadata,
    url: event.url,
    ip: event.ip,
    geo: event.geo,
    user_agent: event.user_agent,
    machine: event.machine,
  };
}
