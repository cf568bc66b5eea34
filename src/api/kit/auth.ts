// Authentication and authorisation by bearer tokens. They are compared by their digests, so that what is stored gives
// no access.

import { createMiddleware } from "hono/factory";
import { configOf } from "../../config/config.ts";
import { digestOf } from "../../config/tables.ts";
import { cappedCache } from "../../lib/capped-cache.ts";
import { describeError } from "../../lib/outage.ts";
import { callerOf, countGuess, WAIT } from "../../ingest/guesses.ts";
import { allows, type TokenScope } from "../../model/token-scope.ts";
import { storeOf, type Db } from "../../store/db.ts";
import { findToken, noteUse, USE_GRAIN } from "../../store/tokens.ts";
import { type ApiEnv } from "./env.ts";
import { problem } from "./problem.ts";

interface Known {
  name: string;
  scopes: readonly TokenScope[];
  /** The sources that it sees; null for all. */
  sources: readonly string[] | null;
  /** When it ends, ms; null if it does not. */
  expiresAt: number | null;
  /** Whether it comes from the secret API_TOKENS; else it was made through the API. */
  configured: boolean;
}

/** For how long an isolate accepts a token of the API without asking the database again, ms. */
const TOKEN_TTL = 30_000;
const MOST_BELIEVED = 1_000;
const tokenCache = cappedCache<{ known: Known; until: number }>(MOST_BELIEVED);
/** When this isolate last noted a token's use, ms. */
const noted = cappedCache<number>(MOST_BELIEVED);

/**
 * Lets requests with a valid token pass, and sets `token`. Others get 401 or, after many wrong tokens from one address,
 * 429. A token that is revoked through the API stops working within half a minute.
 */
export const authenticated = createMiddleware<ApiEnv>(async (c, next) => {
  const shown = bearerOf(c.req.header("authorization"));
  if (shown === null) return unauthorized();
  const sha256 = digestOf(shown);
  const remembered = recall(c.env, sha256);
  // Guesses are counted before the database is asked, so that not even the counted ones reach it.
  if (remembered === null && (await countGuess(c.env.WRONG_TOKENS, callerOf(c.req.raw.headers))))
    return limited();
  const known = remembered?.known ?? (MADE_HERE.test(shown) ? await find(c.var.db, sha256) : null);
  if (known === null) return unauthorized();
  if (hasEnded(known, Date.now())) return ended(known);
  c.set("token", known);
  const now = Date.now();
  if (now - (noted.get(sha256) ?? 0) > USE_GRAIN) {
    noted.set(sha256, now);
    const use = noteUse(storeOf(c.env), { sha256, ...known }, now);
    c.executionCtx.waitUntil(
      use.catch((error: unknown) =>
        console.warn({ message: "a use was not noted", ...describeError(error) }),
      ),
    );
  }
  return await next();
});

/** The token in an Authorization header; null if it holds none. */
export function bearerOf(authorization: string | undefined): string | null {
  return /^bearer (\S+)$/i.exec(authorization ?? "")?.[1] ?? null;
}

/** The form of tokens that the API makes. Others can only be configured. */
const MADE_HERE = /^tid_[\w-]{43}$/;

/**
 * What this isolate knows of a token. `known` is null if it was right some time ago and must be asked for again; such a
 * token is no guess. Null if nothing is known.
 */
function recall(env: Env, sha256: string): { known: Known | null } | null {
  const configured = configOf(env).tokens.get(sha256);
  if (configured !== undefined) return { known: { ...configured, configured: true } };
  const before = tokenCache.get(sha256);
  return before === undefined ? null : { known: before.until > Date.now() ? before.known : null };
}

async function find(db: Db, sha256: string): Promise<Known | null> {
  const made = await findToken(db, sha256);
  if (made === null) {
    tokenCache.delete(sha256);
    return null;
  }
  const known: Known = {
    name: made.name,
    scopes: made.scopes,
    sources: made.sources,
    expiresAt: made.expires_at,
    configured: false,
  };
  tokenCache.set(sha256, { known, until: Date.now() + TOKEN_TTL });
  return known;
}

/** The limit forgets after a minute, which is enough against guessing 256 bits. */
function limited(): Response {
  return problem(429, "Too many wrong tokens from this address; try again in a minute.", {
    headers: { "retry-after": WAIT },
  });
}

function unauthorized(
  detail = "Send a token as `Authorization: Bearer <token>`; the README says where tokens come from.",
): Response {
  return problem(401, detail, { headers: { "www-authenticate": 'Bearer realm="tidings"' } });
}

/** Whether a token has ended. `now`: ms. */
export function hasEnded({ expiresAt }: Pick<Known, "expiresAt">, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}

function ended({ name, expiresAt }: Known): Response {
  const when = new Date(expiresAt ?? 0).toISOString();
  return unauthorized(`The token ${name} ended at ${when}. Ask for another one.`);
}

/** Answers 403 unless the token has this scope or one that includes it. */
export function needsScope(scope: TokenScope) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    if (allows(c.var.token.scopes, scope)) return await next();
    return problem(403, `This takes a token with the scope "${scope}".`);
  });
}
