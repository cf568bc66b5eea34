// What lies between two histories: an empty storage. Objects are evicted as the platform evicts them, too.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { World } from "./world.ts";

/**
 * Every table of ours, whatever migrations add; pipes first, because triggers write notices only where there are pipes.
 */
const TABLES = `
  SELECT name FROM sqlite_master
  WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
    AND name <> 'd1_migrations'
  ORDER BY name <> 'pipes', name
`;

/** Empties what an earlier history has left. */
export async function forget({ contacts }: World): Promise<void> {
  const { results } = await env.DB.prepare(TABLES).all<{ name: string }>();
  await env.DB.batch(results.map(({ name }) => env.DB.prepare(`DELETE FROM ${name}`)));
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

export async function evict(contact: string): Promise<void> {
  // One that is not running has been evicted already, and says so by failing.
  await evictDurableObject(env.CONTACTS.getByName(contact)).catch((error: unknown) => {
    if (!String(error).includes("not currently running")) throw error;
  });
}
