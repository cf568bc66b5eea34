// Counts the queries of a long run: D1 allows a thousand in one invocation
// (https://developers.cloudflare.com/d1/platform/limits/), so that a run which goes on and on has to end before.

/** How many statements were prepared since the count was last set to 0. */
export interface QueryCount {
  queries: number;
}

/** The bindings with a database that counts its statements. Each statement is taken to run once. */
export function countQueries(env: Env): { env: Env; count: QueryCount } {
  const count: QueryCount = { queries: 0 };
  const database = (db: D1Database): D1Database =>
    new Proxy(db, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          if (name === "prepare") count.queries += 1;
          return Reflect.apply(value, target, args);
        };
      },
    });
  let known: { from: D1Database; counted: D1Database } | null = null;
  const counted = (db: D1Database): D1Database => {
    if (known?.from !== db) known = { from: db, counted: database(db) };
    return known.counted;
  };
  const own = new Proxy(env, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return name === "DB" ? counted(value as D1Database) : value;
    },
  });
  return { env: own, count };
}
