// Stores a claimed slice. If the database refuses a value for good, the slice is halved until the event that cannot be
// stored is alone. That event becomes a dead letter, and all others are stored.

import { withoutMentions } from "../erasure/mentions.ts";
import type { Envelope } from "../model/envelope.ts";
import { within } from "../lib/deadline.ts";
import { deliveryOf, elementAt } from "../providers/kit/delivery.ts";
import { providerNamed } from "../providers/index.ts";
import { toJson } from "../providers/kit/json.ts";
import { deadLetterOf, deadLettersOf } from "../store/dead-letters.ts";
import type { DeadLetter, SourceUpdate, Tally } from "../store/write/rows.ts";
import { storeSlice, type SliceRows } from "../store/write/slice.ts";
import type { WordOfEvent } from "../store/write/unknown-words.ts";
import type { Claimed } from "./claim.ts";
import type { NewEvent, ParsedEnvelope, Slice } from "./parse.ts";
import type { RedactedEnvelope } from "./redact-erased.ts";
import type { Place } from "./storm.ts";

/** Deadline for one transaction, ms. */
const DEADLINE = 60_000;

/** Errors of the database that every retry would repeat. */
const PERMANENT = /SQLITE_(TOOBIG|CONSTRAINT|MISMATCH|RANGE)|too big|malformed JSON|constraint failed/i;

/** A slice after its events were claimed. */
export interface ClaimedSlice {
  slice: Slice;
  /** Where the slice's hard bounces may be from a storm. */
  suspects: readonly Place[];
  claimed: Claimed;
}

/** A group of envelopes after all their events were claimed. */
export interface Group {
  /** Each parsed envelope without the contacts that were erased meanwhile. */
  redacted: ReadonlyMap<ParsedEnvelope, RedactedEnvelope>;
  /** How many repeats each envelope has, those within it included. */
  duplicates: ReadonlyMap<ParsedEnvelope, number>;
}

/** The event without mentions of contacts that were erased after the receipt of its envelope. */
export function withoutErasedMentions(event: NewEvent, { redacted }: Group): NewEvent {
  const row = withoutMentions(event.row, redacted.get(event.parsed)?.left ?? []);
  return row === event.row ? event : { ...event, row };
}

/**
 * The rows of a claimed slice. Counts and dead letters of an envelope belong to the slice with its last event. `now`:
 * ms since the epoch.
 */
export function rowsOf(slice: Slice, claimed: Claimed, group: Group, now: number): SliceRows {
  const complete = slice.complete.map((parsed) => group.redacted.get(parsed) ?? parsed);
  return {
    events: claimed.granted.map(({ row }) => row),
    unknown: wordsOf(claimed.granted),
    contacts: claimed.contacts,
    sources: sourcesOf(slice, now),
    tallies: slice.complete.flatMap((parsed) => tallyOf(parsed, group.duplicates.get(parsed) ?? 0)),
    deadLetters: complete.flatMap(({ envelope, rejects }) => deadLettersOf(envelope, rejects)),
    replayed: complete.flatMap(({ envelope }) => (envelope.replay === true ? [envelope.id] : [])),
  };
}

/** The words of these events that their provider's tables do not know. */
export function wordsOf(events: readonly NewEvent[]): WordOfEvent[] {
  return events.flatMap(({ row, unknown }) =>
    unknown.map(({ kind, word }) => ({ event: row.id, source: row.source, kind, word })),
  );
}

function tallyOf({ envelope, pings }: ParsedEnvelope, duplicates: number): Tally[] {
  const outside = envelope.outside === true ? 1 : 0;
  if (duplicates + pings + outside === 0) return [];
  const { id, source, network = null, receivedAt } = envelope;
  return [{ envelope: id, source, duplicates, pings, outside, network, received_at: receivedAt }];
}

function sourcesOf({ events, complete }: Slice, now: number): SourceUpdate[] {
  const sources = new Map<string, SourceUpdate>();
  const seen = ({ envelope }: ParsedEnvelope): SourceUpdate => {
    const { source, provider, receivedAt } = envelope;
    const known = sources.get(source);
    const update: SourceUpdate = known ?? {
      source,
      provider,
      last_received_at: receivedAt,
      last_event_at: null,
      last_ping_at: null,
      lag_ms: 0,
    };
    if (known === undefined) sources.set(source, update);
    update.last_received_at = Math.max(update.last_received_at, receivedAt);
    update.lag_ms = Math.max(update.lag_ms ?? 0, now - receivedAt);
    return update;
  };
  for (const { parsed } of events) {
    const update = seen(parsed);
    update.last_event_at = Math.max(update.last_event_at ?? 0, parsed.envelope.receivedAt);
  }
  for (const parsed of complete) {
    const update = seen(parsed);
    if (parsed.pings > 0)
      update.last_ping_at = Math.max(update.last_ping_at ?? 0, parsed.envelope.receivedAt);
  }
  return [...sources.values()];
}

/** What {@link store} does besides storing. */
export interface Storing {
  /**
   * Called for each event that the database can never store. Resolves to the dead letter that is stored in its place; null
   * if the caller sees to it.
   */
  onDead: (event: NewEvent) => Promise<DeadLetter | null>;
  /** Statements that run first in each transaction. */
  first?: readonly D1PreparedStatement[];
}

/** Stores the rows. `granted`: the events of the rows, in the same order. Rejects if the database is unavailable. */
export async function store(
  db: D1Database,
  rows: SliceRows,
  granted: readonly NewEvent[],
  how: Storing,
): Promise<void> {
  try {
    await within(DEADLINE, "the database", storeSlice(db, rows, how.first));
  } catch (error) {
    if (!PERMANENT.test(String(error)) || rows.events.length === 0) throw error;
    await storeInParts(db, rows, granted, how);
  }
}

async function storeInParts(
  db: D1Database,
  rows: SliceRows,
  granted: readonly NewEvent[],
  how: Storing,
): Promise<void> {
  const [only] = granted;
  if (granted.length === 1 && only !== undefined) {
    const letter = await how.onDead(only);
    const deadLetters = letter === null ? rows.deadLetters : [...rows.deadLetters, letter];
    return await store(db, { ...rows, events: [], deadLetters }, [], how);
  }
  const middle = Math.ceil(granted.length / 2);
  const halves = [granted.slice(0, middle), granted.slice(middle)];
  for (const half of halves) {
    const last = half === halves.at(-1);
    const rest = last ? rows : { ...rows, tallies: [], deadLetters: [], replayed: [], contacts: [] };
    await store(db, { ...rest, events: half.map(({ row }) => row) }, half, how);
  }
}

/**
 * The dead letter of an event that the database cannot store. Its index among the envelope's dead letters is greater
 * than any index of the parser's own rejects. `element`: the index of the event's element in the delivery.
 */
export function unstorable(envelope: Envelope, element: number): DeadLetter {
  const provider = providerNamed(envelope.provider);
  const raw = provider === undefined ? null : elementAt(provider, deliveryOf(envelope, {}), element);
  return deadLetterOf(envelope, 1_000_000 + element, "the database cannot hold this event", toJson(raw));
}
