// Tokens that were made through the API, and when each token was last used. Only a token's digest is stored, never the
// token itself.

import type { TokenScope } from "../model/token-scope.ts";
import type { Db } from "./db.ts";
import { MINUTE } from "../lib/time.ts";

/** A token made through the API. `sha256`: its digest, hexadecimal; `created_by`: a token's name; times in ms. */
export interface TokenRecord {
  sha256: string;
  name: string;
  scopes: TokenScope[];
  created_at: number;
  created_by: string | null;
  /** The sources that it sees; null for all. */
  sources: string[] | null;
  /** When it ends, ms; null if it does not. */
  expires_at: number | null;
}

type Row = Omit<TokenRecord, "scopes" | "sources"> & {
  scopes: string | null;
  sources: string | null;
  last_used_at: number | null;
};

const FIELDS = "sha256, name, scopes, created_at, created_by, sources, expires_at";

/** How exact `last_used_at` is, ms. To note every use would cost a written row each time. */
export const USE_GRAIN = 5 * MINUTE;

/** The token with this digest; null if there is none or it was revoked. */
export async function findToken(db: Db, sha256: string): Promise<TokenRecord | null> {
  const row = await db
    .prepare(`SELECT ${FIELDS} FROM tokens WHERE sha256 = ?1 AND scopes IS NOT NULL`)
    .bind(sha256)
    .first<Row>();
  return row === null ? null : toRecord(row);
}

/** All rows: the tokens made through the API, and those of API_TOKENS that were used, whose `scopes` are empty here. */
export async function listTokens(db: Db): Promise<(TokenRecord & { last_used_at: number | null })[]> {
  const { results } = await db
    .prepare(`SELECT ${FIELDS}, last_used_at FROM tokens ORDER BY created_at, name`)
    .all<Row>();
  return results.map(toRecord);
}

function toRecord<R extends Omit<Row, "last_used_at">>(row: R) {
  const sources = row.sources === null ? null : (JSON.parse(row.sources) as string[]);
  return { ...row, scopes: toScopes(row.scopes), sources };
}

function toScopes(text: string | null): TokenScope[] {
  return text === null || text === "" ? [] : (text.split(",") as TokenScope[]);
}

/** Stores a new token, and returns whether it did: not if the name is taken. */
export async function addToken(db: Db, token: TokenRecord): Promise<boolean> {
  const { meta } = await db
    .prepare(
      `INSERT INTO tokens (sha256, name, scopes, created_at, created_by, sources, expires_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`,
    )
    .bind(
      token.sha256,
      token.name,
      token.scopes.join(","),
      token.created_at,
      token.created_by,
      token.sources === null ? null : JSON.stringify(token.sources),
      token.expires_at,
    )
    .run();
  return meta.changes > 0;
}

/** Revokes the token with this name, and returns whether there was one that was made through the API. */
export async function removeToken(db: Db, name: string): Promise<boolean> {
  const { meta } = await db
    .prepare("DELETE FROM tokens WHERE name = ?1 AND scopes IS NOT NULL")
    .bind(name)
    .run();
  return meta.changes > 0;
}

/**
 * Notes a use at `now` (ms), at most once every {@link USE_GRAIN}. A token that was revoked meanwhile stays revoked.
 */
export async function noteUse(
  db: Db,
  { sha256, name, configured }: { sha256: string; name: string; configured: boolean },
  now: number,
): Promise<void> {
  const sql = configured
    ? `INSERT INTO tokens (sha256, name, created_at, last_used_at) VALUES (?1, ?2, ?3, ?3)
       ON CONFLICT (sha256) DO UPDATE SET last_used_at = excluded.last_used_at
       WHERE last_used_at < excluded.last_used_at - ${USE_GRAIN}`
    : `UPDATE tokens SET last_used_at = ?3 WHERE sha256 = ?1 AND name = ?2
       AND coalesce(last_used_at, 0) < ?3 - ${USE_GRAIN}`;
  await db.prepare(sql).bind(sha256, name, now).run();
}
