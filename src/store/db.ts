// The way into the database. Outside of src/store no code uses its binding by name, so that the events may one day lie
// in several databases.

/** The database itself, or a session of it, which may read from a replica near the reader. */
export type Db = Pick<D1Database, "prepare" | "batch">;

/** The database of an environment, always its primary. */
export function storeOf(env: Pick<Env, "DB">): D1Database {
  return env.DB;
}
