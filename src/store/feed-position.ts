// Where a reader of the feeds is: everything before the position is done. Each database has a feed of its own: the
// events that it stored first. So a position holds a place in each feed. Only this module and the store's SQL look
// inside. All other code keeps positions, compares them with the functions below, and prints and parses them as text.
//
// A row's `seq` is something else. It names one row for good, whatever database the row moves to, and it tells the feed:
// the seqs of feed f follow f * 2^40. Inside a feed seq only grows; over several feeds it says nothing about time.

/**
 * A position in the feeds. The declared field exists for the compiler alone, so that no other code does arithmetic with
 * a position. At run time, and where positions are stored (a pipe's row and its object), it is a whole number from 0, the
 * last seq of the first feed that is done, if all other feeds are at their beginning. Else it is a list of such seqs, one
 * of each feed that is not at its beginning, in order of the feeds. So a deployment with one database stores what it
 * always did, and what was stored before there were more means the same as ever.
 */
export interface FeedPosition {
  readonly feedPosition: "opaque";
}

type Places = number | readonly number[];
const placesOf = (position: FeedPosition): Places => position as unknown as Places;
const asPosition = (places: Places): FeedPosition => places as unknown as FeedPosition;

/** How many seqs a feed has. 8,192 feeds fit into the whole numbers that JavaScript can tell apart. */
const SEQS = 2 ** 40;

/** The number of the feed that a seq belongs to: of the database that stored the row first. */
export function feedOf(seq: number): number {
  return Math.floor(seq / SEQS);
}

/** The seqs of a feed: those behind `beginning`, which no row has, up to and including `last`. */
export function seqsOfFeed(feed: number): { beginning: number; last: number } {
  return { beginning: feed * SEQS, last: (feed + 1) * SEQS - 1 };
}

/** Before the first row of all feeds. */
export const BEGINNING = positionAfter(0);

/** The position directly behind the row with this seq, and at the beginning of all other feeds. For src/store. */
export function positionAfter(seq: number): FeedPosition {
  return seq < SEQS ? asPosition(seq) : positionIn([seq]);
}

/** The position behind the rows with these seqs, at most one of each feed. The beginning of a feed counts as a seq. */
function positionIn(seqs: readonly number[]): FeedPosition {
  const places = seqs.filter((seq) => seq % SEQS !== 0).toSorted((one, other) => one - other);
  const [first = 0] = places;
  return asPosition(places.length <= 1 && first < SEQS ? first : places);
}

/** The places of a position in all feeds that it is not at the beginning of. */
function listOf(position: FeedPosition): readonly number[] {
  const places = placesOf(position);
  if (typeof places !== "number") return places;
  return places === 0 ? [] : [Math.min(places, SEQS - 1)];
}

/**
 * The seq of the last row of a feed before the position; at the feed's beginning the number before its first seq. For
 * src/store, which binds it to SQL.
 */
export function lastSeqOf(position: FeedPosition, feed = 0): number {
  const places = placesOf(position);
  if (typeof places === "number") return feed === 0 ? places : feed * SEQS;
  return places.find((seq) => feedOf(seq) === feed) ?? feed * SEQS;
}

/** The position with another place in the feed of this seq. */
function moveTo(from: FeedPosition, seq: number): FeedPosition {
  if (typeof placesOf(from) === "number" && seq < SEQS) return asPosition(seq);
  const feed = feedOf(seq);
  return positionIn([...listOf(from).filter((place) => feedOf(place) !== feed), seq]);
}

/** The position, moved in the row's feed so that the row and all rows of this feed before it are done, and no others. */
export function moveBehind(from: FeedPosition, { seq }: { seq: number }): FeedPosition {
  return moveTo(from, seq);
}

/** The position, moved in the row's feed so that all rows of this feed before it are done, and the row is not. */
export function moveBefore(from: FeedPosition, { seq }: { seq: number }): FeedPosition {
  return moveTo(from, seq - 1);
}

/** Whether the row lies before the position, so that it is done. */
export function isBehind(position: FeedPosition, { seq }: { seq: number }): boolean {
  return seq <= lastSeqOf(position, feedOf(seq));
}

/** Whether both are the same position. */
export function isSamePosition(one: FeedPosition, other: FeedPosition): boolean {
  if (typeof placesOf(one) === "number") return placesOf(one) === placesOf(other);
  const [places, others] = [listOf(one), listOf(other)];
  return places.length === others.length && places.every((seq, index) => seq === others[index]);
}

/** The earlier of two positions: the rows before it are done for both. */
export function earlierOf(one: FeedPosition, other: FeedPosition): FeedPosition {
  return positionIn(listOf(one).map((seq) => Math.min(seq, lastSeqOf(other, feedOf(seq)))));
}

/** The later of two positions: the rows before it are done for one of them. */
export function laterOf(one: FeedPosition, other: FeedPosition): FeedPosition {
  return listOf(other).reduce(
    (later, seq) => (isBehind(later, { seq }) ? later : moveTo(later, seq)),
    positionIn(listOf(one)),
  );
}

/** The earliest of the positions: the rows before it are done for all; null for an empty list. */
export function earliestOf([first, ...others]: readonly FeedPosition[]): FeedPosition | null {
  return first === undefined ? null : others.reduce(earlierOf, first);
}

/** The feeds in which `to` is behind `from`, so that rows may lie between them, in order. */
export function feedsBetween(from: FeedPosition, to: FeedPosition): number[] {
  return listOf(to).flatMap((seq) => (isBehind(from, { seq }) ? [] : [feedOf(seq)]));
}

/** How many seqs lie between two positions, in all feeds in which `from` is before `to`. Deleted rows count. */
export function countBetween(from: FeedPosition, to: FeedPosition): number {
  const counts = listOf(to).map((seq) => Math.max(0, seq - lastSeqOf(from, feedOf(seq))));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The stretches of seqs that lie before a position, one of each feed, both ends inclusive. */
export function stretchesBefore(position: FeedPosition): { first: number; last: number }[] {
  return listOf(position).map((seq) => ({ first: seqsOfFeed(feedOf(seq)).beginning + 1, last: seq }));
}

/** `v2.` and base64url of `<feed>:<place>` pairs: the places are counted from the beginning of their feeds. */
const CURSOR = /^v2\.([\w-]{1,4096})$/;
const PAIRS = /^\d{1,4}:\d{1,15}(?:,\d{1,4}:\d{1,15}){0,127}$/;
/** Cursors used to be bare numbers, and clients may have stored some. They are places in the first feed. */
const NUMBER = /^\d{1,15}$/;

/** The position as the text that callers of the API get and pass back. */
export function encodePosition(position: FeedPosition): string {
  const places = listOf(position);
  const pairs = places.map((seq) => `${feedOf(seq)}:${seq % SEQS}`);
  return `v2.${Buffer.from(pairs.join(",") || "0:0").toString("base64url")}`;
}

/** The position that a cursor stands for, a bare number of older versions included; null if the text is no cursor. */
export function decodePosition(text: string): FeedPosition | null {
  if (NUMBER.test(text)) return asPosition(Math.min(Number(text), SEQS - 1));
  const encoded = CURSOR.exec(text)?.[1];
  const pairs: string = encoded === undefined ? "" : Buffer.from(encoded, "base64url").toString("latin1");
  if (!PAIRS.test(pairs)) return null;
  const seqs = pairs.split(",").map((pair) => {
    const [feed = 0, place = 0] = pair.split(":").map(Number);
    return feed * SEQS + place;
  });
  if (!seqs.every(Number.isSafeInteger) || new Set(seqs.map(feedOf)).size < seqs.length) return null;
  const position = positionIn(seqs);
  return encodePosition(position) === text ? position : null; // each position has one text
}
