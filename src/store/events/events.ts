// Reads of the stored events: the feed, a contact's events, one event.

import type { StoredEvent } from "../../model/event-fields.ts";
import type { EventType } from "../../model/event.ts";
import { contactPrefix } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import { COLUMN_NAMES, toEvent, type EventColumnsRow } from "./event-columns.ts";
import { lastSeqOf, positionAfter, type FeedPosition } from "../feed-position.ts";

export type { StoredEvent } from "../../model/event-fields.ts";

/** Where a stored event's raw element lies. */
export interface RawPlace {
  batch: string;
  line: number;
  element: number;
}

export interface EventFilter {
  contact?: string | undefined;
  type?: EventType | undefined;
  source?: string | undefined;
  message_id?: string | undefined;
  /** ms, inclusive */
  since?: number | undefined;
  /** ms, exclusive */
  until?: number | undefined;
  /** Events behind this position, in the direction of `order`. */
  after?: FeedPosition | undefined;
  order: "asc" | "desc";
  limit: number;
}

export interface EventPage {
  events: StoredEvent[];
  /** Where the next page begins; null at the end. */
  next: FeedPosition | null;
}

type Row = EventColumnsRow & RawPlace;

/** What pipes tell of an event: all but where its raw element lies. */
const FEED_COLUMNS = COLUMN_NAMES.join(", ");

const COLUMNS = [...COLUMN_NAMES, "batch", "line", "element"].map((name) => `events.${name}`).join(", ");

/** Rows of the feed that one page looks at when a filter leaves most of them out: a page may then be short of `limit`. */
const MOST_SCANNED = 20_000;

/** A page of events in order of storage. With a contact or message it reads these alone, else it walks the feed. */
export async function listEvents(db: Db, filter: EventFilter): Promise<EventPage> {
  const contacts = await contactsOf(db, filter);
  return contacts === null ? await walkFeed(db, filter) : await readContacts(db, filter, contacts);
}

/** The contacts that a filter confines the events to; null for all. */
async function contactsOf(db: Db, { contact, message_id }: EventFilter): Promise<string[] | null> {
  if (contact !== undefined) return [contact];
  if (message_id === undefined) return null;
  const found = await db.prepare("SELECT contact FROM messages WHERE message_id = ?1").bind(message_id).all<{
    contact: string;
  }>();
  return found.results.map((row) => row.contact);
}

async function readContacts(db: Db, filter: EventFilter, contacts: readonly string[]): Promise<EventPage> {
  const { clause, values } = conditions(filter);
  const compare = filter.order === "asc" ? ">" : "<";
  // The plus keeps the planner from walking the whole feed for the order's sake.
  const rows = await db
    .prepare(
      `SELECT ${COLUMNS} FROM json_each(?1) AS c CROSS JOIN events
       ON events.id >= c.value->>0 AND events.id < c.value->>1 AND events.contact = c.value->>2
       WHERE +events.seq ${compare} ?2 ${clause} ORDER BY +events.seq ${filter.order} LIMIT ?3`,
    )
    .bind(JSON.stringify(contacts.map(rangeOf)), startOf(filter), filter.limit + 1, ...values)
    .all<Row>();
  return pageOf(rows.results, filter.limit, null);
}

/** First id, end of ids, contact: the part of the id index in which the contact's events lie. */
export function rangeOf(contact: string): [from: string, to: string, contact: string] {
  const prefix = contactPrefix(contact);
  return [prefix, `${prefix}~`, contact];
}

async function walkFeed(db: Db, filter: EventFilter): Promise<EventPage> {
  const { clause, values } = conditions(filter);
  const edge = await db
    .prepare(
      // One by one, for SQLite finds either end by the key but walks the table for both.
      "SELECT coalesce((SELECT min(seq) FROM events), 0) AS low, coalesce((SELECT max(seq) FROM events), 0) AS high",
    )
    .first<{ low: number; high: number }>();
  const { low, high } = edge ?? { low: 0, high: 0 };
  const asc = filter.order === "asc";
  const after = startOf(filter);
  const start = asc ? Math.max(after, low - 1) : Math.min(after, high + 1);
  const end = asc ? start + MOST_SCANNED : start - MOST_SCANNED;
  const window = asc ? "seq > ?1 AND seq <= ?2" : "seq < ?1 AND seq >= ?2";
  const rows = await db
    .prepare(`SELECT ${COLUMNS} FROM events WHERE ${window} ${clause} ORDER BY seq ${filter.order} LIMIT ?3`)
    .bind(start, end, filter.limit + 1, ...values)
    .all<Row>();
  const more = asc ? end < high : end > low;
  return pageOf(rows.results, filter.limit, more ? end : null);
}

/** The seq that a page lies behind, in the direction of its order. */
function startOf({ order, after }: EventFilter): number {
  if (after !== undefined) return lastSeqOf(after);
  return order === "asc" ? 0 : Number.MAX_SAFE_INTEGER;
}

/** The filter's conditions, their values bound from ?4 on. */
function conditions(filter: EventFilter): { clause: string; values: (string | number)[] } {
  const parts: [sql: string, value: string | number | undefined][] = [
    ["events.type =", filter.type],
    ["events.source =", filter.source],
    ["events.message_id =", filter.message_id],
    ["events.at >=", filter.since],
    ["events.at <", filter.until],
  ];
  const values: (string | number)[] = [];
  let clause = "";
  for (const [sql, value] of parts) {
    if (value === undefined) continue;
    values.push(value);
    clause += ` AND ${sql} ?${values.length + 3}`;
  }
  return { clause, values };
}

/** `rows` holds one more than the page where there is more; `otherwise`: the seq to go on from if there is not. */
function pageOf(rows: readonly Row[], limit: number, otherwise: number | null): EventPage {
  const events = rows.slice(0, limit).map(toEvent);
  const next = rows.length > limit ? (events.at(-1)?.seq ?? null) : otherwise;
  return { events, next: next === null ? null : positionAfter(next) };
}

/** A contact's events, latest occurrence first, before the event with the id `before`. */
export async function listTimeline(
  db: Db,
  { contact, before, limit }: { contact: string; before?: string | undefined; limit: number },
): Promise<{ events: StoredEvent[]; next: string | null }> {
  const [from, to] = rangeOf(contact);
  const rows = await db
    .prepare(
      `SELECT ${COLUMNS} FROM events WHERE id >= ?1 AND id < ?2 AND contact = ?3 ORDER BY id DESC LIMIT ?4`,
    )
    .bind(from, before ?? to, contact, limit + 1)
    .all<Row>();
  const events = rows.results.slice(0, limit).map(toEvent);
  return { events, next: rows.results.length > limit ? (events.at(-1)?.id ?? null) : null };
}

/** Events in order of storage, as pipes read them: at most `limit` that lie behind `after`, and before `last` if given. */
export async function readFeed(
  db: Db,
  { after, last, limit }: { after: FeedPosition; last?: FeedPosition | undefined; limit: number },
): Promise<StoredEvent[]> {
  const rows = await db
    .prepare(`SELECT ${FEED_COLUMNS} FROM events WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3`)
    .bind(lastSeqOf(after), last === undefined ? Number.MAX_SAFE_INTEGER : lastSeqOf(last), limit)
    .all<EventColumnsRow>();
  return rows.results.map(toEvent);
}

/** The events with these seqs, as far as they are still stored. */
export async function readSeqs(db: Db, seqs: readonly number[]): Promise<StoredEvent[]> {
  const rows = await db
    .prepare(
      `SELECT ${COLUMNS} FROM json_each(?1) AS s CROSS JOIN events ON events.seq = s.value ORDER BY events.seq`,
    )
    .bind(JSON.stringify(seqs))
    .all<Row>();
  return rows.results.map(toEvent);
}

/** Those of the ids that are stored, with their seqs. */
export async function seqsOf(db: Db, ids: readonly string[]): Promise<{ id: string; seq: number }[]> {
  const { results } = await db
    .prepare("SELECT e.id, e.seq FROM json_each(?1) AS i CROSS JOIN events AS e ON e.id = i.value")
    .bind(JSON.stringify(ids))
    .all<{ id: string; seq: number }>();
  return results;
}

/** The position behind the feed's last event. */
export async function feedEnd(db: Db): Promise<FeedPosition> {
  return positionAfter(await lastSeq(db));
}

async function lastSeq(db: Db): Promise<number> {
  return (await db.prepare("SELECT max(seq) AS n FROM events").first<number>("n")) ?? 0;
}

/**
 * The position behind which every event lies that was received at `time` (ms) or later. It is found by halving, because
 * events are stored in the order of receipt unless something was delayed. It lies `slack` (ms) earlier than `time`, so that
 * few delayed ones are missed.
 */
export async function positionAt(db: Db, time: number, slack = SLACK): Promise<FeedPosition> {
  const until = time - slack;
  let [low, high] = [0, await lastSeq(db)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await db
      .prepare("SELECT seq, received_at FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1")
      .bind(middle)
      .first<{ seq: number; received_at: number }>();
    if (found === null || found.received_at >= until) high = middle;
    else low = found.seq;
  }
  return positionAfter(low);
}

/** ms by which what is stored may be out of the order of receipt, as long as nothing failed. */
const SLACK = 900_000;

const MOST_OF_CONTACTS = 10_000;

/** Events of the contacts, of one campaign or of all, in order of time; the latest ten thousand. */
export async function readEventsOf(
  db: Db,
  contacts: readonly string[],
  campaign?: string,
): Promise<StoredEvent[]> {
  const rows = await db
    .prepare(
      `SELECT ${COLUMNS} FROM json_each(?1) AS c CROSS JOIN events
       ON events.id >= c.value->>0 AND events.id < c.value->>1 AND events.contact = c.value->>2
       WHERE ?2 IS NULL OR events.campaign = ?2 ORDER BY events.at DESC, events.id DESC LIMIT ${MOST_OF_CONTACTS}`,
    )
    .bind(JSON.stringify(contacts.map(rangeOf)), campaign ?? null)
    .all<Row>();
  return rows.results.map(toEvent).toReversed();
}

/** One event by its id, and where its raw element lies; null where there is none. */
export async function getEvent(db: Db, id: string): Promise<{ event: StoredEvent; place: RawPlace } | null> {
  const row = await db.prepare(`SELECT ${COLUMNS} FROM events WHERE id = ?1`).bind(id).first<Row>();
  if (row === null) return null;
  return { event: toEvent(row), place: { batch: row.batch, line: row.line, element: row.element } };
}
