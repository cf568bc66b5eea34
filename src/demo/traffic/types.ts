// The types of the demo's traffic: the reports of an ESP, the requests that carry them, and their expected results.

import type { EventType } from "../../model/event.ts";
import type { Random } from "./random.ts";

/**
 * What happens to a mail, independent of any ESP's dialect. An `oddity` is a kind of report that Tidings does not know.
 */
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
  /** The mail's id in the provider's form; a string, because it may be a number beyond 2^53. */
  id: string;
  campaign: string;
  customId: string;
  /** ms, the time when it was sent. */
  sentAt: number;
}

/** One report about a mail, and the event that it must become. */
export interface Report {
  mail: Mail;
  what: Happening;
  /** ms, in whole seconds; no two reports of a mail have the same time. */
  at: number;
  /** Link, device and place, if the report is about an open or click. */
  url: string;
  ip: string;
  agent: string;
  expected: EventType;
  /** The campaign that the event must contain; null if the dialect does not report campaigns. */
  campaign: string | null;
}

/** A request as it is sent. */
export interface SignedRequest {
  method: "GET" | "POST";
  /** The path, with the query if there is one. */
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

/** Adds the proof of origin to a request; `now` is in ms. */
export type Sign = (request: SignedRequest, now: number) => SignedRequest;

/** One ESP as a sender: its words, how it groups reports, and how it authenticates itself. */
export interface Dialect {
  /** The provider's id, and so the name of the source. */
  source: string;
  /** The source's entry in SOURCE_CREDENTIALS; null if its requests need no credentials. */
  credentials: string | readonly string[] | null;
  /** The source's entry in SOURCES, if it needs one. */
  settings?: Record<string, unknown>;
  /** The happenings that it has a word for. */
  knows: readonly Happening[];
  /** The types that reports must become, if they differ from {@link EXPECTED} in mails.ts. */
  becomes?: Partial<Record<Happening, EventType>>;
  /** Whether its reports contain the mail's campaign. */
  tellsCampaign: boolean;
  /** Makes the id of a new mail, as Tidings must return it; `previous` is the id of the previous mail. */
  makeId(random: Random, previous: string | null): string;
  /** The most reports in one request; 1 if it posts each report separately. */
  most: number;
  /**
   * Makes the request that carries these reports, without the proof of origin. Randomness may decide only what an ESP
   * may vary between two deliveries of one report; ids that belong to the report are derived from it.
   */
  compose(reports: readonly Report[], random: Random): SignedRequest;
  /** Adds the proof of origin, anew for every attempt. Without it the request must be refused. */
  sign: Sign;
  /** The requests of its "test" button and its probes, and the number of pings that each must count as. */
  tests?(random: Random, now: number): (SignedRequest & { pings: number })[];
  /** False for the one sender that has no second URL to fail over to, and sends nothing twice. */
  repeats?: false;
}

/** One HTTP request, and its expected result if it is accepted. */
export interface PlannedRequest extends SignedRequest {
  /** Applied before each attempt. */
  sign: Sign;
  source: string | null;
  /** The expected status of the answer. */
  status: number;
  /** The reports that it contains. */
  reports: readonly Report[];
  pings: number;
  deadLetters: number;
}

/** The mails that are shown as examples at the end. */
export interface Examples {
  /** A mail that was sent, opened and clicked, with an id beyond 2^53. */
  clicked: Mail;
  /** A mail that hard bounced, without any other report. */
  bounced: Mail;
}

/** The demo's traffic. */
export interface Traffic {
  requests: PlannedRequest[];
  /** Every report once, by the source that receives it. */
  reports: ReadonlyMap<string, readonly Report[]>;
  examples: Examples;
}
