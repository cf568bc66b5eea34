// The database as a whole: its tables, and how it is emptied.

import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { WRITABLE_EVENTS } from "./writable-events.ts";

type Migrations = Parameters<typeof applyD1Migrations>[1];

const NOT_OURS = "name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'";

/** The names of all tables, that of the migrations included. */
export async function tableNames(): Promise<string[]> {
  const { results } = await env.DB.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND ${NOT_OURS}`,
  ).all<{ name: string }>();
  return results.map(({ name }) => name);
}

/** Drops everything, so that the database has no schema. */
export async function dropSchema(): Promise<void> {
  const { results: views } = await env.DB.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'view' AND ${NOT_OURS}`,
  ).all<{ name: string }>();
  const tables = await tableNames();
  await env.DB.batch([
    ...views.map(({ name }) => env.DB.prepare(`DROP VIEW "${name}"`)),
    ...tables.map((name) => env.DB.prepare(`DROP TABLE "${name}"`)),
  ]);
}

/** Creates the schema of a database. Tests may write to its views. */
export async function createSchema(
  migrations: Migrations = env.TEST_MIGRATIONS,
  db: D1Database = env.DB,
): Promise<void> {
  await applyD1Migrations(db, migrations);
  await db.batch(WRITABLE_EVENTS.map((sql) => db.prepare(sql)));
}
