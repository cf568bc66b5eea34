// The real database, except that its size never falls: as D1 tells it if the free pages of the file count.

import { env } from "cloudflare:workers";

/** Takes the place of the binding. Statements without parameters and batches tell the largest size so far. */
export function fileThatStaysLarge(): D1Database {
  let largest = 0;
  const told = <T extends D1Result>(result: T): T => {
    largest = Math.max(largest, result.meta.size_after);
    return { ...result, meta: { ...result.meta, size_after: largest } };
  };
  return new Proxy(env.DB, {
    get(db, name) {
      if (name === "prepare") return (sql: string) => telling(db.prepare(sql), told);
      if (name === "batch")
        return async (all: D1PreparedStatement[]) => (await db.batch(all)).map((result) => told(result));
      const value: unknown = Reflect.get(db, name, db);
      return typeof value === "function" ? (value.bind(db) as unknown) : value;
    },
  });
}

function telling(statement: D1PreparedStatement, told: (result: D1Result) => D1Result): D1PreparedStatement {
  const all = statement.all.bind(statement);
  return Object.assign(statement, { all: async () => told(await all()) });
}
