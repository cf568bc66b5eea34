// Reads of the order of storage in one database: what pipes read of it, and where it ends. src/store/events/feeds.ts puts
// the databases together.

import type { StoredEvent } from "../../model/event-fields.ts";
import type { Db } from "../db.ts";
import { lastSeqOf, seqsOfFeed, type FeedPosition } from "../feed-position.ts";
import { COLUMN_NAMES, toEvents, type EventColumnsRow } from "./event-columns.ts";
import { eventsWithSeqs, FEED_END, inFeedOrder, walkFeedRows } from "../feed-rows.ts";
import { isCut, sizeOfEvent, withinBytes, type SizedRow } from "../within-bytes.ts";

/** The columns that pipes need: all but the place of the raw element. */
const FEED_COLUMNS = COLUMN_NAMES.map((name) => `events.${name}`).join(", ");

const READ_FEED = withinBytes("events", {
  keys: `SELECT e.seq AS key, e.id, ${sizeOfEvent("e")} AS size
    ${walkFeedRows({ after: "?1", last: "?2" })} ${inFeedOrder("asc")} LIMIT ?3`,
  columns: FEED_COLUMNS,
  order: "asc",
});

/** A part of a feed, in order of storage. */
export interface FeedPart {
  events: StoredEvent[];
  /** Whether more events may follow: the part ends at its limit, or because of its bytes. */
  more: boolean;
}

/** The seqs of a stretch: those behind `after`, up to and including `last`. */
export interface SeqRange {
  after: number;
  last: number;
}

/** Events of a database: at most `limit` of a stretch; fewer if they are large. */
export async function readStretch(
  db: Db,
  { after, last, limit }: SeqRange & { limit: number },
): Promise<FeedPart> {
  const { results } = await db.prepare(READ_FEED).bind(after, last, limit).all<EventColumnsRow & SizedRow>();
  return { events: await toEvents(results), more: results.length === limit || isCut(results) };
}

/** The first events of a database that lie behind `after`, at most `limit`. */
export async function readFeed(
  db: Db,
  { after, limit }: { after: FeedPosition; limit: number },
): Promise<FeedPart> {
  return await readStretch(db, { after: lastSeqOf(after), last: Number.MAX_SAFE_INTEGER, limit });
}

/** How many events of a database lie in a stretch; `most` if there are more. */
export async function countStretchOf(
  db: Db,
  { after, last, most }: SeqRange & { most: number },
): Promise<number> {
  const counted = db
    .prepare(`SELECT count(*) AS n FROM (SELECT 1 ${walkFeedRows({ after: "?1", last: "?2" })} LIMIT ?3)`)
    .bind(after, last, most);
  return (await counted.first<number>("n")) ?? 0;
}

/** The events of a database with these seqs, in order of seq. */
export async function eventsAt(db: Db, seqs: readonly number[]): Promise<StoredEvent[]> {
  const { results } = await db
    .prepare(`SELECT ${FEED_COLUMNS} FROM ${eventsWithSeqs("?1")} AS events ORDER BY events.seq`)
    .bind(JSON.stringify(seqs))
    .all<EventColumnsRow>();
  return await toEvents(results);
}

/** Where an event lies in its feed. */
export interface PlacedEvent {
  id: string;
  seq: number;
}

/** The seqs of the events of a database with these ids. */
export async function placesIn(db: Db, ids: readonly string[]): Promise<PlacedEvent[]> {
  const { results } = await db
    .prepare("SELECT e.id, e.seq FROM json_each(?1) AS i CROSS JOIN events AS e ON e.id = i.value")
    .bind(JSON.stringify(ids))
    .all<PlacedEvent>();
  return results;
}

/** Between which seqs the events of a database lie; 0 if there never were any. */
export async function feedEdge(db: Db): Promise<{ low: number; high: number }> {
  const edge = await db
    .prepare(`SELECT coalesce((SELECT min(first_seq) FROM feed), 0) AS low, ${FEED_END} AS high`)
    .first<{ low: number; high: number }>();
  return edge ?? { low: 0, high: 0 };
}

/** The same for the events of one feed, of which a database may hold a part. */
export async function edgeOfFeed(db: Db, feed: number): Promise<{ low: number; high: number }> {
  const { beginning, last } = seqsOfFeed(feed);
  const edge = await db
    .prepare(
      `SELECT min(first_seq) AS low, max(first_seq + n - 1) AS high FROM (
         SELECT first_seq, n FROM (SELECT first_seq, n FROM feed WHERE first_seq >= ?1 AND first_seq <= ?2 ORDER BY first_seq LIMIT 1)
         UNION ALL
         SELECT first_seq, n FROM (SELECT first_seq, n FROM feed WHERE first_seq >= ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1))`,
    )
    .bind(beginning, last)
    .first<{ low: number | null; high: number | null }>();
  return { low: edge?.low ?? beginning, high: edge?.high ?? beginning };
}

/** The last seq of a database; 0 before its first event. Events that moved there have lower seqs than its own. */
export async function endOfFeed(db: Db): Promise<number> {
  return (await db.prepare(`SELECT ${FEED_END} AS n`).first<number>("n")) ?? 0;
}

/**
 * A seq of a feed behind which its events lie that were received at `time` (ms) or later. It is found by bisection,
 * because events are stored in the order of receipt unless one was delayed.
 */
export async function seqBefore(db: Db, feed: number, time: number): Promise<number> {
  let [low, high] = [seqsOfFeed(feed).beginning, await endOfFeed(db)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await db
      .prepare(`SELECT e.seq, e.received_at ${walkFeedRows({ after: "?1" })} ${inFeedOrder("asc")} LIMIT 1`)
      .bind(middle)
      .first<{ seq: number; received_at: number }>();
    if (found === null || found.received_at >= time) high = middle;
    else low = found.seq;
  }
  return low;
}
