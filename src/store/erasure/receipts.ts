// Lists of requests to erase or to remove: receipts are kept for good, so they are read page by page.

import type { Db } from "../db.ts";
import type { Erasure } from "./erasures.ts";
import type { Removal } from "./removals.ts";

/** The rows of each table of requests. */
interface Requests {
  erasures: Erasure;
  removals: Removal;
}

/** Requests of a table, the latest first, behind the one with the id `before`. `next`: null at the end. */
export async function latestFirst<Table extends keyof Requests>(
  db: Db,
  table: Table,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<{ items: Requests[Table][]; next: string | null }> {
  const { results } = await db
    .prepare(`SELECT * FROM ${table} WHERE id < ?1 ORDER BY id DESC LIMIT ?2`)
    .bind(before ?? "~", limit + 1)
    .all<Requests[Table]>();
  const items = results.slice(0, limit);
  return { items, next: results.length > limit ? (items.at(-1)?.id ?? null) : null };
}
