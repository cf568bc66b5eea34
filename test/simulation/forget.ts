// Empties all storage between two histories. Objects are evicted, as the platform evicts them.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { World } from "./world.ts";

/**
 * All of our tables, including those of future migrations; pipes first, because triggers write system events only if
 * there are pipes.
 */
const TABLES = `
  SELECT name FROM sqlite_master
  WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
    AND name <> 'd1_migrations'
  ORDER BY name <> 'pipes', name
`;

/** Deletes all rows, and runs `then` in the same transaction. */
export async function emptyDatabase(then: readonly D1PreparedStatement[] = []): Promise<void> {
  const { results } = await env.DB.prepare(TABLES).all<{ name: string }>();
  // Numbers begin again, too: a search in the feed takes more steps, the higher they are.
  const statements = [...results.map(({ name }) => `DELETE FROM ${name}`), "DELETE FROM sqlite_sequence"];
  await env.DB.batch([...statements.map((sql) => env.DB.prepare(sql)), ...then]);
}

/** Deletes everything that an earlier history has left. */
export async function forget({ contacts }: World): Promise<void> {
  await emptyDatabase();
  for (;;) {
    const { objects } = await env.BUCKET.list();
    if (objects.length === 0) break;
    await env.BUCKET.delete(objects.map(({ key }) => key));
  }
  for (const contact of contacts) {
    const object = env.CONTACTS.getByName(contact);
    await runInDurableObject(object, async (_instance, { storage }) => await storage.deleteAll());
    await evict(contact);
  }
}

/** Evicts a contact's object from memory. */
export async function evict(contact: string): Promise<void> {
  // The call fails for an object that is not running, because that has already been evicted.
  await evictDurableObject(env.CONTACTS.getByName(contact)).catch((error: unknown) => {
    if (!String(error).includes("not currently running")) throw error;
  });
}
