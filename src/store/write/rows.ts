// The shapes of the rows that are written to D1. Times are ms since the epoch.

import type { Suppression } from "../../model/suppression/fold.ts";
import { strongestOf } from "../../model/suppression/in-force.ts";
import { destinationOf } from "../../model/destination.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import { NO_DETAILS, type EventColumns, type EventDetails } from "../../model/event-fields.ts";
import { PACKED_NAMES } from "../events/event-columns.ts";

/** A row of `events`, without its seq. The columns of the event's fields are those of src/model/event-fields.ts. */
export interface EventRow extends Omit<EventColumns, "seq"> {
  /** Where the raw element lies: archive object, line, element. */
  batch: string;
  line: number;
  element: number;
  /** JSON of the other details that the provider reported, see {@link packDetails}; null if it reported none. */
  details: string | null;
  // The columns that only the counters read.
  bounce: EventDetails["bounce"];
  destination: string;
  /** For opens and clicks; "" if the provider does not report it, and for all other types. */
  machine: "human" | "machine" | "";
}

/** A contact's suppressions as its object holds them at a version; times in ms. */
export interface ContactChange {
  contact: string;
  version: number;
  /** The strongest reason in force for all mail. */
  suppressed: SuppressionReason | null;
  since: number | null;
  suppressions: readonly Suppression[];
}

/** The row to store for a contact whose object reported this state. */
export function changeOf(
  contact: string,
  { version, suppressions }: Pick<ContactChange, "version" | "suppressions">,
): ContactChange {
  const strongest = strongestOf(suppressions, Date.now());
  return {
    contact,
    version,
    suppressed: strongest?.reason ?? null,
    since: strongest?.at ?? null,
    suppressions,
  };
}

/** The JSON row of a contact, with its suppressions. */
export function contactRow({ contact, version, suppressed, since, suppressions }: ContactChange): string {
  const entries = suppressions.map((s) => [
    s.reason,
    s.scope,
    s.event,
    s.source,
    s.at,
    s.by,
    s.note,
    s.lifted_at,
    s.lifted_by,
    s.lift_note,
    s.held,
    s.expires_at ?? null,
  ]);
  return JSON.stringify([contact, version, suppressed, since, entries, destinationOf(contact)]);
}

/** What a slice changes in a source's row; times in ms. */
export interface SourceUpdate {
  source: string;
  provider: string;
  last_received_at: number;
  last_event_at: number | null;
  last_ping_at: number | null;
  /** From receipt to storage, ms; null leaves the row's value as it is. */
  lag_ms: number | null;
}

/** What an envelope adds to its source's counters. Its row makes sure that this happens only once. */
export interface Tally {
  envelope: string;
  source: string;
  duplicates: number;
  pings: number;
  outside: 0 | 1;
  /** The network of a sender outside of the list; null if it is not known. */
  network: string | null;
  /** When the envelope was received, ms. */
  received_at: number;
}

/** A row of `dead_letters`. `element`: the index of the envelope's reject, null for the whole envelope. */
export interface DeadLetter {
  id: string;
  envelope: string;
  element: number | null;
  source: string;
  provider: string;
  reason: string;
  raw: string;
  received_at: number;
}

/** The details that have no column, as JSON without the empty ones; null if all are empty. */
export function packDetails(details: EventDetails): string | null {
  const packed: Record<string, unknown> = {};
  for (const name of PACKED_NAMES)
    if (!isEmpty(details[name], NO_DETAILS[name])) packed[name] = details[name];
  return Object.keys(packed).length === 0 ? null : JSON.stringify(packed);
}

/** `empty`: the field's value in an event of which the provider reports nothing. */
function isEmpty(value: unknown, empty: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === empty;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}
