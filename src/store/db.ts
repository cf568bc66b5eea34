// What reads and writes go through: the database itself, or a session that may read from a replica near the reader.

export type Db = Pick<D1Database, "prepare" | "batch">;
