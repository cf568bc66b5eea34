// Events that failed alone, each with waits of its own: a table in the pipe's object, one row for each event.

import type { Feed } from "./state.ts";

/** An event that waits to be tried again. */
export interface Retry {
  feed: Feed;
  /** The row's in its feed. */
  seq: number;
  id: string;
  /**
   * Events of one group keep their order in an ordered pipe: the prefix of its contact's event ids; '' for no group.
   */
  grp: string;
  /** How often it was tried. */
  tries: number;
  /** When it is tried next, ms. */
  due: number;
  reason: string;
  /** 1 if a person asked for it, so that it may have been delivered before. */
  asked: 0 | 1;
}

/** The events of one pipe that wait. */
export interface Retries {
  /** Adds an event, or sets when one that waits already is tried next. */
  put(retry: Retry): void;
  /** Sets when an event is tried next, if it still waits: people may have discarded it while it was under way. */
  again(retry: Pick<Retry, "feed" | "seq" | "tries" | "due" | "reason">): void;
  drop(retry: Pick<Retry, "feed" | "seq">): void;
  /** How many wait up to these seqs; `drop` discards them. */
  upTo(last: Readonly<Record<Feed, number>>, drop: boolean): number;
  /** Those behind `after` that nobody asked for, in order of feed and seq. */
  unasked(after: Pick<Retry, "feed" | "seq">, limit: number): Retry[];
  count(): number;
  /** Those that are due at `now` (ms), the longest due first. `ordered`: of each group only the first. */
  due(now: number, limit: number, ordered: boolean): Retry[];
  /** When the next one is due, ms; null if none waits. */
  nextDue(ordered: boolean): number | null;
  /** The next ones first. */
  list(limit: number): Retry[];
  /** The groups of which an event waits. */
  groups(): Set<string>;
  /** The seq of the first system event that waits; null if none does. */
  firstSystemEvent(): number | null;
  /** Makes all of them due. `now`: ms. */
  retryNow(now: number): void;
  /** To be called when the object's storage was emptied. */
  forget(): void;
}

/** The place before all retries, in the order of `unasked`. */
export const FIRST_RETRY = { feed: "events", seq: -1 } as const satisfies Pick<Retry, "feed" | "seq">;

const COLUMNS = "feed, seq, id, grp, tries, due, reason, asked";

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS retries (
  feed TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, grp TEXT NOT NULL, tries INTEGER NOT NULL,
  due INTEGER NOT NULL, reason TEXT NOT NULL, asked INTEGER NOT NULL, PRIMARY KEY (feed, seq)) WITHOUT ROWID`;

const PUT = `INSERT INTO retries (feed, seq, id, grp, tries, due, reason, asked) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET tries = excluded.tries, due = excluded.due, reason = excluded.reason, asked = max(asked, excluded.asked)`;

/** The first event of each group, so that no other overtakes it. */
const FIRST_OF_GROUP = `NOT EXISTS (
  SELECT 1 FROM retries AS e WHERE e.grp = r.grp AND e.grp <> '' AND (e.feed < r.feed OR (e.feed = r.feed AND e.seq < r.seq)))`;

/** Opens the table in an object's storage. It is made when it is first used, so that a deleted object stays empty. */
export function openRetries({ sql }: Pick<DurableObjectStorage, "sql">): Retries {
  let made = false;
  const run = <T>(query: string, ...values: SqlStorageValue[]): T[] => {
    if (!made) sql.exec(CREATE_TABLE);
    made = true;
    return sql.exec(query, ...values).toArray() as T[];
  };
  const number = (query: string): number | null => run<{ n: number | null }>(query)[0]?.n ?? null;
  return {
    put: ({ feed, seq, id, grp, tries, due, reason, asked }) =>
      void run(PUT, feed, seq, id, grp, tries, due, reason, asked),
    again: ({ feed, seq, tries, due, reason }) =>
      void run(
        "UPDATE retries SET tries = ?, due = ?, reason = ? WHERE feed = ? AND seq = ?",
        tries,
        due,
        reason,
        feed,
        seq,
      ),
    upTo: ({ events, notices }, drop) => {
      const those = "retries WHERE (feed = 'events' AND seq <= ?) OR (feed = 'notices' AND seq <= ?)";
      const count = run<{ n: number }>(`SELECT count(*) AS n FROM ${those}`, events, notices)[0]?.n ?? 0;
      if (drop && count > 0) run(`DELETE FROM ${those}`, events, notices);
      return count;
    },
    unasked: ({ feed, seq }, limit) =>
      run<Retry>(
        `SELECT ${COLUMNS} FROM retries WHERE asked = 0 AND (feed, seq) > (?, ?) ORDER BY feed, seq LIMIT ?`,
        feed,
        seq,
        limit,
      ),
    drop: ({ feed, seq }) => void run("DELETE FROM retries WHERE feed = ? AND seq = ?", feed, seq),
    count: () => number("SELECT count(*) AS n FROM retries") ?? 0,
    due: (now, limit, ordered) => {
      const firsts = ordered ? `AND ${FIRST_OF_GROUP}` : "";
      return run<Retry>(
        `SELECT ${COLUMNS} FROM retries AS r WHERE due <= ? ${firsts} ORDER BY due, seq LIMIT ?`,
        now,
        limit,
      );
    },
    nextDue: (ordered) =>
      number(`SELECT min(due) AS n FROM retries AS r ${ordered ? `WHERE ${FIRST_OF_GROUP}` : ""}`),
    list: (limit) => run<Retry>(`SELECT ${COLUMNS} FROM retries ORDER BY due, seq LIMIT ?`, limit),
    groups: () => new Set(run<{ grp: string }>("SELECT DISTINCT grp FROM retries").map(({ grp }) => grp)),
    firstSystemEvent: () => number("SELECT min(seq) AS n FROM retries WHERE feed = 'notices'"),
    retryNow: (now) => void run("UPDATE retries SET due = ? WHERE due > ?", now, now),
    forget: () => {
      made = false;
    },
  };
}
