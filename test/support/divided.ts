// The same reports twice: in one database, and divided by contact over three. Each contact's reports go the whole way
// through the consumer into the contact's database, so that rows, feeds and counters are those of a real one.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import type { Shard, Shards } from "../../src/store/shards.ts";
import { COUNT_REST } from "../../src/store/write/counting.ts";
import { requestOf, type Told } from "../api/stats/told.ts";
import { createSchema } from "./database.ts";
import { askApi, deliver, envWith, freshStorage, messagesOf } from "./support.ts";

/** The three databases that share the contacts. */
export const parts = (): readonly D1Database[] => [env.DB, env.TEST_DB_1, env.TEST_DB_2];

/** Empties all storage, and creates the schema in all databases. */
export async function freshDatabases(): Promise<void> {
  const further = [env.TEST_DB_1, env.TEST_DB_2, env.TEST_DB_ALL];
  await Promise.all(further.map(async (db) => await db.prepare("SELECT 1").run()));
  await freshStorage();
  for (const db of further) await createSchema(env.TEST_MIGRATIONS, db);
}

/** Which of the three databases owns a contact. */
export type Division = (contact: string) => number;

/** Any division of contacts over three databases. */
export const divisions: fc.Arbitrary<Division> = fc
  .array(fc.nat(2), { minLength: 11, maxLength: 11 })
  .map((owners) => (contact) => {
    const sum = Array.from(contact, (letter) => letter.codePointAt(0) ?? 0).reduce((a, b) => a + b, 0);
    return owners[sum % owners.length] ?? 0;
  });

/** The databases in this order as shards, by a division. */
export function shardsBy(division: Division, databases: readonly Shard["db"][] = parts()): Shards {
  const all = databases.map((db, index): Shard => ({ index, db }));
  const [first] = all;
  if (first === undefined) throw new Error("there is no database");
  const owner = (contact: string): Shard => all[division(contact)] ?? first;
  return {
    all,
    home: first.db,
    of: (contact) => Promise.resolve(owner(contact)),
    group: (items, contactOf) => Promise.resolve(Map.groupBy(items, (item) => owner(contactOf(item)))),
  };
}

/** The database that has everything, as the only one. */
export const undivided = (): Shards => shardsBy(() => 0, [env.TEST_DB_ALL]);

/** The bindings of an edge with only this database, and objects of its own. */
export function edgeOf(db: D1Database): Env {
  const names = [...parts(), env.TEST_DB_ALL];
  const contacts = new Proxy(env.CONTACTS, {
    get(target, name) {
      if (name === "getByName")
        return (contact: string) => target.getByName(`${contact} in ${names.indexOf(db)}`);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return envWith({ DB: db, CONTACTS: contacts });
}

/** Sends events in deliveries of `size` to the one database, and each to that of its contact. */
export async function tellBoth(events: readonly Told[], division: Division, size = 100): Promise<void> {
  for (let first = 0; first < events.length; first += size) {
    const some = events.slice(first, first + size);
    await tellOne(some, env.TEST_DB_ALL);
    for (const [index, db] of parts().entries())
      await tellOne(
        some.filter(({ contact }) => division(contact) === index),
        db,
      );
  }
}

async function tellOne(events: readonly Told[], db: D1Database): Promise<void> {
  const messages = await messagesOf(...requestOf(events, "mailjet"), ...requestOf(events, "generic"));
  if (messages.length > 0) await deliver(messages, edgeOf(db));
}

/** A command about a contact, to the one database and to that of the contact. */
export async function commandBoth(
  { method, path, body }: { method: string; path: string; body?: unknown },
  contact: string,
  division: Division,
): Promise<void> {
  for (const db of [env.TEST_DB_ALL, parts()[division(contact)] ?? env.DB]) {
    const answer = await askApi(method, path, body, edgeOf(db));
    if (answer.status >= 500) throw new Error(await answer.text());
    await answer.text();
  }
}

/** Counts what is not counted yet, in the databases that `which` chooses; in the others it stays the uncounted tail. */
export async function countSome(which: readonly boolean[]): Promise<void> {
  for (const [i, db] of [...parts(), env.TEST_DB_ALL].entries())
    if (which[i] === true) await db.batch(COUNT_REST.map((sql) => db.prepare(sql)));
}

/** All items of a list that is read page by page; fails if it never ends. */
export async function allPages<T, C>(
  page: (after: C | undefined) => Promise<{ items: readonly T[]; next: C | null }>,
): Promise<T[]> {
  const items: T[] = [];
  let after: C | undefined;
  for (let pages = 0; pages < 500; pages++) {
    const { items: some, next } = await page(after);
    items.push(...some);
    if (next === null) return items;
    after = next;
  }
  throw new Error("the pages never end");
}
