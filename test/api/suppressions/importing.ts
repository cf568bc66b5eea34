// Sends lists to /v1/suppressions/import, and shows what became of them.

import { expect } from "vitest";
import { ask, list } from "./asking.ts";

/** A row that the answer names. */
export interface Named {
  line: number;
  reason: string;
}
/** The answer to an import. */
export interface Answer {
  rows: number;
  added: number;
  skipped: number;
  rejected: number;
  reasons: Record<string, number>;
  rejects: Named[];
  skips: Named[];
  estimated: Named[];
  warnings: string[];
  format: { type: string; encoding: string; delimiter: string | null; header: boolean | null };
  columns: { name: string; read_as: string | null }[];
}

/** A body, as text or as bytes. */
export type Body = string | Uint8Array<ArrayBuffer>;

/** Sends a body to import. */
export async function send(body: Body, query = "", type = "text/csv"): Promise<Response> {
  const headers = { "content-type": type };
  return await ask("POST", `/import${query}`, body, { headers });
}

/** Sends a body that must be taken. */
export const taken = async (body: Body, query = "", type = "text/csv"): Promise<Answer> => {
  const answer = await send(body, query, type);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return await answer.json<Answer>();
};

/** Sends JSON that must be taken. */
export const json = async (value: unknown, query = ""): Promise<Answer> =>
  await taken(JSON.stringify(value), query, "application/json");

/** Each suppression in force, as "address reason date". */
export const standing = async (): Promise<string[]> =>
  (await list("?limit=1000")).suppressions
    .map(({ address, reason, since }) => `${address} ${reason} ${since.slice(0, 10)}`)
    .toSorted();

/** Today's date in UTC. */
export const today = (): string => new Date().toISOString().slice(0, 10);
