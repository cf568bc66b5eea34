// Reads of the feed by pipes, and the positions in it.

import type { StoredEvent } from "../../model/event-fields.ts";
import type { Db } from "../db.ts";
import { lastSeqOf, positionAfter, type FeedPosition } from "../feed-position.ts";
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

/** A part of the feed, in order of storage. */
export interface FeedPart {
  events: StoredEvent[];
  /** Whether more events may follow: the part ends at its limit, or because of its bytes. */
  more: boolean;
}

/** Events for pipes: at most `limit` that lie behind `after`, and not behind `last` if given; fewer if they are large. */
export async function readFeed(
  db: Db,
  { after, last, limit }: { after: FeedPosition; last?: FeedPosition | undefined; limit: number },
): Promise<FeedPart> {
  const { results } = await db
    .prepare(READ_FEED)
    .bind(lastSeqOf(after), last === undefined ? Number.MAX_SAFE_INTEGER : lastSeqOf(last), limit)
    .all<EventColumnsRow & SizedRow>();
  return { events: await toEvents(results), more: results.length === limit || isCut(results) };
}

/** How many events lie behind `after` and not behind `last`; `most` if there are more. */
export async function countFeed(
  db: Db,
  { after, last, most }: { after: FeedPosition; last: FeedPosition; most: number },
): Promise<number> {
  const counted = db
    .prepare(`SELECT count(*) AS n FROM (SELECT 1 ${walkFeedRows({ after: "?1", last: "?2" })} LIMIT ?3)`)
    .bind(lastSeqOf(after), lastSeqOf(last), most);
  return (await counted.first<number>("n")) ?? 0;
}

/** The events with these seqs that are still stored, in order of seq. */
export async function readSeqs(db: Db, seqs: readonly number[]): Promise<StoredEvent[]> {
  const { results } = await db
    .prepare(`SELECT ${FEED_COLUMNS} FROM ${eventsWithSeqs("?1")} AS events ORDER BY events.seq`)
    .bind(JSON.stringify(seqs))
    .all<EventColumnsRow>();
  return await toEvents(results);
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

/** Between which seqs the events lie; 0 if there never were any. */
export async function feedEdge(db: Db): Promise<{ low: number; high: number }> {
  const edge = await db
    .prepare(`SELECT coalesce((SELECT min(first_seq) FROM feed), 0) AS low, ${FEED_END} AS high`)
    .first<{ low: number; high: number }>();
  return edge ?? { low: 0, high: 0 };
}

async function lastSeq(db: Db): Promise<number> {
  return (await db.prepare(`SELECT ${FEED_END} AS n`).first<number>("n")) ?? 0;
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
    const found = await db
      .prepare(`SELECT e.seq, e.received_at ${walkFeedRows({ after: "?1" })} ${inFeedOrder("asc")} LIMIT 1`)
      .bind(middle)
      .first<{ seq: number; received_at: number }>();
    if (found === null || found.received_at >= until) high = middle;
    else low = found.seq;
  }
  return positionAfter(low);
}

/** How far (ms) the order of storage may differ from the order of receipt, as long as nothing failed. */
const SLACK = 900_000;
