// The sample event that people send to test a pipe. It looks like a real one, but its address cannot exist.

import { NO_DETAILS } from "../model/event-fields.ts";
import type { StoredEvent } from "../store/events/events.ts";

/** A delivery of a mail that was never sent. `now`: ms. Its seq is 0, which no stored event has. */
export function sampleEvent(now: number): StoredEvent {
  return {
    ...NO_DETAILS,
    id: `test-${now}`, // new each time, because a receiver drops an id that it knows
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
