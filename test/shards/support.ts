// What the suites of several databases share: contacts by the database that owns them, and bindings that are not as they
// should be.

import { env } from "cloudflare:workers";
import { contactPrefix } from "../../src/model/event-id.ts";
import { divideEvenly, isWithin } from "../../src/model/storage/shards.ts";
import { databases } from "../support/merged.ts";
import { envWith, mailjetEvent, mailjetPost, messagesOf, send } from "../support/support.ts";

/** The number of databases of this run. */
export const SHARDS = databases().length;

/** The n-th contact, from 0 on, that a database owns by the even division. */
export function contactOf(shard: number, n = 0): string {
  const range = divideEvenly(SHARDS).slice(shard, shard + 1);
  for (let i = 0, left = n; ; i++) {
    const contact = `person-${i}@example.com`;
    if (isWithin(range, contactPrefix(contact)) && left-- === 0) return contact;
  }
}

/** A binding that an isolate has not seen yet, of the same database. `fail`: called before each transaction. */
export function newly(db: D1Database, fail: () => void = () => {}): D1Database {
  return new Proxy(db, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (name === "batch") fail();
        return Reflect.apply(value, from, args);
      };
    },
  });
}

/** Bindings with other databases behind the names; those that are undefined are not bound. */
export function bound(changes: Record<string, unknown>): Env {
  return envWith(changes);
}

/** Bindings as a new isolate meets them. */
export function newIsolate(changes: Record<string, unknown> = {}): Env {
  return bound({ DB: newly(env.DB), ...changes });
}

/** Takes back that the databases were set up. */
export async function untouched(): Promise<void> {
  for (const db of databases())
    await db.batch(
      ["shard", "owned", "shard_map", "feed", "notices", "counting"].map((table) =>
        db.prepare(`DELETE FROM ${table}`),
      ),
    );
  for (const db of databases()) await db.prepare("INSERT INTO counting (one, position) VALUES (1, 0)").run();
}

/** The database with this number. */
export function databaseOf(shard: number): D1Database {
  const db = databases()[shard];
  if (db === undefined) throw new Error(`there is no database ${shard}`);
  return db;
}

/** All rows of a query to one database. */
export async function rowsIn<T = Record<string, unknown>>(shard: number, sql: string): Promise<T[]> {
  return (await databaseOf(shard).prepare(sql).all<T>()).results;
}

/** The contacts that a database has events of, each as often as it has events. */
export async function contactsIn(shard: number): Promise<string[]> {
  const found = await rowsIn<{ contact: string }>(shard, "SELECT contact FROM events ORDER BY contact");
  return found.map(({ contact }) => contact);
}

let mail = 0;
/** A delivery with an event of each of these contacts. */
export async function deliveryOf(
  contacts: readonly string[],
  more: Record<string, unknown> = {},
): Promise<Uint8Array> {
  const events = contacts.map((email) => mailjetEvent({ email, MessageID: ++mail, ...more }));
  const [message] = await messagesOf(mailjetPost(JSON.stringify(events)));
  return message ?? new Uint8Array(0);
}

/** What /healthz says. */
export async function health(bindings: Env): Promise<{
  status: number;
  problems: { setting: string; reason: string }[];
  database: string;
  database_hint: string | null;
}> {
  const answer = await send(new Request("https://edge.example/healthz"), bindings);
  return { ...(await answer.json<Awaited<ReturnType<typeof health>>>()), status: answer.status };
}
