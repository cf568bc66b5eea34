// Which contacts are suppressed because of hard bounces at one destination, at a certain time.

import type { Db } from "../db.ts";

/**
 * Contacts of a destination whose suppression in force rests on a hard bounce from `since` on and before `until` (ms),
 * the earliest first, at most `limit`.
 */
export async function findHardBounced(
  db: Db,
  { destination, since, until }: { destination: string; since: number; until: number },
  limit: number,
): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT contact FROM suppressions INDEXED BY suppressions_at
       WHERE at >= ?1 AND at < ?2 AND reason = 'hard_bounce' AND destination = ?3 AND by IS NULL
         AND lifted_at IS NULL AND held IS NULL
       ORDER BY at LIMIT ?4`,
    )
    .bind(since, until, destination, limit)
    .all<{ contact: string }>();
  return results.map(({ contact }) => contact);
}
