// The databases of a deployment. Each is a shard: it has the whole schema, and all rows about the contacts whose prefix
// (src/model/event-id.ts) it owns. The first one, `DB`, is also the home of what is not about contacts: tokens, pipes and
// their log, dead letters, erasures, removals, jobs. Today there is one shard, which owns all contacts.

import { contactPrefix } from "../model/event-id.ts";
import { storeOf, type Db } from "./db.ts";

/** One of the databases. */
export interface Shard {
  /** Its number, from 0 on. Events that it stores first belong to the feed of this number. */
  readonly index: number;
  readonly db: Db;
}

/** The databases of a deployment, or sessions of them. */
export interface Shards {
  /** In order of their numbers; the first is the home. */
  readonly all: readonly Shard[];
  /** The database of what is not about contacts. */
  readonly home: Db;
  /** The shard of a contact (the address, normalised), by the map of the prefixes. */
  of(contact: string): Promise<Shard>;
  /** The items by the shards of their contacts. Each item is in one group; there is no empty group. */
  group<T>(items: readonly T[], contactOf: (item: T) => string): Promise<Map<Shard, T[]>>;
}

/** The shards of an environment, always their primaries. */
export function shardsOf(env: Pick<Env, "DB">): Shards {
  return shardsIn([storeOf(env)]);
}

/** The shards that lie in these databases or sessions, in order of their numbers; at least one. */
export function shardsIn(databases: readonly [Db, ...Db[]]): Shards {
  const all = databases.map((db, index): Shard => ({ index, db }));
  const [home] = databases;
  const owner = (_prefix: string): Shard => all[0] ?? { index: 0, db: home };
  return {
    all,
    home,
    of: (contact) => Promise.resolve(owner(contactPrefix(contact))),
    group: (items, contactOf) =>
      Promise.resolve(Map.groupBy(items, (item) => owner(contactPrefix(contactOf(item))))),
  };
}
