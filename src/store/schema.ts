// Whether the database has the schema that this code expects, and whether it is the database that the archive belongs
// to. Both are read for /healthz: a database that lacks a migration refuses requests one by one, and one that is empty
// although there is an archive was lost, and knows nobody who must not be mailed.

import { MINUTE } from "../lib/time.ts";
import { isOutage } from "../lib/outage.ts";
import { ACTS, ARCHIVE } from "./bucket/layout.ts";
import type { Db } from "./db.ts";

/** The migrations that this code needs, in order: the files of the folder `migrations`. A test compares the two. */
export const MIGRATIONS: readonly string[] = [
  "0001_events.sql",
  "0002_tokens.sql",
  "0004_statistics.sql",
  "0005_erasure.sql",
  "0006_batches.sql",
  "0007_pipes.sql",
  "0008_jobs.sql",
  "0009_firsts.sql",
  "0010_erasure_mentions.sql",
  "0011_unknown_words.sql",
  "0012_addresses.sql",
  "0013_suppressions.sql",
  "0014_lifecycle.sql",
  "0015_questions.sql",
  "0017_imports.sql",
  "0018_given_up.sql",
  "0019_feed.sql",
  "0020_operation.sql",
  "0021_rebuild.sql",
  "0022_storage.sql",
  "0023_jurisdiction.sql",
  "0024_repeats.sql",
  "0025_shards.sql",
  "0026_slim.sql",
];

/** Migrations that the database lacks, and those that it has and this code does not know. */
export interface SchemaDifference {
  missing: string[];
  unknown: string[];
}

/** Compares the database's migrations with the code's. Null if the database does not say which it has. */
export async function compareSchema(db: Db): Promise<SchemaDifference | null> {
  try {
    // Wrangler's own table: https://developers.cloudflare.com/d1/reference/migrations/
    const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
    const applied = new Set(results.map(({ name }) => name));
    return {
      missing: MIGRATIONS.filter((name) => !applied.has(name)),
      unknown: [...applied].filter((name) => !MIGRATIONS.includes(name)).toSorted(),
    };
  } catch (error) {
    if (isOutage(error)) throw error;
    return null;
  }
}

/** Nothing was ever stored: the last row of the feed stays, also if all events were deleted. */
const NEVER_USED = `
  SELECT NOT EXISTS (SELECT 1 FROM feed) AND NOT EXISTS (SELECT 1 FROM sources)
    AND NOT EXISTS (SELECT 1 FROM contacts) AND NOT EXISTS (SELECT 1 FROM pipes) AS never`;

/** How long a delivery may lie in the archive before the database hears of it, ms. */
const UNDER_WAY = 15 * MINUTE;

/**
 * Whether the database never stored anything although the archive has deliveries for it, or the journal has acts. Of a database in use this reads
 * three rows; only an empty one costs a look into the bucket. `now`: ms.
 */
export async function isLost(db: Db, bucket: R2Bucket, now: number): Promise<boolean> {
  const { results } = await db.prepare(NEVER_USED).all<{ never: 0 | 1 }>();
  if (results[0]?.never !== 1) return false;
  const lists = await Promise.all(
    [ARCHIVE, ACTS].map(async (prefix) => await bucket.list({ prefix, limit: 1 })),
  );
  return lists.flatMap(({ objects }) => objects).some(({ uploaded }) => uploaded.getTime() < now - UNDER_WAY);
}
