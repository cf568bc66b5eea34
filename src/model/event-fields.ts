// The fields of an event, written once. The types of parsed and stored events, what is packed for the database and read
// from it, the answers of /v1, the columns of CSV, the OpenAPI document and the names that filters know all derive from
// this list, so a field that is added here reaches each of them. What is not listed here is never shown.
//
// A detail needs no more than its line, for details are stored together as JSON. A field with a column of its own also
// needs a migration and its place in EventRow (src/store/write/rows.ts), which does not compile without it.

import { EVENT_TYPES, REASONS, type Smtp } from "./event-words.ts";

/** What a field may hold. Times are ms since the epoch inside, and ISO 8601 in UTC with milliseconds where they are shown. */
interface Values {
  text: string;
  whole: number;
  time: number;
  flag: boolean;
  texts: string[];
  object: Record<string, unknown>;
  smtp: Smtp;
}

export interface EventField {
  holds: keyof Values;
  /** The only texts that there are. */
  words?: readonly string[];
  /** It may be null: the provider does not tell. Lists and objects are empty then. */
  nullable?: true;
  /** The column of `events` that holds it. Without one it is packed into `details`. */
  column?: string;
  /** System events (src/store/pipes/system-events.ts) have it, too, or "" for it, so a filter need not expect null. */
  always?: true;
  /** For the API's description. */
  about?: string;
  example?: string;
}

/** What every event has, whoever reported it. */
const KEY_FIELDS = {
  id: { holds: "text", column: "id", always: true, example: "3fj0dm8c01k5gqfp8w7h2m4n6q8s0tvwxy" },
  seq: { holds: "whole", column: "seq", about: "Order of storage. It is no cursor: pass `next` as `after`" },
  source: { holds: "text", column: "source", always: true, example: "mailjet" },
  provider: { holds: "text", column: "provider", always: true, example: "mailjet" },
  type: { holds: "text", words: EVENT_TYPES, column: "type", always: true },
  /** The recipient's address, normalised (see address.ts). */
  contact: { holds: "text", column: "contact", example: "ann@example.com" },
  /** The provider's id of the mail, exact to the last digit. */
  message_id: { holds: "text", nullable: true, column: "message_id", example: "1152921521234567890" },
  occurred_at: { holds: "time", column: "at", always: true, about: "When it happened, by the provider" },
  received_at: { holds: "time", column: "received_at" },
} as const satisfies Record<string, EventField>;

/** What else a provider may tell. Their order is that of the stored JSON, which history compares letter by letter. */
const DETAIL_FIELDS = {
  /** Permanent or temporary; null where the provider does not say which. */
  bounce: { holds: "text", words: ["hard", "soft"], nullable: true, about: "Only for `bounced`" },
  reason: { holds: "text", words: REASONS, nullable: true },
  description: { holds: "text", nullable: true, about: "The provider's or the receiving server's words" },
  smtp: { holds: "smtp", nullable: true },
  campaign: { holds: "text", nullable: true, column: "campaign" },
  custom_id: { holds: "text", nullable: true },
  tags: { holds: "texts" },
  metadata: { holds: "object" },
  url: { holds: "text", nullable: true, about: "The link that was clicked" },
  ip: { holds: "text", nullable: true },
  /** Where an open or click came from, as the provider says it: usually an ISO 3166 country code. */
  geo: { holds: "text", nullable: true },
  user_agent: { holds: "text", nullable: true },
  /** A scanner or a privacy proxy. */
  machine: {
    holds: "flag",
    nullable: true,
    about: "Whether a machine opened or clicked; null where it is not told",
  },
} as const satisfies Record<string, EventField>;

/** All fields of a stored event, in the order in which they are shown. */
export const EVENT_FIELDS = { ...KEY_FIELDS, ...DETAIL_FIELDS } as const;

type Held<F extends EventField> = F extends { words: readonly (infer Word)[] } ? Word : Values[F["holds"]];
type ValueOf<F extends EventField> = F extends { nullable: true } ? Held<F> | null : Held<F>;
type ValuesOf<L extends Record<string, EventField>> = { -readonly [Name in keyof L]: ValueOf<L[Name]> };

/** What a provider may tell of an event beside its key fields; null, [] or {} where it does not. */
export type EventDetails = ValuesOf<typeof DETAIL_FIELDS>;
/** An event as it is read from the database; times in ms. */
export type StoredEvent = ValuesOf<typeof EVENT_FIELDS>;
/** An event as it is shown: times as texts. */
export type ShownEvent = {
  [Name in keyof StoredEvent]: (typeof EVENT_FIELDS)[Name] extends { holds: "time" }
    ? string
    : StoredEvent[Name];
};

export type EventFieldName = keyof StoredEvent;
export type DetailName = keyof EventDetails;

/** The columns of `events` that hold fields, with what they hold. */
export type EventColumns = {
  -readonly [
    Name in EventFieldName as (typeof EVENT_FIELDS)[Name] extends { column: infer C extends string }
      ? C
      : never
  ]: StoredEvent[Name];
};

const namesOf = <T extends object>(list: T): readonly (keyof T)[] => Object.keys(list) as (keyof T)[];

/** The names in the list's order. */
export const EVENT_FIELD_NAMES = namesOf(EVENT_FIELDS);
export const DETAIL_NAMES = namesOf(DETAIL_FIELDS);

/** The field as one of the list, its literal type put aside. */
export const eventField = (name: EventFieldName): EventField => EVENT_FIELDS[name];

const EMPTY: Partial<Record<keyof Values, unknown>> = { texts: [], object: {} };

/** What an event is when nothing more is told. Parsed, because V8 clones what it parsed as fast as a literal. */
export const NO_DETAILS: Readonly<EventDetails> = Object.freeze(
  JSON.parse(
    JSON.stringify(
      Object.fromEntries(DETAIL_NAMES.map((name) => [name, EMPTY[DETAIL_FIELDS[name].holds] ?? null])),
    ),
  ) as EventDetails,
);
