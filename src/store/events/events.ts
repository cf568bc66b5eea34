// Reads of the stored events: the feed, a contact's events, one event.

import type { StoredEvent } from "../../model/event-fields.ts";
import type { EventType } from "../../model/event.ts";
import type { Db } from "../db.ts";
import { COLUMN_NAMES, toEvent, type EventColumnsRow } from "./event-columns.ts";
import { lastSeqOf, positionAfter, type FeedPosition } from "../feed-position.ts";
import { liesIn, rangeOf } from "../prefix-range.ts";

export type { StoredEvent } from "../../model/event-fields.ts";

/** Where a stored event's raw element lies: archive object, line, element. */
export interface RawPlace {
  batch: string;
  line: number;
  element: number;
}

/** Which events to list. */
export interface EventFilter {
  contact?: string | undefined;
  type?: EventType | undefined;
  source?: string | undefined;
  message_id?: string | undefined;
  /** ms, inclusive */
  since?: number | undefined;
  /** ms, exclusive */
  until?: number | undefined;
  /** Only events behind this position, in the direction of `order`. */
  after?: FeedPosition | undefined;
  order: "asc" | "desc";
  limit: number;
}

/** A page of events. */
export interface EventPage {
  events: StoredEvent[];
  /** Where the next page begins; null at the end. */
  next: FeedPosition | null;
  /**
   * In ascending order, the position behind all events that this page has looked at: at the end, events that are stored
   * later lie behind it. Null in descending order.
   */
  resume: FeedPosition | null;
}

type Row = EventColumnsRow & RawPlace;

/** The columns that pipes need: all but the place of the raw element. */
const FEED_COLUMNS = COLUMN_NAMES.join(", ");

const COLUMNS = [...COLUMN_NAMES, "batch", "line", "element"].map((name) => `events.${name}`).join(", ");

/** Most rows of the feed that one page reads. If a filter excludes many of them, a page may be shorter than `limit`. */
const MOST_SCANNED = 20_000;

/**
 * A page of events in order of storage. With a contact or message it reads only their events, else it walks the feed.
 */
export async function listEvents(db: Db, filter: EventFilter): Promise<EventPage> {
  const contacts = await contactsOf(db, filter);
  return contacts === null ? await walkFeed(db, filter) : await readContacts(db, filter, contacts);
}

/** The contacts whose events a filter can match; null for all. */
async function contactsOf(db: Db, { contact, message_id }: EventFilter): Promise<string[] | null> {
  if (contact !== undefined) return [contact];
  if (message_id === undefined) return null;
  const messages = await db
    .prepare("SELECT contact FROM messages WHERE message_id = ?1")
    .bind(message_id)
    .all<{
      contact: string;
    }>();
  return messages.results.map((row) => row.contact);
}

async function readContacts(db: Db, filter: EventFilter, contacts: readonly string[]): Promise<EventPage> {
  const { clause, values } = conditions(filter);
  const compare = filter.order === "asc" ? ">" : "<";
  // The plus keeps the planner from walking the whole feed to get the order.
  const rows = await db
    .prepare(
      `SELECT ${COLUMNS} FROM json_each(?1) AS c CROSS JOIN events
       ON ${liesIn("events", "c.value")}
       WHERE +events.seq ${compare} ?2 ${clause} ORDER BY +events.seq ${filter.order} LIMIT ?3`,
    )
    .bind(JSON.stringify(contacts.map(rangeOf)), startOf(filter), filter.limit + 1, ...values)
    .all<Row>();
  return pageOf(rows.results, filter, { more: null, seen: startOf(filter) });
}

async function walkFeed(db: Db, filter: EventFilter): Promise<EventPage> {
  const { clause, values } = conditions(filter);
  const edge = await db
    .prepare(
      // Two subqueries: SQLite finds either end by the key, but walks the table if one query asks for both.
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
  // The second query sees at least what the first one saw, because a session's reads never go back in time. So all
  // matching rows up to `high` are among these.
  return pageOf(rows.results, filter, { more: more ? end : null, seen: Math.max(start, high) });
}

/** The seq behind which a page begins, in the direction of its order. */
function startOf({ order, after }: EventFilter): number {
  if (after !== undefined) return lastSeqOf(after);
  return order === "asc" ? 0 : Number.MAX_SAFE_INTEGER;
}

/** The filter's conditions as SQL. Their values are bound from ?4 on. */
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

/**
 * Makes a page. `rows`: one row more than `limit` if there are more. If there are not: `more` is the seq to continue from,
 * null at the end, and `seen` is the seq up to which all events were looked at, at the end of an ascending list.
 */
function pageOf(
  rows: readonly Row[],
  { limit, order }: EventFilter,
  { more, seen }: { more: number | null; seen: number },
): EventPage {
  const events = rows.slice(0, limit).map(toEvent);
  const last = events.at(-1)?.seq ?? 0;
  const next = rows.length > limit ? last : more;
  const position = next === null ? null : positionAfter(next);
  const resume = order === "asc" ? (position ?? positionAfter(Math.max(seen, last))) : null;
  return { events, next: position, resume };
}

/** A contact's events, latest occurrence first, behind the event with the id `before`. `next`: null at the end. */
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

/** Events in order of storage, for pipes: at most `limit` that lie behind `after`, and not behind `last` if given. */
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

/** The events with these seqs that are still stored, in order of seq. */
export async function readSeqs(db: Db, seqs: readonly number[]): Promise<StoredEvent[]> {
  const rows = await db
    .prepare(
      `SELECT ${COLUMNS} FROM json_each(?1) AS s CROSS JOIN events ON events.seq = s.value ORDER BY events.seq`,
    )
    .bind(JSON.stringify(seqs))
    .all<Row>();
  return rows.results.map(toEvent);
}

/** The seqs of the events with these ids that are stored. */
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
 * A position behind which the events received at `time` (ms) or later lie. It is found by bisection, because events are
 * stored in the order of receipt unless one was delayed. The search is for `slack` (ms) before `time`, so that few
 * delayed events are missed.
 */
export async function positionAt(db: Db, time: number, slack = SLACK): Promise<FeedPosition> {
  const until = time - slack;
  let [low, high] = [0, await lastSeq(db)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = await db
      .prepare("SELECT seq, received_at FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1")
      .bind(middle)
      .first<{ seq: number; received_at: number }>();
    if (row === null || row.received_at >= until) high = middle;
    else low = row.seq;
  }
  return positionAfter(low);
}

/** How far (ms) the order of storage may differ from the order of receipt, as long as nothing failed. */
const SLACK = 900_000;

const MOST_OF_CONTACTS = 10_000;

/** The latest ten thousand events of the contacts, of one campaign or of all, in order of time. */
export async function readEventsOf(
  db: Db,
  contacts: readonly string[],
  campaign?: string,
): Promise<StoredEvent[]> {
  const rows = await db
    .prepare(
      `SELECT ${COLUMNS} FROM json_each(?1) AS c CROSS JOIN events
       ON ${liesIn("events", "c.value")}
       WHERE ?2 IS NULL OR events.campaign = ?2 ORDER BY events.at DESC, events.id DESC LIMIT ${MOST_OF_CONTACTS}`,
    )
    .bind(JSON.stringify(contacts.map(rangeOf)), campaign ?? null)
    .all<Row>();
  return rows.results.map(toEvent).toReversed();
}

/** The event with this id, and the place of its raw element; null if there is none. */
export async function getEvent(db: Db, id: string): Promise<{ event: StoredEvent; place: RawPlace } | null> {
  const row = await db.prepare(`SELECT ${COLUMNS} FROM events WHERE id = ?1`).bind(id).first<Row>();
  if (row === null) return null;
  return { event: toEvent(row), place: { batch: row.batch, line: row.line, element: row.element } };
}
