// The events of a pipe that failed alone, each with its own waits: a table in the pipe's object, one row an event.

import { readSeqs } from "../store/events/events.ts";
import { readSystemEventSeqs } from "../store/pipes/system-events.ts";
import { eventRow, systemEventRow, type Row } from "./rows.ts";

/** One event that waits. `due`: ms; `tries`: how often it was tried. */
export interface Retry {
  feed: "events" | "notices";
  seq: number;
  id: string;
  /** What must not overtake it: the beginning of its contact's ids; '' where it is of nobody. */
  grp: string;
  tries: number;
  due: number;
  reason: string;
  /** Whether a person asked for it: then it may have been delivered before. */
  asked: 0 | 1;
}

const COLUMNS = "feed, seq, id, grp, tries, due, reason, asked";

/** Of each contact only what comes first, so that nothing overtakes it. */
const FIRST_OF_GROUP = `NOT EXISTS (
  SELECT 1 FROM retries AS e WHERE e.grp = r.grp AND e.grp <> '' AND (e.feed < r.feed OR (e.feed = r.feed AND e.seq < r.seq)))`;

export class Retries {
  readonly #sql: SqlStorage;
  #laid = false;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  #run<T extends Record<string, SqlStorageValue>>(query: string, ...values: SqlStorageValue[]): T[] {
    // With the first use, so that a deleted object stays empty.
    if (!this.#laid) {
      this.#sql.exec(
        `CREATE TABLE IF NOT EXISTS retries (
           feed TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, grp TEXT NOT NULL, tries INTEGER NOT NULL,
           due INTEGER NOT NULL, reason TEXT NOT NULL, asked INTEGER NOT NULL, PRIMARY KEY (feed, seq)) WITHOUT ROWID`,
      );
      this.#laid = true;
    }
    return this.#sql.exec<T>(query, ...values).toArray();
  }

  #number(query: string): number | null {
    return this.#run<{ n: number | null }>(query)[0]?.n ?? null;
  }

  /** The object's storage was emptied. */
  forget(): void {
    this.#laid = false;
  }

  /** Adds an event, or says of one that is there when it is tried next. */
  put({ feed, seq, id, grp, tries, due, reason, asked }: Retry): void {
    this.#run(
      `INSERT INTO retries (feed, seq, id, grp, tries, due, reason, asked) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET tries = excluded.tries, due = excluded.due, reason = excluded.reason`,
      feed,
      seq,
      id,
      grp,
      tries,
      due,
      reason,
      asked,
    );
  }

  drop({ feed, seq }: Pick<Retry, "feed" | "seq">): void {
    this.#run("DELETE FROM retries WHERE feed = ? AND seq = ?", feed, seq);
  }

  count(): number {
    return this.#number("SELECT count(*) AS n FROM retries") ?? 0;
  }

  /** Those whose time has come (`now`: ms), the longest due first. */
  due(now: number, limit: number, ordered: boolean): Retry[] {
    return this.#run(
      `SELECT ${COLUMNS} FROM retries AS r WHERE due <= ? ${ordered ? `AND ${FIRST_OF_GROUP}` : ""} ORDER BY due, seq LIMIT ?`,
      now,
      limit,
    ) as unknown as Retry[];
  }

  /** When the next one's time comes, ms; null where none waits. */
  nextDue(ordered: boolean): number | null {
    const heads = ordered ? `WHERE ${FIRST_OF_GROUP}` : "";
    return this.#number(`SELECT min(due) AS n FROM retries AS r ${heads}`);
  }

  list(limit: number): Retry[] {
    return this.#run(`SELECT ${COLUMNS} FROM retries ORDER BY due, seq LIMIT ?`, limit) as unknown as Retry[];
  }

  /** Groups of which something waits. */
  groups(): Set<string> {
    return new Set(this.#run<{ grp: string }>("SELECT DISTINCT grp FROM retries").map(({ grp }) => grp));
  }

  /** The first notice that waits; null for none. */
  firstNotice(): number | null {
    return this.#number("SELECT min(seq) AS n FROM retries WHERE feed = 'notices'");
  }

  /** Lets all of them be tried at once. `now`: ms. */
  retryNow(now: number): void {
    this.#run("UPDATE retries SET due = ? WHERE due > ?", now, now);
  }

  /** What they are, as far as it is still stored. */
  async read(db: D1Database, retries: readonly Retry[]): Promise<Row[]> {
    const of = (feed: Retry["feed"]): number[] =>
      retries.flatMap((one) => (one.feed === feed ? [one.seq] : []));
    const [events, notices] = [of("events"), of("notices")];
    const [stored, told] = await Promise.all([
      events.length > 0 ? readSeqs(db, events) : [],
      notices.length > 0 ? readSystemEventSeqs(db, notices) : [],
    ]);
    return [...stored.map(eventRow), ...told.map(systemEventRow)];
  }
}
