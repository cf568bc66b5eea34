// Stores what contacts' objects reported, each state in the database that owns the contact.

import { within } from "../lib/deadline.ts";
import { shardsOf } from "../store/shards.ts";
import { forEach } from "../store/shards/each.ts";
import { fenceOf } from "../store/shards/fence.ts";
import { throwUnwritten, writeByShard } from "../store/shards/write.ts";
import { findPending, storePending, type Pending } from "../store/suppressions/imported.ts";
import type { ContactChange } from "../store/write/rows.ts";
import { NO_ROWS, storeSlice } from "../store/write/slice.ts";

/** Deadline for the databases, ms. */
const DEADLINE = 20_000;

/**
 * Stores states. `taken`: pending suppressions that these states include, by contact and id. Resolves to whether any
 * database changed. Rejects if one of them does not take its part; the same call again stores the rest.
 */
export async function storeChanges(
  env: Env,
  changes: readonly ContactChange[],
  taken: readonly (readonly [contact: string, id: string])[] = [],
): Promise<boolean> {
  const byContact = Map.groupBy(taken, ([contact]) => contact);
  const own = new Map(changes.map((change) => [change.contact, change]));
  const contacts = new Set([...own.keys(), ...byContact.keys()]);
  let written = 0;
  await write(env, [...contacts], String, async ({ db }, some, first) => {
    const contacts = some.flatMap((contact) => own.get(contact) ?? []);
    const ids = some.flatMap((contact) => byContact.get(contact) ?? []);
    written += await storeSlice(db, { ...NO_ROWS, contacts, taken: ids }, first);
  });
  return written > 0;
}

/** Stores imported suppressions of contacts that were unknown. Rejects like {@link storeChanges}. */
export async function storeImported(env: Env, changes: readonly ContactChange[]): Promise<void> {
  await write(
    env,
    changes,
    ({ contact }) => contact,
    async ({ db }, some, first) => await storePending(db, some, first),
  );
}

/** The pending suppressions of these contacts, from their databases. Rejects if one of these does not answer. */
export async function pendingAmong(env: Env, contacts: readonly string[]): Promise<Pending[]> {
  const groups = await shardsOf(env).group(contacts, String);
  const found = forEach([...groups], async ([{ db }, some]) => await findPending(db, some));
  return (await within(DEADLINE, "the database", found)).flat();
}

async function write<T>(
  env: Env,
  items: readonly T[],
  contactOf: (item: T) => string,
  storeIn: (
    shard: { db: D1Database },
    items: readonly T[],
    first: readonly D1PreparedStatement[],
  ) => Promise<void>,
): Promise<void> {
  const isSingle = shardsOf(env).all.length === 1;
  const write = async (shard: { db: D1Database }, some: readonly T[]): Promise<void> => {
    const first = isSingle ? [] : [fenceOf(shard.db, some.map(contactOf))];
    await storeIn(shard, some, first);
  };
  throwUnwritten(await within(DEADLINE, "the database", writeByShard(env, items, { contactOf, write })));
}
