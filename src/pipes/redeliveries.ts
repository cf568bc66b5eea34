// The parts of the feed that a pipe has been asked to pass on again: a table in its object, one row for each. They used
// to stand in the pipe's state, which is one value and must not grow with what people ask for.

import type { FeedPosition } from "../store/feed-position.ts";

/** A part of the feed of events that is to be passed on again. */
export interface Redelivery {
  id: string;
  /** It begins behind `after`, and ends before `last`. */
  after: FeedPosition;
  last: FeedPosition;
  /** A filter that applies beside the pipe's own; null for none. */
  filter: string | null;
}

/** The most redeliveries of one pipe that may be under way at once. */
export const MOST_REDELIVERIES = 20;
/** The most events that may wait in a pipe if single ones are to be passed on again. */
export const MOST_WAITING = 10_000;

/** The redeliveries of one pipe, in the order in which they were asked for. */
export interface Redeliveries {
  /** Adds one at the end, unless it is there already. */
  add(redelivery: Redelivery): void;
  has(id: string): boolean;
  count(): number;
  /** The one that is worked on; null if there is none. */
  first(): Redelivery | null;
  /** Goes on behind `after`. */
  move(id: string, after: FeedPosition): void;
  drop(id: string): void;
  /** To be called when the object's storage was emptied. */
  forget(): void;
}

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS redeliveries (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, after TEXT NOT NULL, last TEXT NOT NULL, filter TEXT)`;

/** Positions are JSON here. */
type Row = Pick<Redelivery, "id" | "filter"> & { after: string; last: string };

/** Opens the table in an object's storage. It is made when it is first used, so that a deleted object stays empty. */
export function openRedeliveries({ sql }: Pick<DurableObjectStorage, "sql">): Redeliveries {
  let made = false;
  const run = <T>(query: string, ...values: SqlStorageValue[]): T[] => {
    if (!made) sql.exec(CREATE_TABLE);
    made = true;
    return sql.exec(query, ...values).toArray() as T[];
  };
  return {
    add: ({ id, after, last, filter }) =>
      void run(
        "INSERT INTO redeliveries (id, after, last, filter) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        id,
        JSON.stringify(after),
        JSON.stringify(last),
        filter,
      ),
    has: (id) => run("SELECT 1 FROM redeliveries WHERE id = ?", id).length > 0,
    count: () => run<{ n: number }>("SELECT count(*) AS n FROM redeliveries")[0]?.n ?? 0,
    first: () => {
      const [row] = run<Row>("SELECT id, after, last, filter FROM redeliveries ORDER BY n LIMIT 1");
      if (row === undefined) return null;
      const position = (text: string): FeedPosition => JSON.parse(text) as FeedPosition;
      return { ...row, after: position(row.after), last: position(row.last) };
    },
    move: (id, after) =>
      void run("UPDATE redeliveries SET after = ? WHERE id = ?", JSON.stringify(after), id),
    drop: (id) => void run("DELETE FROM redeliveries WHERE id = ?", id),
    forget: () => {
      made = false;
    },
  };
}
