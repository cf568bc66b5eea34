// The parts in which lists of events are read.

import type { StoredEvent } from "../../model/event-fields.ts";
import type { FeedPosition } from "../feed-position.ts";

/** A page of events. */
export interface EventPage {
  events: StoredEvent[];
  /** Where the next page begins; null at the end. */
  next: FeedPosition | null;
  /**
   * In ascending order, the position behind all events that this page has looked at: at the end, events that are stored
   * later lie behind it. Null in descending order.
   */
  resume: FeedPosition | null;
}

/** Reads one page behind `after`, in the direction of the list. */
export type ReadPage = (after: FeedPosition | undefined, limit: number) => Promise<EventPage>;

/** A part of the list of one feed in one database. */
export interface ListPart {
  events: StoredEvent[];
  /** The seq behind which the list goes on; null at its end. */
  next: number | null;
  /** In ascending order, at the end: the seq up to which all events were looked at. */
  seen: number;
}
