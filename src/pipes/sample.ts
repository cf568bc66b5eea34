// The event that `test` sends: like a real one, of an address that cannot exist.

import { NO_DETAILS } from "../model/event-fields.ts";
import type { StoredEvent } from "../store/events/events.ts";

/** A delivery of a mail that nobody sent. `now`: ms. Its place in the feed is 0, which no event has. */
export function sampleEvent(now: number): StoredEvent {
  return {
    ...NO_DETAILS,
    id: `test-${now}`, // another one each time, for a receiver drops what it knows
    seq: 0,
    source: "test",
    provider: "generic",
    type: "delivered",
    contact: "test@tidings.invalid",
    message_id: "test",
    occurred_at: now,
    received_at: now,
    description: "A sample, sent by a person who tests this pipe",
    campaign: "test",
    tags: ["test"],
  };
}
