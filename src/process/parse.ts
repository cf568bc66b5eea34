// Parses envelopes into events, as pure functions apart from the log. Each envelope is parsed separately, so that a
// failure of one parser affects no other envelope. The events are divided into slices, which bound memory and
// transactions.

import { isWithin } from "../model/storage/shards.ts";
import { handlePlacesOf, settingsOf, type Config } from "../config/config.ts";
import { describeUnquoted } from "../lib/outage.ts";
import { evidenceOf, type Evidence } from "../model/suppression/evidence.ts";
import { destinationOf } from "../model/destination.ts";
import type { Envelope, ParkedPart } from "../model/envelope.ts";
import type { ParsedEvent } from "../model/event.ts";
import { HOPS_HEADER, hopsOf, MOST_HOPS } from "../model/hops.ts";
import { ERASED_ADDRESS } from "../model/address-search.ts";
import { claimKey, contactPrefix, eventId } from "../model/event-id.ts";
import { deliveryOf, elementFinder, scopesOf } from "../providers/kit/delivery.ts";
import { withHandles } from "../providers/kit/handles.ts";
import type { UnknownWord } from "../model/unknown-word.ts";
import { providerNamed, type Reject } from "../providers/index.ts";
import { isGap } from "../store/dead-letters.ts";
import { MOST_JSON } from "../store/json-pieces.ts";
import { packDetails, type EventRow } from "../store/write/rows.ts";

/**
 * An envelope and the place of its body in the archive: the object's id and the line in it. It may not be there yet.
 */
export interface ArchivedEnvelope {
  envelope: Envelope;
  batch: string;
  line: number;
  /** Why it can never be parsed, if that is known already, else null. */
  problem: string | null;
  /** Of a parked part: the contacts that are left to be stored. */
  parked?: ParkedPart;
}

/** A parsed envelope. */
export interface ParsedEnvelope extends ArchivedEnvelope {
  events: NewEvent[];
  rejects: Reject[];
  pings: number;
  /** How many events repeat another event of the same envelope. */
  duplicates: number;
}

/** Whether any element of the envelope becomes a dead letter. Gaps that an erasure left do not. */
export function hasRejects({ envelope, rejects }: ParsedEnvelope): boolean {
  return rejects.some((reject) => !isGap(envelope, reject));
}

/** A parsed event that is to be claimed and stored. */
export interface NewEvent {
  /** The envelope that it came in. */
  parsed: ParsedEnvelope;
  /** Its claim key. */
  key: string;
  /** Its evidence for suppressions, or null. */
  evidence: Evidence | null;
  row: EventRow;
  /** Its words that the provider's tables do not know. */
  unknown: readonly UnknownWord[];
}

/**
 * The most that one delivery may give, far beyond what any provider sends in 5 MB: events, and characters in their
 * details. More than that does not fit into the Worker's memory, nor into the queries of an invocation.
 */
export const MOST_EVENTS_OF_ONE = 25_000;
const MOST_DETAILS_OF_ONE = 10_000_000;

/**
 * Parses an envelope. Never throws: if the parser fails, or if the delivery gives too many events, the whole envelope
 * becomes one reject.
 */
export function readEnvelope(located: ArchivedEnvelope, config: Config): ParsedEnvelope {
  const { envelope } = located;
  const parsed: ParsedEnvelope = { ...located, events: [], rejects: [], pings: 0, duplicates: 0 };
  const provider = providerNamed(envelope.provider);
  if (located.problem !== null || provider === undefined) {
    return rejected(parsed, located.problem ?? "there is no such provider any more");
  }
  const hops = hopsOf(envelope.headers.find(([name]) => name === HOPS_HEADER)?.[1]);
  if (hops !== null && hops >= MOST_HOPS) return rejected(parsed, `it came through ${hops} pipes: a loop`);
  try {
    const settings = settingsOf(config, envelope.source);
    const delivery = deliveryOf(envelope, settings);
    const { events, rejects, pings, unknown } = provider.parse(delivery);
    if (envelope.erased === true && envelope.body.length === 0) return parsed;
    if (events.length > MOST_EVENTS_OF_ONE)
      return rejected(parsed, `more than ${MOST_EVENTS_OF_ONE} events in one delivery`);
    let details = 0;
    const scopes = scopesOf(provider, delivery);
    const places = handlePlacesOf(config, envelope.source);
    const elementOf = elementFinder(provider, delivery);
    const words = unknown === undefined ? null : Map.groupBy(unknown, ({ element }) => element);
    const keys = new Set<string>();
    for (const event of events) {
      if (event.contact === ERASED_ADDRESS && envelope.erased === true) continue;
      const key = claimKey(envelope.provider, event.identity);
      if (keys.has(key)) parsed.duplicates += 1;
      else {
        const handled = places === null ? event : withHandles(event, places, elementOf);
        const passed = hops === null ? handled : { ...handled, hops };
        const made = newEventOf(parsed, passed, key, scopes);
        if (words !== null) made.unknown = words.get(event.element) ?? NO_WORDS;
        parsed.events.push(made);
      }
      keys.add(key);
      details += detailsLengthOf(parsed.events.slice(-1));
      if (details > MOST_DETAILS_OF_ONE)
        return rejected({ ...parsed, events: [], duplicates: 0 }, "its events are too large together");
    }
    return Object.assign(parsed, { rejects, pings });
  } catch (error) {
    console.error({ message: "a parser threw", provider: envelope.provider, ...describeUnquoted(error) });
    return rejected({ ...parsed, events: [], duplicates: 0 }, "the parser failed on this delivery");
  }
}

function rejected(parsed: ParsedEnvelope, reason: string): ParsedEnvelope {
  const raw = new TextDecoder().decode(parsed.envelope.body);
  return Object.assign(parsed, { rejects: [{ reason, raw }] });
}

/** Leaves only what is to be stored yet of an envelope. All else was stored when this part was parked. */
export function keepParked(parsed: ParsedEnvelope, parked: ParkedPart): void {
  const events = parsed.events.filter(({ row }) => isWithin(parked.ranges, contactPrefix(row.contact)));
  Object.assign(parsed, { parked, events, rejects: [], pings: 0, duplicates: 0 });
}

/**
 * The details as they are stored. The events of one element, which may name a thousand recipients, share one text, so
 * that it is in memory once.
 */
function detailsOf(
  { events }: ParsedEnvelope,
  event: ParsedEvent,
): Pick<EventRow, "custom_id" | "tags" | "details"> {
  const { custom_id } = event;
  const tags = event.tags.length === 0 ? null : JSON.stringify(event.tags);
  const details = packDetails(event);
  const before = events.at(-1)?.row;
  if (before?.element !== event.element) return { custom_id, tags, details };
  return {
    custom_id: before.custom_id === custom_id ? before.custom_id : custom_id,
    tags: before.tags === tags ? before.tags : tags,
    details: before.details === details ? before.details : details,
  };
}

const NO_WORDS: readonly UnknownWord[] = [];

/** The kinds of evidence that may apply to only one list or stream. */
const NAMES_A_LIST: ReadonlySet<Evidence["kind"]> = new Set(["complaint", "unsubscribed", "subscribed"]);

function newEventOf(
  parsed: ParsedEnvelope,
  event: ParsedEvent,
  key: string,
  scopes: (element: number) => string | undefined,
): NewEvent {
  const { envelope, batch, line } = parsed;
  const id = eventId(event, key);
  const row: EventRow = {
    id,
    contact: event.contact,
    at: event.occurred_at,
    received_at: envelope.receivedAt,
    source: envelope.source,
    provider: envelope.provider,
    type: event.type,
    message_id: event.message_id,
    campaign: event.campaign,
    ...detailsOf(parsed, event),
    batch,
    line,
    element: event.element,
    bounce: event.bounce,
    reason: event.reason,
    destination: destinationOf(event.contact),
    machine: machineOf(event),
  };
  const evidence = evidenceOf(event, id, envelope.source);
  if (evidence === null || !NAMES_A_LIST.has(evidence.kind))
    return { parsed, key, evidence, row, unknown: NO_WORDS };
  const scope = scopes(event.element);
  const scoped = scope === undefined ? evidence : { ...evidence, scope };
  return { parsed, key, evidence: scoped, row, unknown: NO_WORDS };
}

function machineOf({ type, machine }: ParsedEvent): EventRow["machine"] {
  if (machine === null || (type !== "opened" && type !== "clicked")) return "";
  return machine ? "machine" : "human";
}

/** Events that are stored in one transaction, and the envelopes whose last events are among them. */
export interface Slice {
  events: NewEvent[];
  complete: ParsedEnvelope[];
}

/** The most events of one transaction. */
export const MOST_EVENTS = 1_000;
/** Length of a row's JSON without its long fields, in UTF-16 units: a generous estimate. */
const ROW_OVERHEAD = 300;

/**
 * Divides the envelopes' events, in order, into slices of at most 1,000 events whose JSON fits into one bound value.
 * Returns at least one slice.
 */
export function splitIntoSlices(group: readonly ParsedEnvelope[]): Slice[] {
  const slices: Slice[] = [];
  let current: Slice = { events: [], complete: [] };
  let size = 0;
  for (const parsed of group) {
    for (const event of parsed.events) {
      const length = rowLength(event.row);
      if (current.events.length >= MOST_EVENTS || size + length > MOST_JSON) {
        slices.push(current);
        current = { events: [], complete: [] };
        size = 0;
      }
      current.events.push(event);
      size += length;
    }
    current.complete.push(parsed);
  }
  return [...slices, current];
}

/** Characters in the details of events. */
export function detailsLengthOf(events: readonly NewEvent[]): number {
  return events.reduce((sum, { row }) => sum + detailsLength(row), 0);
}

const detailsLength = ({ details, tags, custom_id }: EventRow): number =>
  (details?.length ?? 0) + (tags?.length ?? 0) + (custom_id?.length ?? 0);

/** About how long the JSON of a row is, UTF-16 units. */
export function rowLength(row: EventRow): number {
  const { message_id, contact, campaign } = row;
  return [message_id, campaign].reduce(
    (sum, text) => sum + (text?.length ?? 0),
    ROW_OVERHEAD + contact.length + detailsLength(row),
  );
}
