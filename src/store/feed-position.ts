// Where a reader of a feed is: everything before the position is done. Today a position is one number, because each
// feed lies in one database; with several databases it becomes one number for each of them. So that this changes in one
// place, only this module and the store's SQL look inside. All other code keeps positions, compares them with the
// functions below, and prints and parses them as text.
//
// A row's `seq` is something else. It names one row for good, whatever database the row moves to, and stays a number.

/**
 * A position in a feed. The declared field exists for the compiler alone, so that no other code does arithmetic with a
 * position. At run time, and where positions are stored (a pipe's row and its object), it is a whole number from 0.
 */
export interface FeedPosition {
  readonly feedPosition: "opaque";
}

/** Before the first row. */
export const BEGINNING = positionAfter(0);

/** The position directly behind the row with this seq. For src/store, which reads seqs from the database. */
export function positionAfter(seq: number): FeedPosition {
  return seq as unknown as FeedPosition;
}

/** The seq of the last row before the position, 0 at the beginning. For src/store, which binds it to SQL. */
export function lastSeqOf(position: FeedPosition): number {
  return position as unknown as number;
}

/** The position, moved so far that the row and all rows before it are done. */
export function moveBehind(_from: FeedPosition, { seq }: { seq: number }): FeedPosition {
  return positionAfter(seq);
}

/** The position, moved so far that all rows before this one are done, and this one is not. */
export function moveBefore(_from: FeedPosition, { seq }: { seq: number }): FeedPosition {
  return positionAfter(seq - 1);
}

/** Whether the row lies before the position, so that it is done. */
export function isBehind(position: FeedPosition, { seq }: { seq: number }): boolean {
  return seq <= lastSeqOf(position);
}

/** Whether both are the same position. */
export function isSamePosition(one: FeedPosition, other: FeedPosition): boolean {
  return lastSeqOf(one) === lastSeqOf(other);
}

/** The earlier of two positions: the rows before it are done for both. */
export function earlierOf(one: FeedPosition, other: FeedPosition): FeedPosition {
  return positionAfter(Math.min(lastSeqOf(one), lastSeqOf(other)));
}

/** The later of two positions. */
export function laterOf(one: FeedPosition, other: FeedPosition): FeedPosition {
  return positionAfter(Math.max(lastSeqOf(one), lastSeqOf(other)));
}

/** The earliest of the positions: the rows before it are done for all; null for an empty list. */
export function earliestOf([first, ...others]: readonly FeedPosition[]): FeedPosition | null {
  return first === undefined ? null : others.reduce(earlierOf, first);
}

/** How many seqs lie between two positions; 0 if `from` is not before `to`. Deleted rows count. */
export function countBetween(from: FeedPosition, to: FeedPosition): number {
  return Math.max(0, lastSeqOf(to) - lastSeqOf(from));
}

/** The number of today's only feed in a cursor. */
const FEED = 0;
/** `v2.` and base64url of `<feed>:<seq>`, the form that holds one pair for each feed once there are several. */
const CURSOR = /^v2\.([\w-]{1,64})$/;
const PAIR = /^(\d{1,4}):(\d{1,15})$/;
/** Cursors used to be bare numbers, and clients may have stored some. */
const NUMBER = /^\d{1,15}$/;

/** The position as the text that callers of the API get and pass back. */
export function encodePosition(position: FeedPosition): string {
  return `v2.${Buffer.from(`${FEED}:${lastSeqOf(position)}`).toString("base64url")}`;
}

/** The position that a cursor stands for, a bare number of older versions included; null if the text is no cursor. */
export function decodePosition(text: string): FeedPosition | null {
  if (NUMBER.test(text)) return positionAfter(Number(text));
  const encoded = CURSOR.exec(text)?.[1];
  const pair = encoded === undefined ? null : PAIR.exec(Buffer.from(encoded, "base64url").toString("latin1"));
  if (pair === null || Number(pair[1]) !== FEED) return null;
  const position = positionAfter(Number(pair[2]));
  return encodePosition(position) === text ? position : null;
}
