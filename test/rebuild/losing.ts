// Losing the database, whole or with everything but the bucket, and rebuilding it.

import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { askApi, envWith, read, rows } from "../support/support.ts";

/** An empty database with all migrations. Objects and bucket stay. */
export async function loseDatabase(): Promise<void> {
  const tables = await rows<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'",
  );
  await env.DB.batch(tables.map(({ name }) => env.DB.prepare(`DROP TABLE ${name}`)));
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
}

/** Only the bucket is left: database and objects are empty. */
export async function loseAllButBucket(): Promise<void> {
  const { objects } = await env.BUCKET.list();
  const kept = await Promise.all(
    objects.map(async ({ key }) => ({ key, bytes: await (await env.BUCKET.get(key))?.arrayBuffer() })),
  );
  await reset();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  for (const { key, bytes } of kept) await env.BUCKET.put(key, bytes ?? new ArrayBuffer(0));
}

/** A rebuild as the API shows it. */
export interface Shown {
  status: string;
  phase: string;
  restored: Record<string, number>;
  skipped: number;
}

/** One request for the rebuild. */
export const ask = async (bindings = envWith()): Promise<Response> =>
  await askApi("POST", "/v1/storage/rebuild", undefined, bindings);

/** Rebuilds to the end. */
export async function rebuild(): Promise<Shown> {
  for (;;) {
    const response = await ask();
    expect(response.status, await response.clone().text()).toBe(200);
    const shown = await response.json<Shown>();
    if (shown.status === "done") return shown;
  }
}

/** An answer of the API to a question. */
export async function answer(path: string): Promise<unknown> {
  const response = await read(path);
  return response.status === 200 ? await response.json() : response.status;
}

/** The suppression of each address, as a sender asks for it. */
export async function checked(addresses: readonly string[]): Promise<(string | null)[]> {
  const response = await askApi("POST", "/v1/suppressions/check", { addresses });
  const told = await response.json<{ addresses: { suppressed: boolean; reason?: string | null }[] }>();
  return told.addresses.map(({ suppressed, reason }) => (suppressed ? (reason ?? "yes") : null));
}
