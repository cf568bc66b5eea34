// What a pipe's object keeps: where it is, and how its destination is. One value, written once a page.

import type { FeedPositions } from "../store/pipes/pipes.ts";

/** Why nothing is sent at present; times in ms. */
export interface Down {
  verdict: string;
  reason: string;
  since: number;
  until: number;
  looks: number;
}

/** What of the feed, or a part of it, is to be passed on once more. */
export interface Redelivery {
  id: string;
  /** Places in the feed of events: behind `after`, until `last`. */
  after: number;
  last: number;
  /** Beside the pipe's own filter; null for none. */
  filter: string | null;
}

export interface State {
  id: string;
  place: FeedPositions;
  /** Ids behind the cursor that are done already: their neighbours' requests failed. */
  ahead: string[];
  streak: number;
  /** Events refused since the last one that was not. */
  refusals: number;
  down: Down | null;
  redeliveries: Redelivery[];
  unevaluated: number;
  delivered: number;
  filtered: number;
  given_up: number;
  delivered_at: number | null;
  failed_at: number | null;
  failure: string | null;
}

/** How a pipe is; times in ms. */
export interface PipeHealth extends Omit<State, "id" | "ahead" | "streak" | "refusals"> {
  retries: number;
  /** Whether it is at work just now. */
  busy: boolean;
  /** When the next thing happens by itself. */
  next_at: number | null;
}

/** The state of a pipe that has not begun. */
export const NEW: Omit<State, "id" | "place"> = {
  ahead: [],
  streak: 0,
  refusals: 0,
  down: null,
  redeliveries: [],
  unevaluated: 0,
  delivered: 0,
  filtered: 0,
  given_up: 0,
  delivered_at: null,
  failed_at: null,
  failure: null,
};
