// A stored event as /v1 returns it and pipes pass it on, with the names of the event model. It is copied field by
// field, so that nothing internal gets out with it. A loop over the fields would take twenty times as long. The code
// does not compile if a field is missing here.

import type { ShownEvent, StoredEvent } from "../../model/event-fields.ts";

/** A time in ms as the API writes it: ISO 8601 in UTC with milliseconds. */
export const iso = (ms: number): string => new Date(ms).toISOString();
/** The same; null for null. */
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

/** The public form of a stored event. */
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
    estimated: event.estimated,
    hops: event.hops,
  };
}
