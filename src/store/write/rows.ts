// The shapes of what is written to D1. Times are ms since the epoch.

import { strongestOf, type Suppression } from "../../model/suppression/fold.ts";
import { destinationOf } from "../../model/destination.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import type { EventColumns, EventDetails } from "../../model/event-fields.ts";
import { PACKED_NAMES } from "../events/event-columns.ts";

/** A row of `events`, without the seq that it gets. The columns that hold the event's fields are those of their list. */
export interface EventRow extends Omit<EventColumns, "seq"> {
  /** Where the raw element lies: archive object, line, element. */
  batch: string;
  line: number;
  element: number;
  /** JSON of the details that the provider told, see {@link packDetails}; null for none. */
  details: string | null;
  // What counters read, and no reader of events.
  bounce: EventDetails["bounce"];
  destination: string;
  /** Of opens and clicks; "" where it is not told, and for all others. */
  machine: "human" | "machine" | "";
}

export interface ContactChange {
  contact: string;
  version: number;
  /** The strongest reason in force for all mail. */
  suppressed: SuppressionReason | null;
  since: number | null;
  suppressions: readonly Suppression[];
}

/** What to store of a contact whose object told this state. */
export function changeOf(
  contact: string,
  { version, suppressions }: Pick<ContactChange, "version" | "suppressions">,
): ContactChange {
  const strongest = strongestOf(suppressions);
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
  ]);
  return JSON.stringify([contact, version, suppressed, since, entries, destinationOf(contact)]);
}

export interface SourceUpdate {
  source: string;
  provider: string;
  last_received_at: number;
  last_event_at: number | null;
  last_ping_at: number | null;
  /** Null leaves it as it is. */
  lag_ms: number | null;
}

export interface Tally {
  envelope: string;
  source: string;
  duplicates: number;
  pings: number;
  outside: 0 | 1;
}

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

/** The details as JSON, without the empty ones; null where all are empty. */
export function packDetails(details: EventDetails): string | null {
  const told: Record<string, unknown> = {};
  for (const name of PACKED_NAMES) if (!isEmpty(details[name])) told[name] = details[name];
  return Object.keys(told).length === 0 ? null : JSON.stringify(told);
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === null;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}
