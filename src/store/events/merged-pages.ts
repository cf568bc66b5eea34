// Pages of a list of events over the feeds of several databases. Inside a feed the order is that of storage; the feeds
// are merged by the times at which their next events were received. Each feed is read ahead, because nobody knows which
// of them the next events are in; what is left over waits for the next page of the same list.

import type { StoredEvent } from "../../model/event-fields.ts";
import {
  BEGINNING,
  isSamePosition,
  lastSeqOf,
  moveBefore,
  moveBehind,
  seqsOfFeed,
  type FeedPosition,
} from "../feed-position.ts";
import type { EventPage, ListPart, ReadPage } from "./event-page.ts";

/** The list of one feed in one database. */
export interface FeedList {
  feed: number;
  /** Reads what lies behind the seq `start` in the direction of the list, at most `limit` events. */
  read: (start: number, limit: number) => Promise<ListPart>;
}

type Order = "asc" | "desc";

/** A feed that is read ahead. */
interface Lane {
  feed: number;
  lists: FeedList[];
  /** Events that are read and not yet in a page, the next one first. */
  events: StoredEvent[];
  /** The seq behind which reading goes on; at the end of an ascending list, up to which all were looked at. */
  at: number;
  /** Whether nothing is left to read. */
  ended: boolean;
  /** Whether a look at very many rows has found none that match, so that the rest is left to the next page. */
  tired: boolean;
}

/** How many pages all feeds together may read ahead. */
const PAGES_AHEAD = 3;
/** A small page reads at least so many events of each feed, or the whole page. */
const LEAST = 100;

/** The pages of a list. `open`: the lists to merge, which is asked for once. */
export function mergedPages(open: () => Promise<FeedList[]>, order: Order): ReadPage {
  let lists: FeedList[] | undefined;
  let left: { next: FeedPosition; lanes: Lane[] } | null = null;
  return async (after, limit) => {
    lists ??= await open();
    const goesOn = left !== null && after !== undefined && isSamePosition(left.next, after);
    const lanes = goesOn && left !== null ? left.lanes : lanesOf(lists, after, order);
    const page = await readPage(lanes, { after, limit, order });
    left = page.next === null ? null : { next: page.next, lanes };
    return page;
  };
}

function lanesOf(lists: readonly FeedList[], after: FeedPosition | undefined, order: Order): Lane[] {
  return [...Map.groupBy(lists, ({ feed }) => feed)].map(([feed, own]) => {
    const { beginning, last } = seqsOfFeed(feed);
    const start = order === "asc" ? beginning : last + 1;
    const at = after === undefined ? start : lastSeqOf(after, feed);
    return { feed, lists: own, events: [], at, ended: order === "desc" && at === beginning, tired: false };
  });
}

async function readPage(
  lanes: readonly Lane[],
  { after, limit, order }: { after: FeedPosition | undefined; limit: number; order: Order },
): Promise<EventPage> {
  const ahead = Math.min(limit, Math.max(LEAST, Math.ceil((PAGES_AHEAD * limit) / lanes.length)));
  for (const lane of lanes) lane.tired = false;
  const events: StoredEvent[] = [];
  while (events.length < limit) {
    const empty = lanes.filter((lane) => lane.events.length === 0 && !lane.ended && !lane.tired);
    await Promise.all(empty.map(async (lane) => await readAhead(lane, ahead, order)));
    const full = lanes.filter((lane) => lane.events.length > 0);
    if (full.length === 0) break;
    takeFrom(full, events, limit, order);
  }
  const position = lanes.reduce((moved, lane) => placeAt(moved, lane, order), after ?? BEGINNING);
  const more = lanes.some((lane) => lane.events.length > 0 || !lane.ended);
  return { events, next: more ? position : null, resume: order === "asc" ? position : null };
}

/** Moves events into the page until it is full, or a feed has none left that may have more to read. */
function takeFrom(full: readonly Lane[], page: StoredEvent[], limit: number, order: Order): void {
  let lanes = full;
  while (page.length < limit && lanes.length > 0) {
    const next = lanes.reduce((first, lane) => (isBefore(lane, first, order) ? lane : first));
    const event = next.events.shift();
    if (event !== undefined) page.push(event);
    if (next.events.length > 0) continue;
    if (!next.ended && !next.tired) return;
    lanes = lanes.filter((lane) => lane !== next);
  }
}

/** Whether the next event of a lane comes before that of another one. */
function isBefore(lane: Lane, other: Lane, order: Order): boolean {
  const difference = (lane.events[0]?.received_at ?? 0) - (other.events[0]?.received_at ?? 0);
  return order === "asc" ? difference < 0 : difference > 0;
}

/** The position, with the place in a lane's feed before the next event that is not in the page. */
function placeAt(position: FeedPosition, { events, at, feed, ended }: Lane, order: Order): FeedPosition {
  const [next] = events;
  if (order === "asc")
    return next === undefined ? moveBehind(position, { seq: at }) : moveBefore(position, next);
  const { beginning } = seqsOfFeed(feed);
  if (next === undefined) return moveBehind(position, { seq: ended ? beginning : at });
  return moveBehind(position, { seq: next.seq + 1 });
}

async function readAhead(lane: Lane, limit: number, order: Order): Promise<void> {
  const parts = await Promise.all(lane.lists.map(async ({ read }) => await read(lane.at, limit)));
  const { events, next, seen } = joinLists(parts, order);
  lane.events.push(...events);
  lane.ended = next === null;
  lane.tired = next !== null && next !== events.at(-1)?.seq;
  lane.at = next ?? seen;
}

/** The lists of one feed from several databases as one. It goes on from where the first of them was cut off. */
function joinLists(parts: readonly ListPart[], order: Order): ListPart {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const sign = order === "asc" ? 1 : -1;
  const cuts = parts.flatMap(({ next }) => (next === null ? [] : [sign * next]));
  const end = Math.min(...cuts);
  const events = [
    ...new Map(parts.flatMap((part) => part.events).map((event) => [event.seq, event])).values(),
  ]
    .filter(({ seq }) => sign * seq <= end)
    .toSorted((one, other) => sign * (one.seq - other.seq));
  return {
    events,
    next: cuts.length === 0 ? null : sign * end,
    seen: Math.max(...parts.map(({ seen }) => seen)),
  };
}
