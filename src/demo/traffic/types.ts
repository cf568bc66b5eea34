// The words of the demo's traffic: what an ESP would report, the requests that carry it, and what has to come of them.

import type { EventType } from "../../model/event.ts";
import type { Random } from "./random.ts";

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
  /** ms, on a whole second; no two reports of a mail have the same. */
  at: number;
  /** Link, device and place, where the report is of an open or click. */
  url: string;
  ip: string;
  agent: string;
  expected: EventType;
  /** The campaign that the event has to name; null where the dialect tells none. */
  campaign: string | null;
}

/** A request as it goes over the wire. */
export interface SignedRequest {
  method: "GET" | "POST";
  /** With the query, if any. */
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

/** The letter with its proof of origin. `now` in ms. */
export type Sign = (letter: SignedRequest, now: number) => SignedRequest;

/** One ESP as a sender: its words, how it groups them, and how it proves who it is. */
export interface Dialect {
  /** The provider's id, and so the name of the source. */
  source: string;
  /** The source's entry in SOURCE_CREDENTIALS; null where no request needs any. */
  credentials: string | readonly string[] | null;
  /** The source's entry in SOURCES, where it needs one. */
  settings?: Record<string, unknown>;
  /** What it has a word for. */
  knows: readonly Happening[];
  /** What a report has to become, where that is not what the happening's name says. */
  becomes?: Partial<Record<Happening, EventType>>;
  /** Whether its reports name the mail's campaign. */
  tellsCampaign: boolean;
  /** The id of a new mail, as Tidings has to show it; `previous` is the last one's. */
  makeId(random: Random, previous: string | null): string;
  /** The most reports that it puts into one request; 1 where it posts each by itself. */
  most: number;
  /**
   * The request that carries these reports, without what proves its origin. Chance may decide what an ESP may vary between
   * two deliveries of one report, and nothing else: ids that belong to the report follow from it.
   */
  compose(reports: readonly Report[], random: Random): SignedRequest;
  /** Makes the proof, anew for every attempt. Without it the letter must be refused. */
  sign: Sign;
  /** What its "test" button and its probes send, and how many pings each must be. */
  tests?(random: Random, now: number): (SignedRequest & { pings: number })[];
  /** False for the one that has no second URL to fail over to, and tells nothing twice. */
  repeats?: false;
}

/** One HTTP request, and what has to come of it where it is accepted. */
export interface PlannedRequest extends SignedRequest {
  /** What it goes through before each attempt. */
  sign: Sign;
  source: string | null;
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
  reports: ReadonlyMap<string, readonly Report[]>;
  examples: Examples;
}
