// Lists of the stored events as /v1/events shows them, and one event.

import type { StoredEvent } from "../../model/event-fields.ts";
import type { EventType } from "../../model/event.ts";
import type { Db } from "../db.ts";
import { COLUMN_NAMES, toEvents, type EventColumnsRow } from "./event-columns.ts";
import { lastSeqOf, positionAfter, seqsOfFeed, type FeedPosition } from "../feed-position.ts";
import { isAtDomain, liesIn, rangeFrom, rangeOf, type IdRange } from "../prefix-range.ts";
import type { Shards } from "../shards.ts";
import { edgeOfFeed, feedEdge } from "./feed.ts";
import { feedsIn } from "./feeds.ts";
import type { EventPage, ListPart, ReadPage } from "./event-page.ts";
import { mergedPages, type FeedList } from "./merged-pages.ts";
import { placeOfCampaigns, restBehind, type Stretch } from "./stretches.ts";
import { areBusyIn } from "./of-contacts.ts";
import { isCut, MOST_BYTES, sizeOfEvent, withinBytes, type SizedRow } from "../within-bytes.ts";
import { batchOf, inFeedOrder, walkFeedRows } from "../feed-rows.ts";

export type { StoredEvent } from "../../model/event-fields.ts";

/** Where a stored event's raw element lies: archive object, line, element. */
export interface RawPlace {
  batch: string;
  line: number;
  element: number;
}

/** Which events to list. A list of values means any of them. */
export interface EventFilter {
  contact?: readonly string[] | undefined;
  /** Domains of addresses. */
  domain?: readonly string[] | undefined;
  type?: readonly EventType[] | undefined;
  source?: readonly string[] | undefined;
  provider?: readonly string[] | undefined;
  destination?: readonly string[] | undefined;
  campaign?: readonly string[] | undefined;
  bounce?: readonly string[] | undefined;
  reason?: readonly string[] | undefined;
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

type ListedRow = EventColumnsRow & SizedRow;

const COLUMNS = COLUMN_NAMES.map((name) => `events.${name}`).join(", ");

/** Most rows of the feed that one page reads. If a filter excludes many of them, a page may be shorter than `limit`. */
const MOST_SCANNED = 20_000;

/** Message ids of more recipients than this are looked for in the feed. */
const MOST_RECIPIENTS = 1_000;

/** A page of one database's events in order of storage. */
export async function listEvents(db: Db, filter: EventFilter): Promise<EventPage> {
  return await pagesOf(db, filter)(filter.after, filter.limit);
}

/**
 * The pages of a list of events. One feed's events come in order of storage; those of several are merged by the time of
 * their receipt. What the pages have in common is read once, with the first one: the list ends at the feeds' ends of that
 * moment.
 */
export function eventPages(shards: Shards, filter: Omit<EventFilter, "after" | "limit">): ReadPage {
  if (shards.all.length === 1) return pagesOf(shards.home, filter);
  return mergedPages(async () => await listsOf(shards, filter), filter.order);
}

/** The pages of a database that has one feed. */
function pagesOf(db: Db, filter: Omit<EventFilter, "after" | "limit">): ReadPage {
  const read = readerOf(db, filter);
  const { order } = filter;
  const beginning = order === "asc" ? 0 : Number.MAX_SAFE_INTEGER;
  return async (after, limit) => {
    const start = after === undefined ? beginning : lastSeqOf(after);
    const { next, seen, events } = await read(start, limit);
    const position = next === null ? null : positionAfter(next);
    return { events, next: position, resume: order === "asc" ? (position ?? positionAfter(seen)) : null };
  };
}

/** The list of each feed in each database that may hold some of its events. */
async function listsOf(
  shards: Shards,
  { contact, ...filter }: Omit<EventFilter, "after" | "limit">,
): Promise<FeedList[]> {
  const groups = contact === undefined ? null : await shards.group(contact, (one) => one);
  const asked = groups === null ? null : new Map([...groups].map(([{ index }, own]) => [index, own]));
  return shards.all.flatMap((shard) => {
    if (asked?.has(shard.index) === false) return [];
    const own = { ...filter, contact: asked?.get(shard.index) };
    const bytes = Math.floor(MOST_BYTES / shards.all.length); // all are read at once
    return feedsIn(shard).map((feed) => ({ feed, read: readerOf(shard.db, own, { feed, bytes }) }));
  });
}

/**
 * Reads the list of a database, or of one feed in it, behind a seq. With a contact or message it reads only their events,
 * unless they are so many that the feed is walked with less work, and with a campaign only the stretches where its events
 * lie.
 */
function readerOf(
  db: Db,
  filter: Filter,
  { feed, bytes = MOST_BYTES }: { feed?: number; bytes?: number } = {},
): FeedList["read"] {
  let plan: Plan | undefined;
  const within = feed === undefined ? undefined : seqsOfFeed(feed);
  return async (start, limit) => {
    plan ??= await planOf(db, filter, feed);
    const asked = { ...filter, start, limit, within, bytes };
    return "ranges" in plan ? await readRanges(db, asked, plan.ranges) : await walkFeed(db, asked, plan);
  };
}

/** What a list is filtered by. */
type Filter = Omit<EventFilter, "after" | "limit">;
/**
 * A part of a list: what lies behind `start` in the direction of the order. `within`: a feed's seqs, if not all; `bytes`:
 * where it is cut off.
 */
type Asked = Filter & {
  start: number;
  limit: number;
  within: { beginning: number; last: number } | undefined;
  bytes: number;
};

/** The stretches of the feed to look through, and the feed's last seq. */
interface Walk {
  stretches: readonly Stretch[];
  high: number;
}
type Plan = { ranges: readonly IdRange[] } | Walk;

type Question = Pick<EventFilter, "contact" | "message_id" | "campaign" | "type">;

async function planOf(db: Db, { campaign, ...filter }: Question, feed: number | undefined): Promise<Plan> {
  const ranges = await rangesOf(db, filter);
  if (ranges !== null && !(await areBusyIn(db, ranges))) return { ranges };
  const edge = await (feed === undefined ? feedEdge(db) : edgeOfFeed(db, feed));
  if (campaign === undefined) return { stretches: [{ first: edge.low, last: edge.high }], high: edge.high };
  const { stretches } = await placeOfCampaigns(db, { campaign, type: filter.type }, edge);
  return { stretches, high: edge.high };
}

/** The ranges of ids with the events that a filter can match; null if these may be very many. */
async function rangesOf(
  db: Db,
  { contact, message_id }: Pick<EventFilter, "contact" | "message_id">,
): Promise<IdRange[] | null> {
  if (contact !== undefined) return contact.map(rangeOf);
  if (message_id === undefined) return null;
  const { results } = await db
    .prepare(`SELECT prefix FROM messages WHERE message_id = ?1 LIMIT ${MOST_RECIPIENTS + 1}`)
    .bind(message_id)
    .all<{ prefix: string }>();
  return results.length > MOST_RECIPIENTS ? null : results.map(({ prefix }) => rangeFrom(prefix));
}

async function readRanges(db: Db, filter: Asked, ranges: readonly IdRange[]): Promise<ListPart> {
  const { clause, values } = conditions({ ...filter, contact: undefined });
  const { order, limit, start, bytes } = filter;
  // The plus keeps the planner from walking the whole feed to get the order.
  const keys = `SELECT events.seq AS key, events.id, ${sizeOfEvent("events")} AS size FROM json_each(?1) AS c CROSS JOIN events
    ON ${liesIn("events", "c.value")}
    WHERE +events.seq ${order === "asc" ? ">" : "<"} ?2 ${clause} ORDER BY +events.seq ${order} LIMIT ?3`;
  const { results } = await db
    .prepare(withinBytes("events", { keys, columns: COLUMNS, order, bytes }))
    .bind(JSON.stringify(ranges), start, limit + 1, ...values)
    .all<ListedRow>();
  return await partOf(results, filter, { more: null, seen: start });
}

/** Most stretches of the feed that one page reads, and so most queries. */
const MOST_STRETCHES = 20;

/** Reads the stretches one after the other, until the page is full or has looked at enough rows. */
async function walkFeed(db: Db, filter: Asked, { stretches, high }: Walk): Promise<ListPart> {
  const { clause, values } = conditions({ ...filter, within: undefined }, "e"); // the stretches lie within
  const { order, limit, start, bytes } = filter;
  const keys = `SELECT e.seq AS key, e.id, ${sizeOfEvent("e")} AS size
    ${walkFeedRows({ after: "(?1 - 1)", last: "?2" }, order)} ${clause} ${inFeedOrder(order)} LIMIT ?3`;
  const statement = db.prepare(withinBytes("events", { keys, columns: COLUMNS, order, bytes }));
  const rest = restBehind(stretches, start, order);
  const rows: ListedRow[] = [];
  let left = MOST_SCANNED;
  let seen: number | null = null;
  for (const { first, last } of rest.slice(0, MOST_STRETCHES)) {
    const from = order === "asc" ? first : Math.max(first, last - left + 1);
    const to = order === "asc" ? Math.min(last, first + left - 1) : last;
    const { results } = await statement.bind(from, to, limit + 1 - rows.length, ...values).all<ListedRow>();
    rows.push(...results);
    left -= to - from + 1;
    seen = order === "asc" ? to : from;
    if (left <= 0 || rows.length > limit || isCut(rows, bytes)) break;
  }
  const more = seen !== null && restBehind(stretches, seen, order).length > 0 ? seen : null;
  return await partOf(rows, filter, { more, seen: Math.max(start, high) });
}

/** SQL for what each list of the filter is compared with. */
const LISTED = {
  contact: "contact",
  type: "type",
  source: "source",
  provider: "provider",
  destination: "destination",
  campaign: "campaign",
  bounce: "bounce",
  reason: "reason",
} as const;

/** The filter's conditions as SQL on the table `events`. Their values are bound from ?4 on. */
function conditions(
  filter: Omit<Asked, "start" | "bytes">,
  events = "events",
): { clause: string; values: (string | number)[] } {
  const values: (string | number)[] = [];
  let clause = "";
  const add = (
    sqlOf: (place: string) => string,
    value: readonly string[] | string | number | undefined,
  ): void => {
    if (value === undefined) return;
    values.push(typeof value === "object" ? JSON.stringify(value) : value);
    clause += ` AND ${sqlOf(`?${values.length + 3}`)}`;
  };
  for (const [name, sql] of Object.entries(LISTED))
    add(
      (place) => `${events}.${sql} IN (SELECT value FROM json_each(${place}))`,
      filter[name as keyof typeof LISTED],
    );
  add((place) => isAtDomain(`${events}.contact`, place), filter.domain);
  add((place) => `${events}.message_id = ${place}`, filter.message_id);
  add((place) => `${events}.at >= ${place}`, filter.since);
  add((place) => `${events}.at < ${place}`, filter.until);
  add((place) => `+${events}.seq > ${place}`, filter.within?.beginning);
  add((place) => `+${events}.seq <= ${place}`, filter.within?.last);
  return { clause, values };
}

/**
 * Makes a part of a list. `rows`: one row more than `limit` if there are more, or as many as fit. If there are not: `more`
 * is the seq to continue from, null at the end, and `seen` is the seq up to which all events were looked at.
 */
async function partOf(
  rows: readonly ListedRow[],
  { limit, bytes }: Pick<Asked, "limit" | "bytes">,
  { more, seen }: { more: number | null; seen: number },
): Promise<ListPart> {
  const events = await toEvents(rows.slice(0, limit));
  const last = events.at(-1)?.seq ?? 0;
  const next = rows.length > limit || isCut(rows, bytes) ? last : more;
  return { events, next, seen: Math.max(seen, last) };
}

/** The event with this id, and the place of its raw element; null if there is none. */
export async function getEvent(db: Db, id: string): Promise<{ event: StoredEvent; place: RawPlace } | null> {
  const row = await db
    .prepare(`SELECT ${COLUMNS}, ${batchOf("events")} AS batch, line, element FROM events WHERE id = ?1`)
    .bind(id)
    .first<EventColumnsRow & RawPlace>();
  if (row === null) return null;
  const [event] = await toEvents([row]);
  if (event === undefined) return null;
  return { event, place: { batch: row.batch, line: row.line, element: row.element } };
}

/** The same, in whichever database it lies. */
export async function findEvent({ all }: Shards, id: string): ReturnType<typeof getEvent> {
  const found = await Promise.all(all.map(async ({ db }) => await getEvent(db, id)));
  return found.find((one) => one !== null) ?? null;
}
