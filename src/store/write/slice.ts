// Stores a slice of events with what must change with them, in one transaction. Statements work on sets by json_each, so a
// thousand events cost a handful of statements. All are idempotent, so the same slice may be stored again. The counters
// count the feed stretch by stretch instead (counting.ts), at once if the slice is large, and whoever reads them adds what
// is not counted yet.

import type { Db } from "../db.ts";
import { inPieces } from "../json-pieces.ts";
import { detailsCodec } from "../events/details.ts";
import { isOfEnvelope } from "../prefix-range.ts";
import { END_PENDING } from "../suppressions/imported.ts";
import { CHANGED } from "./changed.ts";
import { COUNT_REST, countStretch, MOST_UNCOUNTED, UNCOUNTED } from "./counting.ts";
import { COUNT_NETWORKS, networkRows } from "./outside-networks.ts";
import { insertEvents } from "./insert-events.ts";
import { refuseErased } from "./refuse-erased.ts";
import {
  contactRow,
  type ContactChange,
  type DeadLetter,
  type EventRow,
  type SourceUpdate,
  type Tally,
} from "./rows.ts";
import { COUNT_WORDS, wordRows, type WordOfEvent } from "./unknown-words.ts";

/** The rows that one transaction stores. */
export interface SliceRows {
  /** Distinct by id. */
  events: readonly EventRow[];
  contacts: readonly ContactChange[];
  /** Pending suppressions that the contacts' objects have taken over, by contact and id. */
  taken?: readonly (readonly [contact: string, id: string])[];
  /** One for each source that appears, even if only in the events. */
  sources: readonly SourceUpdate[];
  /** Envelopes that are complete with this slice and have something to count. */
  tallies: readonly Tally[];
  deadLetters: readonly DeadLetter[];
  /** Words that a provider's tables do not know, in these events. */
  unknown?: readonly WordOfEvent[];
  /** Ids of replayed envelopes that are complete with this slice: their earlier dead letters are deleted. */
  replayed: readonly string[];
}

/** A slice that stores nothing: what a caller wants to store is put in its place. */
export const NO_ROWS: SliceRows = {
  events: [],
  contacts: [],
  sources: [],
  tallies: [],
  deadLetters: [],
  replayed: [],
};

/** ?1: JSON rows, one per source, of its fields; ?2: JSON rows of tallies. Its events are counted with the feed. */
const UPSERT_SOURCES = `
  INSERT INTO sources
    (source, provider, last_received_at, last_event_at, last_ping_at, lag_ms, events, duplicates, pings, outside)
  SELECT s.value->>0, s.value->>1, s.value->>2, s.value->>3, s.value->>4,
    coalesce(s.value->>5, (SELECT lag_ms FROM sources WHERE source = s.value->>0), 0), 0,
    coalesce(sum(t.value->>2), 0), coalesce(sum(t.value->>3), 0), coalesce(sum(t.value->>4), 0)
  FROM json_each(?1) AS s LEFT JOIN json_each(?2) AS t ON t.value->>1 = s.value->>0
    AND NOT EXISTS (SELECT 1 FROM tallies WHERE tallies.envelope = t.value->>0)
  WHERE true GROUP BY s.key
  ON CONFLICT DO UPDATE SET provider = excluded.provider,
    last_received_at = max(last_received_at, excluded.last_received_at),
    last_event_at = coalesce(max(last_event_at, excluded.last_event_at), last_event_at, excluded.last_event_at),
    last_ping_at = coalesce(max(last_ping_at, excluded.last_ping_at), last_ping_at, excluded.last_ping_at),
    lag_ms = excluded.lag_ms, duplicates = duplicates + excluded.duplicates,
    pings = pings + excluded.pings, outside = outside + excluded.outside`;

/** The transaction gives way to an erasure of a contact whose row it would bring back. */
const REFUSE_ERASED_CONTACTS = refuseErased(`
  SELECT c.version AS n FROM erasures AS x CROSS JOIN contacts AS c ON c.contact = x.contact AND c.version <= x.version`);

const INSERT_TALLIES = `
  INSERT INTO tallies (envelope, source, duplicates, pings, outside)
  SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(?1) WHERE true
  ON CONFLICT DO NOTHING`;

const UPSERT_CONTACTS = `
  INSERT INTO contacts (contact, version, suppressed, since, changed)
  SELECT value->>0, value->>1, value->>2, value->>3, ${CHANGED} FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET version = excluded.version, suppressed = excluded.suppressed, since = excluded.since,
    changed = excluded.changed
  WHERE excluded.version > contacts.version`;

// Only the version that the contact's row has now may change its suppressions, and those that this version no longer
// contains are deleted. The columns of the evidence never change. They are not written, so that the index by time need
// not be written either.
const UPSERT_SUPPRESSIONS = `
  INSERT INTO suppressions (contact, destination, version, reason, scope, event, source, at, by, note, lifted_at,
    lifted_by, lift_note, held, expires_at)
  SELECT c.contact, rows.value->>5, c.version, s.value->>0, s.value->>1, s.value->>2, s.value->>3, s.value->>4, s.value->>5,
    s.value->>6, s.value->>7, s.value->>8, s.value->>9, s.value->>10, s.value->>11
  FROM json_each(?1) AS rows
  JOIN contacts AS c ON c.contact = rows.value->>0 AND c.version = rows.value->>1,
  json_each(rows.value, '$[4]') AS s
  WHERE true
  ON CONFLICT DO UPDATE SET version = excluded.version, lifted_at = excluded.lifted_at, lifted_by = excluded.lifted_by,
    lift_note = excluded.lift_note, held = excluded.held
  WHERE excluded.version > suppressions.version`;

// Pending suppressions stay, because the object does not know them yet (src/store/suppressions/imported.ts).
const DELETE_OLD_SUPPRESSIONS = `
  DELETE FROM suppressions WHERE (contact, reason, scope, event) IN (
    SELECT s.contact, s.reason, s.scope, s.event FROM json_each(?1) AS rows
    JOIN contacts AS c ON c.contact = rows.value->>0 AND c.version = rows.value->>1
    JOIN suppressions AS s ON s.contact = c.contact AND s.version < c.version
    WHERE s.pending IS NULL)`;

/** ?1: ids of replayed envelopes; ?2: ids of the letters that failed again, which stay with their history. */
const DELETE_REPLAYED = `
  DELETE FROM dead_letters WHERE id IN (
    SELECT d.id FROM json_each(?1) AS e JOIN dead_letters AS d ON ${isOfEnvelope("d.id", "e.value")})
    AND id NOT IN (SELECT value FROM json_each(?2))`;

/** ?2: the time, ms. */
const INSERT_DEAD_LETTERS = `
  INSERT INTO dead_letters (id, envelope, element, source, provider, reason, raw, received_at)
  SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7
  FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET reason = excluded.reason, raw = excluded.raw,
    failed_at = iif(dead_letters.replayed_at IS NULL, dead_letters.failed_at, CAST(?2 AS INTEGER))`;

/** From so many events on, a slice is counted in the transaction that stores it. */
const COUNTED_AT_ONCE = 500;

/**
 * Stores the slice completely or not at all, and counts the feed if much of it is not counted yet. Returns the rows
 * written, as D1 counts and bills them. `first`: statements that run in the same transaction, before all others.
 */
export async function storeSlice(
  db: Db,
  slice: SliceRows,
  first: readonly D1PreparedStatement[] = [],
): Promise<number> {
  const inserts = slice.events.length > 0 ? insertEvents(db, slice.events, await detailsCodec()) : [];
  const statements = [...first, ...statementsOf(db, slice, inserts)];
  if (statements.length === 0) return 0;
  if (slice.events.length > 0) statements.push(db.prepare(UNCOUNTED).bind());
  const results = await db.batch<{ uncounted?: number }>(statements);
  const written = results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
  const uncounted = results.at(-1)?.results[0]?.uncounted ?? 0;
  return uncounted < MOST_UNCOUNTED ? written : written + (await countStretch(db));
}

/** `inserts`: the statements that insert the slice's events. */
function statementsOf(
  db: Db,
  slice: SliceRows,
  inserts: readonly D1PreparedStatement[],
): D1PreparedStatement[] {
  const statements: D1PreparedStatement[] = [];
  const add = (sql: string, ...values: (string | number)[]): void =>
    void statements.push(db.prepare(sql).bind(...values));
  const { events, unknown = [], taken = [] } = slice;
  const tallies = JSON.stringify(
    slice.tallies.map((t) => [t.envelope, t.source, t.duplicates, t.pings, t.outside]),
  );
  const sources = sourcesToWrite(slice).map((s) => [
    s.source,
    s.provider,
    s.last_received_at,
    s.last_event_at,
    s.last_ping_at,
    s.lag_ms,
  ]);
  if (sources.length > 0) add(UPSERT_SOURCES, JSON.stringify(sources), tallies);
  const networks = networkRows(slice.tallies);
  if (networks.length > 0) add(COUNT_NETWORKS, JSON.stringify(networks));
  if (slice.tallies.length > 0) add(INSERT_TALLIES, tallies);
  if (unknown.length > 0) add(COUNT_WORDS, wordRows(unknown, events));
  statements.push(...inserts);
  for (const ids of inPieces(taken.map((one) => JSON.stringify(one)))) add(END_PENDING, ids);
  for (const contacts of inPieces(slice.contacts.map(contactRow))) {
    add(UPSERT_CONTACTS, contacts);
    add(UPSERT_SUPPRESSIONS, contacts);
    add(DELETE_OLD_SUPPRESSIONS, contacts);
  }
  if (slice.contacts.length > 0) add(REFUSE_ERASED_CONTACTS);
  if (slice.replayed.length > 0)
    add(
      DELETE_REPLAYED,
      JSON.stringify(slice.replayed),
      JSON.stringify(slice.deadLetters.map(({ id }) => id)),
    );
  for (const letters of inPieces(slice.deadLetters.map(toLetter)))
    add(INSERT_DEAD_LETTERS, letters, String(Date.now()));
  if (events.length >= COUNTED_AT_ONCE) for (const sql of COUNT_REST) add(sql);
  return statements;
}

/** Sources whose row changes by more than their events: those with a tally, or without events here. */
export function sourcesToWrite({
  sources,
  events,
  tallies,
}: Pick<SliceRows, "sources" | "events" | "tallies">): SourceUpdate[] {
  const told = new Set(tallies.map(({ source }) => source));
  const counted = new Set(events.map(({ source }) => source));
  return sources.filter(({ source }) => told.has(source) || !counted.has(source));
}

function toLetter(d: DeadLetter): string {
  return JSON.stringify([d.id, d.envelope, d.element, d.source, d.provider, d.reason, d.raw, d.received_at]);
}
