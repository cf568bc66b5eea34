// Suppressions whose end has come, but whose row does not say so yet.

import type { Db } from "../db.ts";

/** The last row of a page. */
export type EndsCursor = [expires_at: number, contact: string];

/** Suppressions that ended until `now` (ms), behind the row `after`, the earliest first, at most `limit`. */
export async function endedSuppressions(
  db: Db,
  now: number,
  after: EndsCursor,
  limit: number,
): Promise<{ expires_at: number; contact: string }[]> {
  const { results } = await db
    .prepare(
      `SELECT expires_at, contact FROM suppressions INDEXED BY suppressions_expiring
       WHERE expires_at IS NOT NULL AND lifted_at IS NULL AND expires_at <= ?1 AND (expires_at, contact) > (?2, ?3)
       ORDER BY expires_at, contact LIMIT ?4`,
    )
    .bind(now, ...after, limit)
    .all<{ expires_at: number; contact: string }>();
  return results;
}
