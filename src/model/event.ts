// The normalised event. Providers' parsers return ParsedEvents. Storing one adds its id, its position in the feed and
// its origin. event-fields.ts lists the fields.

import type { EventDetails } from "./event-fields.ts";
import type { EventType } from "./event-words.ts";

export type { EventDetails, StoredEvent } from "./event-fields.ts";
export { EVENT_TYPES, REASONS, type EventType, type Reason, type Smtp } from "./event-words.ts";

/** One event as a provider's parser returns it. */
export interface ParsedEvent extends EventDetails {
  type: EventType;
  /** The recipient's address, normalised (see address.ts). */
  contact: string;
  /** The provider's id of the mail, exact to the last digit. */
  message_id: string | null;
  /**
   * When it happened according to the provider, ms since the epoch; the time of receipt if the event is `estimated`.
   */
  occurred_at: number;
  /** Values that identify this report. They must not include anything that can differ between two deliveries of it. */
  identity: string[];
  /** Index of the element of the delivery from which this event was read. */
  element: number;
}
