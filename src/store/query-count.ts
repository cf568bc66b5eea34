// Counts the queries of a long run: D1 allows a thousand in one invocation
// (https://developers.cloudflare.com/d1/platform/limits/), so that a run which goes on and on has to end before.

/** How many statements were prepared since the count was last set to 0. */
export interface QueryCount {
  queries: number;
}

/** The names of the databases' bindings. */
const DATABASE = /^DB(?:_\d+)?$/;

/** The bindings with databases that count their statements. Each statement is taken to run once. */
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
  const known = new WeakMap<D1Database, D1Database>();
  const counted = (db: D1Database): D1Database => {
    const one = known.get(db) ?? database(db);
    known.set(db, one);
    return one;
  };
  const own = new Proxy(env, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      const isDatabase = typeof name === "string" && DATABASE.test(name) && value !== undefined;
      return isDatabase ? counted(value as D1Database) : value;
    },
  });
  return { env: own, count };
}
