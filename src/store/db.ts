// The way into the database: outside of src/store nothing reaches a binding of it by name, so that the events may one day
// lie in several databases.

/** What reads and writes go through: the database itself, or a session that may read from a replica near the reader. */
export type Db = Pick<D1Database, "prepare" | "batch">;

/** The database of an environment, always its primary. */
export function storeOf(env: Pick<Env, "DB">): D1Database {
  return env.DB;
}

/**
 * A session of the database. `bookmark`: the session reads at least what an earlier one with that bookmark saw;
 * "first-unconstrained" reads from any replica, "first-primary" from the primary first.
 */
export function sessionOf(env: Pick<Env, "DB">, bookmark: string): D1DatabaseSession {
  return env.DB.withSession(bookmark);
}
