// Losing the database, whole or with everything but the bucket, and rebuilding it.

import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { createSchema, dropSchema } from "../support/database.ts";
import { askApi, envWith, read } from "../support/support.ts";

/** An empty database with all migrations. Objects and bucket stay. */
export async function loseDatabase(): Promise<void> {
  await dropSchema();
  await createSchema();
}

/** Only the bucket is left: database and objects are empty. */
export async function loseAllButBucket(): Promise<void> {
  const { objects } = await env.BUCKET.list();
  const kept = await Promise.all(
    objects.map(async ({ key }) => ({ key, bytes: await (await env.BUCKET.get(key))?.arrayBuffer() })),
  );
  await reset();
  await createSchema();
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
