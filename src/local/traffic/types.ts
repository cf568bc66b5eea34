// The words of the demo's traffic: what an ESP would report, the requests that carry it, and what has to come of them.

import type { EventType } from "../../model/event.ts";

export type SourceName = "mailjet" | "jangomail" | "generic" | "intranet";

/** What happens to a mail, before any ESP's dialect. An `oddity` is a kind of report that Tidings does not know. */
export type Happening =
  | "queued"
  | "sent"
  | "delivered"
  | "opened"
  | "clicked"
  | "hard_bounce"
  | "soft_bounce"
  | "blocked"
  | "dropped"
  | "complained"
  | "unsubscribed"
  | "oddity";

/** One mail to one contact. */
export interface Mail {
  contact: string;
  /** By the provider's form; text, because it may be a number beyond 2^53. */
  id: string;
  campaign: string;
  customId: string;
  /** ms, when it was sent. */
  sentAt: number;
}

/** One report about a mail, and the event that it has to become. */
export interface Report {
  mail: Mail;
  what: Happening;
  /** ms */
  at: number;
  /** Link, device and place, where the report is of an open or click. */
  url: string;
  ip: string;
  agent: string;
  expected: EventType;
}

/** One HTTP request, and what has to come of it where it is accepted. */
export interface PlannedRequest {
  method: "GET" | "POST";
  /** With the query, if any. */
  path: string;
  headers: Record<string, string>;
  body: string | null;
  source: SourceName | null;
  /** The status that it has to get. */
  status: number;
  /** The reports in it. */
  reports: readonly Report[];
  pings: number;
  deadLetters: number;
}

/** What is shown as an example at the end. */
export interface Examples {
  /** Sent, opened and clicked, with an id beyond 2^53. */
  clicked: Mail;
  /** Hard bounced, and nothing else. */
  bounced: Mail;
}

export interface Traffic {
  requests: PlannedRequest[];
  /** Every report once, by the source that it came to. */
  reports: ReadonlyMap<SourceName, readonly Report[]>;
  examples: Examples;
}
