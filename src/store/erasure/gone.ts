// For those who keep a copy of the suppressions: which of their addresses were erased. The order of change cannot tell
// them, because an erased address is stored nowhere. So the reader, who still has the addresses, asks; they are compared
// by their keyed hashes.

import { firstIdAt } from "../../lib/time-id.ts";
import { DAY } from "../../lib/time.ts";
import type { Db } from "../db.ts";
import { hashesOf } from "./erased.ts";

/** For how long an erasure can be told, ms: then its hash is forgotten, unless a suppression still needs it. */
export const TOLD_FOR = 35 * DAY;

/**
 * When the latest erasure of the last 35 days took effect, ms; null if none did. It changes with each erasure, which is
 * how a reader learns that there was one. `now`: ms.
 */
export async function lastErasure(db: Db, now: number): Promise<number | null> {
  // Erasures that are under way may have begun earlier.
  return await db
    .prepare(
      `SELECT max(erased_at) AS at FROM (
         SELECT erased_at FROM erasures WHERE id >= ?1 AND begun = 1
         UNION ALL SELECT erased_at FROM erasures WHERE contact IS NOT NULL AND begun = 1)`,
    )
    .bind(firstIdAt(now - TOLD_FOR))
    .first<number>("at");
}

/**
 * When each of these normalised addresses was erased, ms, as far as that is known. Addresses whose state was stored
 * again since are left out: the order of change tells them.
 */
export async function erasedAmong(
  db: Db,
  bucket: R2Bucket,
  addresses: readonly string[],
): Promise<Map<string, number>> {
  const hashes = await hashesOf(bucket, addresses);
  if (hashes.size === 0) return new Map();
  const { results } = await db
    .prepare(
      `SELECT h.value->>1 AS address, max(e.erased_at) AS at FROM json_each(?1) AS h
       CROSS JOIN erasures AS e ON e.hash = h.value->>0 AND e.begun = 1
       WHERE NOT EXISTS (SELECT 1 FROM contacts AS c WHERE c.contact = h.value->>1) GROUP BY 1`,
    )
    .bind(JSON.stringify([...hashes]))
    .all<{ address: string; at: number }>();
  return new Map(results.map(({ address, at }) => [address, at]));
}
