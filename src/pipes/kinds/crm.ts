// What CRMs learn about a contact: whether it may be mailed, and what it last did, under the names of the CRM's
// properties. A CRM holds the state of a contact and takes each contact once in a batch. So several events of a contact
// become one record, in which the latest event wins for each property. The order of the events, and repeats, make no
// difference.

import * as z from "zod";
import { objectOf, textOf } from "../../lib/json.ts";
import { isWholeDomain } from "../../model/whole-domain.ts";
import { outcomeOfItems } from "../transport/batches.ts";
import type { Outcome, Outgoing } from "./kind.ts";

/** The facts that a CRM can hold, with an explanation where one is needed. */
const FIELDS = {
  suppressed: "true while the contact must not be mailed at all, false once that is lifted",
  suppression_reason:
    "Why it must not be mailed: hard_bounce, complaint, unsubscribed, soft_bounces or manual",
  last_event: "The type of the latest event",
  last_event_at: "When that was; all times are dates with time, ISO 8601 in UTC",
  last_delivered_at: "When a mail was last delivered",
  last_opened_at: "When a mail was last opened",
  last_clicked_at: "When a link was last clicked",
  last_bounced_at: "When a mail last bounced",
  bounce: "hard or soft: the latest bounce, as far as it is told",
} as const;
type Field = keyof typeof FIELDS;

/** The CRM's names of the facts that it is to hold. */
export type Fields = Partial<Record<Field, string | undefined>>;

/** The schema of the setting `fields`. `property`: the form of this CRM's property names. */
export function fieldsSetting(property: z.ZodType<string>) {
  const names = Object.entries(FIELDS).map(([field, description]) => [
    field,
    property.optional().meta({ description }),
  ]);
  return z
    .strictObject(Object.fromEntries(names) as Record<Field, z.ZodOptional<z.ZodType<string>>>, {
      error: ({ code }) =>
        code === "invalid_type" ? "must be names of properties, by what they hold" : undefined,
    })
    .refine((fields) => namesOf(fields).length > 0, "must name at least one property")
    .refine((fields) => {
      const named = namesOf(fields).map((name) => name.toLowerCase());
      return new Set(named).size === named.length;
    }, "must name each property only once")
    .meta({ description: "What is to be told, by the name of the property that holds it there" });
}

/** The schema of the setting `missing`: what becomes of contacts that the CRM does not know. */
export const missingSetting = z
  .enum(["skip", "create"], "must be skip or create")
  .default("skip")
  .meta({
    description:
      "Contacts that are not there: `skip` passes them over, `create` creates them. Every address that ever got a mail " +
      "becomes a contact then, which your plan there may charge for",
  });

/** What people read about a contact that was passed over. */
const UNKNOWN_THERE = "unknown there";

/** The properties that are written. */
export function namesOf(fields: Fields): string[] {
  return Object.values(fields).filter((name) => name !== undefined);
}

/** Null empties the property; times are ISO 8601 in UTC. */
export type Value = string | boolean | null;

/** The record of one contact. */
export interface ContactRecord {
  /** The address. */
  contact: string;
  /** By the CRM's name of the property. */
  values: Record<string, Value>;
  /** Indexes in the batch of the events that it was made from. */
  from: number[];
}

const TIMES: Readonly<Record<string, Field>> = {
  delivered: "last_delivered_at",
  opened: "last_opened_at",
  clicked: "last_clicked_at",
  bounced: "last_bounced_at",
};

/** What one event says about its contact. */
function tellingsOf({ type, at, event }: Outgoing): Partial<Record<Field, Value>> {
  const data = objectOf(event["data"]);
  const reason = textOf(data["reason"]);
  // A suppression for one list says nothing about other mail, and a lift means nothing while another suppression is in
  // force.
  const global = textOf(data["scope"]) === null;
  if (type === "contact.suppressed") return global ? { suppressed: true, suppression_reason: reason } : {};
  if (type === "contact.lifted") {
    return global && data["suppressed"] !== true ? { suppressed: false, suppression_reason: null } : {};
  }
  if (type.includes(".")) return {};
  const time = new Date(at).toISOString();
  const field = TIMES[type];
  const bounce = type === "bounced" ? textOf(event["bounce"]) : null;
  return {
    last_event: type,
    last_event_at: time,
    ...(field === undefined ? {} : { [field]: time }),
    ...(bounce === null ? {} : { bounce }),
  };
}

interface Folded {
  /** By property: its value, and the event that it comes from. */
  latest: Map<string, { by: Outgoing; value: Value }>;
  from: number[];
}

/**
 * Folds a batch into one record for each contact with news, ordered by address. Events from before a contact's erasure
 * are left out.
 */
export function foldContacts(batch: readonly Outgoing[], fields: Fields): ContactRecord[] {
  const erased = erasures(batch);
  const found = new Map<string, Folded>();
  for (const [index, one] of batch.entries()) {
    if (one.contact === null || isWholeDomain(one.contact)) continue; // a CRM knows persons
    if (one.at <= (erased.get(one.contact) ?? -Infinity)) continue;
    const told = Object.entries(tellingsOf(one)).flatMap(([field, value]) => {
      const name = fields[field as Field];
      return name === undefined ? [] : [{ name, value }];
    });
    if (told.length === 0) continue;
    const contact: Folded = found.get(one.contact) ?? { latest: new Map(), from: [] };
    found.set(one.contact, contact);
    contact.from.push(index);
    for (const { name, value } of told) {
      const before = contact.latest.get(name);
      if (before === undefined || isLater(one, before.by)) contact.latest.set(name, { by: one, value });
    }
  }
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([contact, { latest, from }]) => {
      const values = [...latest].map(([name, { value }]) => [name, value] as const);
      return { contact, values: Object.fromEntries(values.toSorted(([a], [b]) => (a < b ? -1 : 1))), from };
    });
}

/** Orders by time, and within a millisecond by id, so that the result does not depend on the order of arrival. */
function isLater(one: Outgoing, other: Outgoing): boolean {
  return one.at === other.at ? one.id > other.id : one.at > other.at;
}

function erasures(batch: readonly Outgoing[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const { type, contact, at } of batch) {
    if (type !== "contact.erased" || contact === null) continue;
    times.set(contact, Math.max(at, times.get(contact) ?? -Infinity));
  }
  return times;
}

/** The outcome of a batch without news: no request was needed. */
export const NOTHING_TO_TELL: Outcome = {
  result: "delivered",
  reason: null,
  status: null,
  retryAfter: null,
};

/** Why a record was not written. */
export type Failure = Pick<NonNullable<Outcome["failed"]>[number], "result" | "reason">;

/** Why a record was not written, or that the CRM does not know its contact, and need not. */
export type RecordFailure = Failure | "unknown there";

/** The outcome of a batch of `count` events from the answers for its records. `failures`: by the record's index. */
export function outcomeOfRecords(
  count: number,
  records: readonly ContactRecord[],
  failures: ReadonlyMap<number, RecordFailure>,
  status: number,
): Outcome {
  const eventsOf = (place: number): readonly number[] => records[place]?.from ?? [];
  const failed = [...failures].flatMap(([place, failure]) =>
    failure === UNKNOWN_THERE ? [] : eventsOf(place).map((index) => ({ index, ...failure })),
  );
  const skipped = [...failures]
    .flatMap(([place, failure]) => (failure === UNKNOWN_THERE ? eventsOf(place) : []))
    .map((index) => ({ index, reason: UNKNOWN_THERE }));
  const outcome = outcomeOfItems(count, failed, { status, retryAfter: null });
  if (skipped.length === 0) return outcome;
  const words = `${skipped.length} of ${count} ${UNKNOWN_THERE}, skipped`;
  // Whom it does not know it has answered for, too.
  const reason =
    failed.length === 0 ? words : `${words}; ${failed.length} not taken: ${failed[0]?.reason ?? ""}`;
  return { ...outcome, result: "delivered", reason, ...(failed.length === 0 ? {} : { failed }), skipped };
}
