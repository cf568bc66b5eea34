// The databases of a deployment. Each is a shard: it has the whole schema, and all rows about the contacts whose prefix
// (src/model/event-id.ts) it owns. The first one, `DB`, is also the home of what is not about contacts: tokens, pipes and
// their log, dead letters, erasures, removals, jobs. Most deployments have one, which owns all contacts.

import { contactPrefix } from "../model/event-id.ts";
import { bindingOf, ownerOf } from "../model/storage/shards.ts";
import type { Db } from "./db.ts";
import { databasesOf, type Shard } from "./shards/databases.ts";
import { mapOf } from "./shards/map.ts";
import { mistaken } from "./shards/mistaken.ts";

export type { Shard };

/** The databases of a deployment, or sessions of them. */
export interface Shards<D extends Db = Db> {
  /** In order of their numbers; the first is the home. */
  readonly all: readonly Shard<D>[];
  /** The database of what is not about contacts. */
  readonly home: D;
  /** The shard of a contact (the address, normalised), by the map of the prefixes. */
  of(contact: string): Promise<Shard<D>>;
  /** The items by the shards of their contacts. Each item is in one group; there is no empty group. */
  group<T>(items: readonly T[], contactOf: (item: T) => string): Promise<Map<Shard<D>, T[]>>;
}

/** The shards of an environment, always their primaries. */
export function shardsOf(env: Pick<Env, "DB">): Shards<D1Database> {
  return shardsIn(env, databasesOf(env));
}

/** The shards of an environment that lie in these databases or sessions, in order of their numbers; at least one. */
export function shardsIn<D extends Db>(
  env: Pick<Env, "DB">,
  all: readonly [Shard<D>, ...Shard<D>[]],
): Shards<D> {
  const owner = async (): Promise<(contact: string) => Shard<D>> => {
    const map = await mapOf(env);
    return (contact) => {
      const number = ownerOf(map, contactPrefix(contact));
      const shard = all[number];
      if (shard === undefined) throw mistaken(`${bindingOf(number)} is not configured`);
      return shard;
    };
  };
  return {
    all,
    home: all[0].db,
    async of(contact) {
      return (await owner())(contact);
    },
    async group(items, contactOf) {
      const of = await owner();
      return Map.groupBy(items, (item) => of(contactOf(item)));
    },
  };
}
