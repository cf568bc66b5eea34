// The normalised event. Providers produce ParsedEvents; storing one adds its id, its place in the feed and where it came
// from. The fields themselves are listed in event-fields.ts.

import type { EventDetails } from "./event-fields.ts";
import type { EventType } from "./event-words.ts";

export type { EventDetails, StoredEvent } from "./event-fields.ts";
export { EVENT_TYPES, REASONS, type EventType, type Reason, type Smtp } from "./event-words.ts";

/** One event as a provider's parser gives it. */
export interface ParsedEvent extends EventDetails {
  type: EventType;
  /** The recipient's address, normalised (see address.ts). */
  contact: string;
  /** The provider's id of the mail, exact to the last digit. */
  message_id: string | null;
  /** When it happened by the provider, ms since the epoch; the time of receipt where the provider names none. */
  occurred_at: number;
  /** What makes this report itself, and nothing that may differ between two deliveries of it. */
  identity: string[];
  /** Index of the provider's element in the delivery that this event was read from. */
  element: number;
}
