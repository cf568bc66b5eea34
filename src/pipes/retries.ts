// Events that failed alone, each with waits of its own: a table in the pipe's object, one row for each event. How many
// may wait is bounded by their age alone, because each is given up in the end. So no call reads all of them but `count`:
// an index finds what is due, and another one, which only ordered pipes have, the first event of a group. Each write of
// an event costs two rows, in an ordered pipe up to three.

import { seqsOfFeed, stretchesBefore } from "../store/feed-position.ts";
import type { FeedPositions } from "../store/pipes/pipes.ts";
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
  /** How many wait that lie before these positions; `drop` discards them. */
  before(positions: FeedPositions, drop: boolean): number;
  /** Those behind `after` that nobody asked for, in order of feed and seq. */
  unasked(after: Pick<Retry, "feed" | "seq">, limit: number): Retry[];
  count(): number;
  /** How many of them a person asked for. */
  countAsked(): number;
  /** Those that are due at `now` (ms), the longest due first. `ordered`: of each group only the first. */
  due(now: number, limit: number, ordered: boolean): Retry[];
  /** When the next one is due, ms; null if none waits. */
  nextDue(): number | null;
  /** The next ones first. */
  list(limit: number): Retry[];
  /** Those of the groups of which an event waits; '' is none. */
  waitingGroups(groups: readonly string[]): Set<string>;
  /** The seqs of the first system event that waits of each database's feed. */
  firstSystemEvents(): number[];
  /** Makes all of them due, and gives those that were tried their whole time again. `now`: ms. */
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

const INDEX_DUE = "CREATE INDEX IF NOT EXISTS retries_due ON retries (due, seq)";
const INDEX_GROUPS = "CREATE INDEX IF NOT EXISTS retries_groups ON retries (grp, feed, seq)";

const PUT = `INSERT INTO retries (feed, seq, id, grp, tries, due, reason, asked) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET tries = excluded.tries, due = excluded.due, reason = excluded.reason, asked = max(asked, excluded.asked)`;

/** The first event of each group, so that no other overtakes it. */
const FIRST_OF_GROUP = `NOT EXISTS (
  SELECT 1 FROM retries AS e WHERE e.grp = r.grp AND e.grp <> '' AND (e.feed, e.seq) < (r.feed, r.seq))`;

const DUE_OF_FIRST = "SELECT f.due FROM retries AS f WHERE f.grp = r.grp ORDER BY f.feed, f.seq LIMIT 1";

/**
 * What would be due before the first event of its group waits as long as that one does, so that it is not looked at
 * again and again.
 * ?1: now; ?2: how many of those that are due are looked at.
 */
const POSTPONE = `UPDATE retries AS r SET due = (${DUE_OF_FIRST})
  WHERE r.grp <> '' AND (r.feed, r.seq) IN (SELECT feed, seq FROM retries WHERE due <= ?1 ORDER BY due, seq LIMIT ?2)
    AND (${DUE_OF_FIRST}) > r.due`;

/** How many of those that are due an ordered pipe looks at to find the first of each group. */
const MOST_LOOKED_AT = 1_000;

/** Opens the table in an object's storage. It is made when it is first used, so that a deleted object stays empty. */
export function openRetries({ sql }: Pick<DurableObjectStorage, "sql">): Retries {
  let made = false;
  let hasGroups = false;
  const run = <T>(query: string, ...values: SqlStorageValue[]): T[] => {
    if (!made) for (const statement of [CREATE_TABLE, INDEX_DUE]) sql.exec(statement);
    made = true;
    return sql.exec(query, ...values).toArray() as T[];
  };
  const runInGroups = <T>(query: string, ...values: SqlStorageValue[]): T[] => {
    if (!hasGroups) run(INDEX_GROUPS);
    hasGroups = true;
    return run(query, ...values);
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
    before: (positions, drop) => {
      const those = "retries WHERE feed = ? AND seq >= ? AND seq <= ?";
      let count = 0;
      for (const feed of ["events", "notices"] as const)
        for (const { first, last } of stretchesBefore(positions[feed])) {
          const range = [feed, first, last] as const;
          const n = run<{ n: number }>(`SELECT count(*) AS n FROM ${those}`, ...range)[0]?.n ?? 0;
          if (drop && n > 0) run(`DELETE FROM ${those}`, ...range);
          count += n;
        }
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
    countAsked: () => number("SELECT count(*) AS n FROM retries WHERE asked = 1") ?? 0,
    due: (now, limit, ordered) => {
      const due = `SELECT ${COLUMNS} FROM retries WHERE due <= ? ORDER BY due, seq LIMIT ?`;
      if (!ordered) return run<Retry>(due, now, limit);
      runInGroups(POSTPONE, now, MOST_LOOKED_AT);
      return runInGroups<Retry>(
        `SELECT * FROM (${due}) AS r WHERE ${FIRST_OF_GROUP} ORDER BY due, seq LIMIT ?`,
        now,
        MOST_LOOKED_AT,
        limit,
      );
    },
    nextDue: () => number("SELECT min(due) AS n FROM retries"),
    list: (limit) => run<Retry>(`SELECT ${COLUMNS} FROM retries ORDER BY due, seq LIMIT ?`, limit),
    waitingGroups: (groups) => {
      const asked = [...new Set(groups)].filter((group) => group !== "");
      if (asked.length === 0) return new Set();
      const found = runInGroups<{ grp: string }>(
        `SELECT value AS grp FROM json_each(?) WHERE EXISTS (SELECT 1 FROM retries AS r WHERE r.grp = value)`,
        JSON.stringify(asked),
      );
      return new Set(found.map(({ grp }) => grp));
    },
    firstSystemEvents: () => {
      const first = run<{ n: number }>(
        `SELECT min(seq) AS n FROM retries WHERE feed = 'notices' GROUP BY seq / ${seqsOfFeed(1).beginning}`,
      );
      return first.map(({ n }) => n);
    },
    retryNow: (now) =>
      void run(
        "UPDATE retries SET due = min(due, ?1), tries = min(tries, 1) WHERE due > ?1 OR tries > 1",
        now,
      ),
    forget: () => {
      made = false;
      hasGroups = false;
    },
  };
}
