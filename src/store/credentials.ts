// When each credential of a source last proved a request. Credentials are known by their fingerprints alone. A source
// has few, so the table stays small, and an hour passes before a row is written again.

import { HOUR } from "../lib/time.ts";
import type { Db } from "./db.ts";

/** A request that a credential proved. `credential`: its fingerprint; `at`: when the request was received, ms. */
export interface CredentialUse {
  source: string;
  credential: string;
  at: number;
}

/** How exact the stored times are, ms. To note every use would cost a written row each time. */
export const CREDENTIAL_GRAIN = HOUR;

const NOTE = `
  INSERT INTO source_credentials (source, credential, last_used_at)
  SELECT value->>0, value->>1, max(value->>2) FROM json_each(?1) WHERE true GROUP BY 1, 2
  ON CONFLICT DO UPDATE SET last_used_at = excluded.last_used_at
  WHERE excluded.last_used_at >= last_used_at + ${CREDENTIAL_GRAIN}`;

/** Notes uses of credentials, each at most once an hour. */
export async function noteCredentialUses(db: D1Database, uses: readonly CredentialUse[]): Promise<void> {
  const rows = uses.map(({ source, credential, at }) => [source, credential, at]);
  await db.prepare(NOTE).bind(JSON.stringify(rows)).run();
}

/** When each credential of a source last proved a request, ms, by fingerprint. */
export async function credentialUses(db: Db, source: string): Promise<Map<string, number>> {
  const { results } = await db
    .prepare("SELECT credential, last_used_at FROM source_credentials WHERE source = ?1")
    .bind(source)
    .all<{ credential: string; last_used_at: number }>();
  return new Map(results.map((row) => [row.credential, row.last_used_at]));
}
