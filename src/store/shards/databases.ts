// The databases of an environment by their numbers, and what a shard is. Outside of src/store no code uses a database's
// binding by name.

import { bindingOf, wantedShards } from "../../model/storage/shards.ts";
import type { Db } from "../db.ts";

/** One of the databases. */
export interface Shard<D extends Db = Db> {
  /** Its number, from 0 on. Events that it stores first belong to the feed of this number. */
  readonly index: number;
  readonly db: D;
}

/** The databases that the configuration names, in order of their numbers; the first is the home. */
export function databasesOf(env: Pick<Env, "DB">): [Shard<D1Database>, ...Shard<D1Database>[]] {
  const { count } = wantedShards(env);
  const others = Array.from({ length: count - 1 }, (_, before): Shard<D1Database> => {
    const index = before + 1;
    return { index, db: Reflect.get(env, bindingOf(index)) as D1Database };
  });
  return [{ index: 0, db: env.DB }, ...others];
}
