// The real database with a record of its use: the texts of all statements, and the numbers of rows that batches read
// and wrote.

import { env } from "cloudflare:workers";

/** A database that records its use. */
export interface CountingDb {
  /** Takes the place of the binding. */
  db: D1Database;
  /** Every statement that was prepared, in order, repeats included. */
  asked: string[];
  /** Rows that batches read and wrote; tests may reset them. */
  read: number;
  written: number;
}

/** `sessions`: whether statements of sessions are counted, too; otherwise sessions are the database's own. */
export function countingDb({ sessions = true } = {}): CountingDb {
  const account = { asked: [] as string[], read: 0, written: 0 };
  const counted = {
    prepare: (sql: string) => (account.asked.push(sql), env.DB.prepare(sql)),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await env.DB.batch(statements);
      for (const { meta } of results) {
        account.read += meta.rows_read;
        account.written += meta.rows_written;
      }
      return results;
    },
  };
  const withSession = (...args: Parameters<D1Database["withSession"]>): unknown =>
    sessions ? { ...counted, getBookmark: () => null } : env.DB.withSession(...args);
  return Object.assign(account, { db: { ...counted, withSession } as unknown as D1Database });
}
