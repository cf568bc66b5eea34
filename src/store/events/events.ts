// Lists of the stored events as /v1/events shows them, and one event.

import type { StoredEvent } from "../../model/event-fields.ts";
import type { EventType } from "../../model/event.ts";
import type { Db } from "../db.ts";
import { COLUMN_NAMES, toEvents, type EventColumnsRow } from "./event-columns.ts";
import { lastSeqOf, positionAfter, type FeedPosition } from "../feed-position.ts";
import { isAtDomain, liesIn, rangeFrom, rangeOf, type IdRange } from "../prefix-range.ts";
import { feedEdge } from "./feed.ts";
import { placeOfCampaigns, restBehind, type Stretch } from "./stretches.ts";
import { areBusyIn } from "./of-contacts.ts";
import { isCut, sizeOfEvent, withinBytes, type SizedRow } from "../within-bytes.ts";
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

type ListedRow = EventColumnsRow & SizedRow;

const COLUMNS = COLUMN_NAMES.map((name) => `events.${name}`).join(", ");

/** Most rows of the feed that one page reads. If a filter excludes many of them, a page may be shorter than `limit`. */
const MOST_SCANNED = 20_000;

/** Message ids of more recipients than this are looked for in the feed. */
const MOST_RECIPIENTS = 1_000;

/** Reads one page behind `after`, in the direction of the list. */
export type ReadPage = (after: FeedPosition | undefined, limit: number) => Promise<EventPage>;

/** A page of events in order of storage. */
export async function listEvents(db: Db, filter: EventFilter): Promise<EventPage> {
  return await eventPages(db, filter)(filter.after, filter.limit);
}

/**
 * The pages of a list of events in order of storage. With a contact or message it reads only their events, unless they
 * are so many that the feed is walked with less work, and with a campaign only the stretches where its events lie. What the pages have in common is read once, with the first one:
 * the list ends at the feed's end of that moment.
 */
export function eventPages(db: Db, filter: Omit<EventFilter, "after" | "limit">): ReadPage {
  let plan: Plan | undefined;
  return async (after, limit) => {
    plan ??= await planOf(db, filter);
    const asked: EventFilter = { ...filter, after, limit };
    return "ranges" in plan ? await readRanges(db, asked, plan.ranges) : await walkFeed(db, asked, plan);
  };
}

/** The stretches of the feed to look through, and the feed's last seq. */
interface Walk {
  stretches: readonly Stretch[];
  high: number;
}
type Plan = { ranges: readonly IdRange[] } | Walk;

type Question = Pick<EventFilter, "contact" | "message_id" | "campaign" | "type">;

async function planOf(db: Db, { campaign, ...filter }: Question): Promise<Plan> {
  const ranges = await rangesOf(db, filter);
  if (ranges !== null && !(await areBusyIn(db, ranges))) return { ranges };
  const edge = await feedEdge(db);
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

async function readRanges(db: Db, filter: EventFilter, ranges: readonly IdRange[]): Promise<EventPage> {
  const { clause, values } = conditions({ ...filter, contact: undefined });
  const { order, limit } = filter;
  // The plus keeps the planner from walking the whole feed to get the order.
  const keys = `SELECT events.seq AS key, events.id, ${sizeOfEvent("events")} AS size FROM json_each(?1) AS c CROSS JOIN events
    ON ${liesIn("events", "c.value")}
    WHERE +events.seq ${order === "asc" ? ">" : "<"} ?2 ${clause} ORDER BY +events.seq ${order} LIMIT ?3`;
  const { results } = await db
    .prepare(withinBytes("events", { keys, columns: COLUMNS, order }))
    .bind(JSON.stringify(ranges), startOf(filter), limit + 1, ...values)
    .all<ListedRow>();
  return await pageOf(results, filter, { more: null, seen: startOf(filter) });
}

/** Most stretches of the feed that one page reads, and so most queries. */
const MOST_STRETCHES = 20;

/** Reads the stretches one after the other, until the page is full or has looked at enough rows. */
async function walkFeed(db: Db, filter: EventFilter, { stretches, high }: Walk): Promise<EventPage> {
  const { clause, values } = conditions(filter, "e");
  const { order, limit } = filter;
  const keys = `SELECT e.seq AS key, e.id, ${sizeOfEvent("e")} AS size
    ${walkFeedRows({ after: "(?1 - 1)", last: "?2" }, order)} ${clause} ${inFeedOrder(order)} LIMIT ?3`;
  const statement = db.prepare(withinBytes("events", { keys, columns: COLUMNS, order }));
  const rest = restBehind(stretches, startOf(filter), order);
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
    if (left <= 0 || rows.length > limit || isCut(rows)) break;
  }
  const more = seen !== null && restBehind(stretches, seen, order).length > 0 ? seen : null;
  return await pageOf(rows, filter, { more, seen: Math.max(startOf(filter), high) });
}

/** The seq behind which a page begins, in the direction of its order. */
function startOf({ order, after }: EventFilter): number {
  if (after !== undefined) return lastSeqOf(after);
  return order === "asc" ? 0 : Number.MAX_SAFE_INTEGER;
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
function conditions(filter: EventFilter, events = "events"): { clause: string; values: (string | number)[] } {
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
  return { clause, values };
}

/**
 * Makes a page. `rows`: one row more than `limit` if there are more, or as many as fit. If there are not: `more` is the seq to continue from,
 * null at the end, and `seen` is the seq up to which all events were looked at, at the end of an ascending list.
 */
async function pageOf(
  rows: readonly ListedRow[],
  { limit, order }: EventFilter,
  { more, seen }: { more: number | null; seen: number },
): Promise<EventPage> {
  const events = await toEvents(rows.slice(0, limit));
  const last = events.at(-1)?.seq ?? 0;
  const next = rows.length > limit || isCut(rows) ? last : more;
  const position = next === null ? null : positionAfter(next);
  const resume = order === "asc" ? (position ?? positionAfter(Math.max(seen, last))) : null;
  return { events, next: position, resume };
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
