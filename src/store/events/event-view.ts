// A stored event in the words of the event model, as /v1 answers it and as pipes pass it on.

import type { StoredEvent } from "./events.ts";

/** A time in ms as it is shown: ISO 8601 in UTC with milliseconds. */
export const iso = (ms: number): string => new Date(ms).toISOString();
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

export function eventView(event: StoredEvent) {
  return { ...event, occurred_at: iso(event.occurred_at), received_at: iso(event.received_at) };
}
