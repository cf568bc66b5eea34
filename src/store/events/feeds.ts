// The feeds of all databases together. A row keeps its seq wherever it moves, so a feed may come to lie in several
// databases: each of them is asked, and a row that two of them hold counts once. With one database every function here
// asks exactly one query, and hands on its answer.

import type { StoredEvent } from "../../model/event-fields.ts";
import { MINUTE } from "../../lib/time.ts";
import {
  BEGINNING,
  feedOf,
  feedsBetween,
  lastSeqOf,
  moveBehind,
  positionAfter,
  seqsOfFeed,
  type FeedPosition,
} from "../feed-position.ts";
import type { Shard, Shards } from "../shards.ts";
import {
  countStretchOf,
  endOfFeed,
  eventsAt,
  placesIn,
  readStretch,
  seqBefore,
  type FeedPart,
  type PlacedEvent,
  type SeqRange,
} from "./feed.ts";

/**
 * A database that also holds events of other feeds, because contacts moved there. Today none does. It must say so before
 * the first row leaves the other database: a row that is looked for by its seq, and that no holder has, counts as deleted.
 */
export interface HoldingShard extends Shard {
  readonly holds?: readonly number[];
}

/** The feeds of which a database may hold events: its own first. */
export function feedsIn({ index, holds = [] }: HoldingShard): number[] {
  return [index, ...holds];
}

/** The databases in which events of a feed may lie. */
function holdersOf({ all }: Shards, feed: number): readonly Shard[] {
  return all.filter((shard) => feedsIn(shard).includes(feed));
}

/** Of which seqs of a feed the rows lie between two positions; `last`: the feed's end if left out. */
function rangeIn(feed: number, after: FeedPosition, last: FeedPosition | undefined): SeqRange {
  const { last: end } = seqsOfFeed(feed);
  return { after: lastSeqOf(after, feed), last: last === undefined ? end : lastSeqOf(last, feed) };
}

/** The next events of one feed: at most `limit` that lie behind `after`, and not behind `last` if given. */
export async function readOneFeed(
  shards: Shards,
  feed: number,
  { after, last, limit }: { after: FeedPosition; last?: FeedPosition | undefined; limit: number },
): Promise<FeedPart> {
  const range = { ...rangeIn(feed, after, last), limit };
  const parts = await Promise.all(
    holdersOf(shards, feed).map(async ({ db }) => await readStretch(db, range)),
  );
  const [only = { events: [], more: false }] = parts;
  return parts.length <= 1 ? only : joinParts(parts, limit);
}

/** Parts of one feed from several databases as one. It ends where the first of them does that was cut off. */
function joinParts(parts: readonly FeedPart[], limit: number): FeedPart {
  const ends = parts.flatMap(({ events, more }) => (more ? [events.at(-1)?.seq ?? 0] : []));
  const end = Math.min(...ends);
  const events = bySeq(parts.flatMap((part) => part.events)).filter(({ seq }) => seq <= end);
  return { events: events.slice(0, limit), more: ends.length > 0 || events.length > limit };
}

/** In order of seq, each once. */
function bySeq<T extends { seq: number }>(rows: readonly T[]): T[] {
  return [...new Map(rows.map((row) => [row.seq, row])).values()].toSorted(
    (one, other) => one.seq - other.seq,
  );
}

/** A part of the feeds: one feed after the other, in order of storage inside each. */
export interface FeedsPart extends FeedPart {
  /** The position that the events lie behind: feeds of which nothing is left were passed over. */
  after: FeedPosition;
}

/** The next events between two positions, at most `limit`, all of one feed. Whoever goes on moves behind the last one. */
export async function readPart(
  shards: Shards,
  { after, last, limit }: { after: FeedPosition; last: FeedPosition; limit: number },
): Promise<FeedsPart> {
  if (shards.all.length === 1) return { ...(await readOneFeed(shards, 0, { after, last, limit })), after };
  let from = after;
  const feeds = feedsBetween(after, last);
  for (const [index, feed] of feeds.entries()) {
    const part = await readOneFeed(shards, feed, { after, last, limit });
    if (part.events.length > 0)
      return { events: part.events, more: part.more || index + 1 < feeds.length, after: from };
    from = moveBehind(from, { seq: lastSeqOf(last, feed) });
  }
  return { events: [], more: false, after: from };
}

/** How many events lie behind `after` and not behind `last`; `most` if there are more. */
export async function countFeeds(
  shards: Shards,
  { after, last, most }: { after: FeedPosition; last: FeedPosition; most: number },
): Promise<number> {
  const feeds = shards.all.length === 1 ? [0] : feedsBetween(after, last);
  const counts = feeds.flatMap((feed) =>
    holdersOf(shards, feed).map(
      async ({ db }) => await countStretchOf(db, { ...rangeIn(feed, after, last), most }),
    ),
  );
  return Math.min(most, sum(await Promise.all(counts)));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** The events with these seqs that are still stored, in order of seq. */
export async function readSeqs(shards: Shards, seqs: readonly number[]): Promise<StoredEvent[]> {
  const { all, home } = shards;
  if (all.length === 1) return await eventsAt(home, seqs);
  const wanted = new Map<Shard, number[]>();
  for (const [feed, own] of Map.groupBy(seqs, feedOf))
    for (const shard of holdersOf(shards, feed)) wanted.set(shard, [...(wanted.get(shard) ?? []), ...own]);
  const parts = await Promise.all([...wanted].map(async ([{ db }, own]) => await eventsAt(db, own)));
  return bySeq(parts.flat());
}

/** The seqs of the events with these ids that are stored. */
export async function seqsOf(shards: Shards, ids: readonly string[]): Promise<PlacedEvent[]> {
  const { all, home } = shards;
  if (all.length === 1) return await placesIn(home, ids);
  const parts = await Promise.all(all.map(async ({ db }) => await placesIn(db, ids)));
  return bySeq(parts.flat());
}

/** A position with a place in each feed, which `seqIn` finds in the feed's own database; any lower number is its beginning. */
export async function positionBy(
  { all }: Shards,
  seqIn: (shard: Shard) => Promise<number>,
): Promise<FeedPosition> {
  const seqs = await Promise.all(
    all.map(async (shard) => Math.max(await seqIn(shard), seqsOfFeed(shard.index).beginning)),
  );
  return seqs.slice(1).reduce((position, seq) => moveBehind(position, { seq }), positionAfter(seqs[0] ?? 0));
}

/** The position behind the last event of each feed. */
export async function endOfFeeds(shards: Shards): Promise<FeedPosition> {
  return await positionBy(shards, async ({ db }) => await endOfFeed(db));
}

/**
 * A position behind which the events received at `time` (ms) or later lie. The search is for `slack` (ms) before `time`,
 * so that few delayed events are missed.
 */
export async function positionAt(shards: Shards, time: number, slack = SLACK): Promise<FeedPosition> {
  return await positionBy(shards, async ({ db, index }) => await seqBefore(db, index, time - slack));
}

/** How far (ms) the order of storage may differ from the order of receipt, as long as nothing failed. */
const SLACK = 15 * MINUTE;

/**
 * The position behind the row with this seq. In the other feeds it is where events begin that were received when that row
 * was; their ends if there is nothing from the row on. At a beginning of 0 it is the beginning of all feeds.
 */
export async function positionBehindSeq(shards: Shards, seq: number): Promise<FeedPosition> {
  if (shards.all.length === 1) return positionAfter(Math.min(seq, seqsOfFeed(0).last));
  if (seq === 0) return BEGINNING;
  const { events } = await readOneFeed(shards, feedOf(seq), {
    after: moveBehind(BEGINNING, { seq: seq - 1 }),
    limit: 1,
  });
  const [row] = events;
  const others = row === undefined ? await endOfFeeds(shards) : await positionAt(shards, row.received_at);
  return moveBehind(others, { seq });
}

/** The latest events of all feeds, at most `most`: as many of each as there are, or an equal share of those left. */
export async function readLatest(shards: Shards, most: number): Promise<StoredEvent[]> {
  const end = await endOfFeeds(shards);
  const sizes = shards.all.map(({ index }) => ({
    feed: index,
    size: lastSeqOf(end, index) - seqsOfFeed(index).beginning,
  }));
  let left = most;
  const shares = sizes
    .toSorted((one, other) => one.size - other.size)
    .map(({ feed, size }, index, { length }) => {
      const share = Math.min(size, Math.ceil(left / (length - index)));
      left -= share;
      return { feed, share };
    });
  const parts = await Promise.all(
    shares.map(async ({ feed, share }) => {
      if (share === 0) return [];
      const after = moveBehind(BEGINNING, { seq: lastSeqOf(end, feed) - share });
      return (await readOneFeed(shards, feed, { after, limit: share })).events;
    }),
  );
  return parts.flat();
}
