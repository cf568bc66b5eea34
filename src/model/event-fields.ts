// The single list of an event's fields. Everything else derives from it: the types of parsed and stored events, the
// packing for the database, the responses of /v1, the columns of CSV, the OpenAPI document and the names in filters. So
// a field that is added here reaches all of them, and a property that is not listed here is never shown.
//
// A detail needs only its line here, because details are stored together as JSON. A field with a column of its own also
// needs a migration and its property in EventRow (src/store/write/rows.ts), which does not compile without it.

import { EVENT_TYPES, REASONS, type Smtp } from "./event-words.ts";

/**
 * The types of values. Times are ms since the epoch inside Tidings; responses show them in ISO 8601, in UTC with
 * milliseconds.
 */
interface Values {
  text: string;
  whole: number;
  time: number;
  flag: boolean;
  texts: string[];
  object: Record<string, unknown>;
  smtp: Smtp;
}

/** The description of one field. */
export interface EventField {
  /** The type of its values. */
  holds: keyof Values;
  /** All texts that it may contain; left out if any text is possible. */
  words?: readonly string[];
  /** It is null if the provider does not report it. Lists and objects are empty instead, flags false. */
  nullable?: true;
  /** Its column in `events`. A field without a column is packed into `details`. */
  column?: string;
  /** System events (src/store/pipes/system-events.ts) have it, too, or "" instead, so filters need not handle null. */
  always?: true;
  /** Its description in the OpenAPI document. */
  about?: string;
  example?: string;
}

/** Fields that every event has, from any provider. */
const KEY_FIELDS = {
  id: { holds: "text", column: "id", always: true, example: "3fj0dm8c01k5gqfp8w7h2m4n6q8s0tvwxy" },
  seq: {
    holds: "whole",
    column: "seq",
    about: "Order of storage in the feed of one database. Do not use it as a cursor: pass `next` as `after`",
  },
  source: { holds: "text", column: "source", always: true, example: "mailjet" },
  provider: { holds: "text", column: "provider", always: true, example: "mailjet" },
  type: { holds: "text", words: EVENT_TYPES, column: "type", always: true },
  /** The recipient's address, normalised (see address.ts). */
  contact: { holds: "text", column: "contact", example: "ann@example.com" },
  /** The provider's id of the mail, exact to the last digit. */
  message_id: { holds: "text", nullable: true, column: "message_id", example: "1152921521234567890" },
  occurred_at: {
    holds: "time",
    column: "at",
    always: true,
    about: "When it happened, according to the provider; see `estimated`",
  },
  received_at: { holds: "time", column: "received_at" },
} as const satisfies Record<string, EventField>;

/** Fields that a provider may report. Their order is the order in the stored JSON, which history compares as text. */
const DETAIL_FIELDS = {
  /** Permanent or temporary; null if the provider does not report which. */
  bounce: { holds: "text", words: ["hard", "soft"], nullable: true, about: "Only for `bounced`" },
  reason: { holds: "text", words: REASONS, nullable: true, column: "reason" },
  description: {
    holds: "text",
    nullable: true,
    about: "The provider's or the receiving server's explanation",
  },
  smtp: { holds: "smtp", nullable: true },
  campaign: { holds: "text", nullable: true, column: "campaign" },
  custom_id: { holds: "text", nullable: true, column: "custom_id" },
  tags: { holds: "texts", column: "tags" },
  metadata: { holds: "object" },
  url: { holds: "text", nullable: true, about: "The link that was clicked" },
  ip: { holds: "text", nullable: true },
  /** Where an open or click came from, as the provider reports it: usually an ISO 3166 country code. */
  geo: { holds: "text", nullable: true },
  user_agent: { holds: "text", nullable: true },
  /** Whether a machine opened or clicked, such as a scanner or a privacy proxy. */
  machine: {
    holds: "flag",
    nullable: true,
    about: "Whether a machine opened or clicked; null if the provider does not report it",
  },
  /** Whether Tidings chose `occurred_at`. Only true is stored. */
  estimated: {
    holds: "flag",
    about:
      "Whether `occurred_at` is the time of receipt, because the provider's time is missing, cannot be read or is " +
      "more than a day ahead",
  },
  /** Tidings fills it in: see hops.ts. */
  hops: {
    holds: "whole",
    nullable: true,
    about: "How many pipes it came through before it came here, of this Tidings or another one; null if none",
  },
} as const satisfies Record<string, EventField>;

/** All fields of a stored event, in the order in which responses show them. */
export const EVENT_FIELDS = { ...KEY_FIELDS, ...DETAIL_FIELDS } as const;

type Held<F extends EventField> = F extends { words: readonly (infer Word)[] } ? Word : Values[F["holds"]];
type ValueOf<F extends EventField> = F extends { nullable: true } ? Held<F> | null : Held<F>;
type ValuesOf<L extends Record<string, EventField>> = { -readonly [Name in keyof L]: ValueOf<L[Name]> };

/** The details of an event beside its key fields. A detail that the provider does not report is null, [], {} or false. */
export type EventDetails = ValuesOf<typeof DETAIL_FIELDS>;
/** The details that a provider's parser may fill in. Tidings itself fills in the others. */
export type ReportedDetails = Omit<EventDetails, "estimated" | "hops">;
/** An event as the store reads it from the database, with times in ms since the epoch. */
export type StoredEvent = ValuesOf<typeof EVENT_FIELDS>;
/** An event as responses show it, with times in ISO 8601. */
export type ShownEvent = {
  [Name in keyof StoredEvent]: (typeof EVENT_FIELDS)[Name] extends { holds: "time" }
    ? string
    : StoredEvent[Name];
};

/** The name of any field. */
export type EventFieldName = keyof StoredEvent;

/** The columns of `events` that hold fields, with the types of their values: lists as JSON, or null if empty. */
export type EventColumns = {
  -readonly [
    Name in EventFieldName as (typeof EVENT_FIELDS)[Name] extends { column: infer C extends string }
      ? C
      : never
  ]: (typeof EVENT_FIELDS)[Name] extends { holds: "texts" } ? string | null : StoredEvent[Name];
};

const namesOf = <T extends object>(list: T): readonly (keyof T)[] => Object.keys(list) as (keyof T)[];

/** The names of all fields, in the order of {@link EVENT_FIELDS}. */
export const EVENT_FIELD_NAMES = namesOf(EVENT_FIELDS);
/** The names of the details, in the order in which they are stored. */
export const DETAIL_NAMES = namesOf(DETAIL_FIELDS);

/** The description of a field, typed as EventField and not as the literal. */
export const eventField = (name: EventFieldName): EventField => EVENT_FIELDS[name];

const EMPTY: Partial<Record<keyof Values, unknown>> = { texts: [], object: {}, flag: false };

const emptyOf = (field: EventField): unknown =>
  field.nullable === true ? null : (EMPTY[field.holds] ?? null);

/**
 * The details of an event of which the provider reports none. From JSON.parse, because V8 clones parsed objects as fast
 * as literals.
 */
export const NO_DETAILS: Readonly<EventDetails> = Object.freeze(
  JSON.parse(
    JSON.stringify(Object.fromEntries(DETAIL_NAMES.map((name) => [name, emptyOf(DETAIL_FIELDS[name])]))),
  ) as EventDetails,
);
