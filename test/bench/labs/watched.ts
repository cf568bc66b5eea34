// A database that tells what its transactions spend: what the caller waits for them, what D1 says that they took inside,
// and the rows that it would bill. A statement outside of a transaction goes by unseen; storing has none that counts.

/** What transactions spent. */
export interface Spent {
  /** ms that the caller waited for them */
  database: number;
  /** ms inside of D1, as it tells itself: https://developers.cloudflare.com/d1/worker-api/return-object/ */
  duration: number;
  /** Rows written, as D1 bills them. */
  rows: number;
}

export const NOTHING_SPENT: Readonly<Spent> = { database: 0, duration: 0, rows: 0 };

export interface WatchedDatabase {
  DB: Pick<D1Database, "prepare" | "batch">;
  /** Counts up until somebody sets it back. */
  spent: Spent;
}

export function watchDatabase(db: D1Database): WatchedDatabase {
  const spent: Spent = { ...NOTHING_SPENT };
  const DB = {
    prepare: (sql: string) => db.prepare(sql),
    batch: async <T = unknown>(statements: D1PreparedStatement[]) => {
      const began = performance.now(); // the clock stands where the last answer of an object or the bucket came
      const results = await db.batch<T>(statements);
      spent.database += performance.now() - began;
      for (const { meta } of results) {
        spent.duration += meta.duration;
        spent.rows += meta.rows_written;
      }
      return results;
    },
  };
  return { DB, spent };
}
