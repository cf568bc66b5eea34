// Shared secrets: basic auth, bearer tokens, ?token=. Compared in constant time, all of them every time, so that neither
// the answer's time nor its words tell what was wrong.

import { queryOf } from "./form.ts";
import type { InboundRequest, VerifyResult } from "../provider.ts";
import { equalBytes } from "../../lib/equal-bytes.ts";
import { memoize } from "../../lib/memoize.ts";
import { sha256 } from "../../lib/sha256.ts";

/** The query parameter that carries a source's token; it is cut from the URL before the request is kept. */
export const TOKEN_PARAMETER = "token";

/**
 * Accepts a request that shows one of the credentials: `user:password` by basic auth (RFC 7617), anything without a
 * colon as bearer token (RFC 6750), as `?token=`, or as the password of basic auth whatever the user.
 */
export function verifySharedSecret(request: InboundRequest, credentials: readonly string[]): VerifyResult {
  if (credentials.length === 0) return { ok: false, reason: "the source has no credentials" };
  const shown = shownSecrets(request);
  let matches = 0;
  // As many comparisons for a request that shows nothing as for one that shows the most it can.
  for (let i = 0; i < MOST_SHOWN; i++) {
    const secret = shown[i];
    const print = secret === undefined ? NOTHING : imprint(secret, PRESENTED);
    for (const credential of credentials) matches += isImprintOf(print, credential) ? 1 : 0;
  }
  if (matches > 0) return { ok: true };
  return {
    ok: false,
    reason: shown.length > 0 ? "the credentials are wrong" : "the credentials are missing",
  };
}

/**
 * The same for providers that send headers of the customer's choice: one of the credentials may also stand, by itself, in
 * the header that `settings.secret_header` names.
 */
export function verifySecretOrHeader(
  request: InboundRequest,
  credentials: readonly string[],
  settings: Record<string, unknown>,
): VerifyResult {
  const name = settings["secret_header"];
  const chosen = typeof name === "string" && /^[\w-]+$/.test(name) ? request.headers.get(name) : null;
  let matches = 0;
  for (const credential of credentials) matches += equalSecrets(chosen ?? "", credential) ? 1 : 0;
  return matches > 0 ? { ok: true } : verifySharedSecret(request, credentials);
}

/**
 * For providers that sign, whose users may show a shared secret all the same. A credential `user:password` is such a
 * secret (see {@link verifySharedSecret}; as a token, too, it needs the colon); any other, or what follows `hmac:`, is a
 * signing key, which `verifyKey` tries. So a source that has only keys never takes a request that is not signed.
 */
export async function verifyKeyOrSecret(
  request: InboundRequest,
  credentials: readonly string[],
  verifyKey: (key: string) => Promise<VerifyResult>,
): Promise<VerifyResult> {
  const secrets: string[] = [];
  const reasons = new Set<string>();
  for (const credential of credentials) {
    const key = credential.replace(/^hmac:/, "").trim();
    if (key === credential.trim() && key.includes(":")) secrets.push(credential);
    else if (key !== "") {
      const result = await verifyKey(key);
      if (result.ok) return result;
      reasons.add(result.reason);
    }
  }
  if (secrets.length > 0 || reasons.size === 0) {
    const result = verifySharedSecret(request, secrets);
    if (result.ok) return result;
    reasons.add(result.reason);
  }
  return { ok: false, reason: [...reasons].join("; ") };
}

/** Secrets that a request can show. Header: a pair and its password, or a bearer token; query: two tokens at most. */
const MOST_SHOWN = 4;

/** Bytes in which secrets are compared. */
const WIDTH = 256;
/** UTF-16 units of the longest secret whose UTF-8 always fits in there; of a longer one the digest is compared. */
const LONGEST = 80;
const DIGESTED = 255;

const encoder = new TextEncoder();
const PRESENTED = new Uint8Array(WIDTH);
const NOTHING = new Uint8Array(WIDTH);

/**
 * The secret in `WIDTH` bytes, whatever its length, so that a comparison takes as long for any: padded, its own length
 * last. Digests alone would do, but cost several times as much as all the rest of a request's authentication.
 */
function imprint(secret: string, into: Uint8Array): Uint8Array {
  into.fill(0);
  if (secret.length <= LONGEST) into[WIDTH - 1] = encoder.encodeInto(secret, into).written;
  else {
    into.set(sha256(secret));
    into[WIDTH - 1] = DIGESTED;
  }
  return into;
}

const imprintOf = memoize((secret) => imprint(secret, new Uint8Array(WIDTH)));

function isImprintOf(print: Uint8Array, credential: string): boolean {
  return equalBytes(print, imprintOf(credential)) && !isEmpty(credential);
}

/**
 * Accepts what one of the credentials proves by `check`; else fails with the reasons of all, each once. An empty
 * credential, which is what an unset variable makes, proves nothing.
 */
export async function verifyWithAny(
  credentials: readonly string[],
  check: (credential: string) => Promise<VerifyResult> | VerifyResult,
): Promise<VerifyResult> {
  const reasons = new Set<string>();
  for (const credential of credentials) {
    if (credential.trim() === "") continue;
    const result = await check(credential);
    if (result.ok) return result;
    reasons.add(result.reason);
  }
  return { ok: false, reason: [...reasons].join("; ") || "the source has no credentials" };
}

/**
 * Whether two secrets are the same, in a time that does not depend on where they differ. Empty ones never are, nor an
 * empty pair, which is what unset variables make.
 */
export function equalSecrets(presented: string, expected: string): boolean {
  return isImprintOf(imprint(presented, PRESENTED), expected);
}

function isEmpty(credential: string): boolean {
  return credential === "" || credential === ":";
}

function shownSecrets(request: InboundRequest): string[] {
  const shown: string[] = [];
  const header = request.headers.get("authorization") ?? "";
  const [, scheme, value] = /^\s*(basic|bearer)\s+(\S+)\s*$/i.exec(header) ?? [];
  if (scheme?.toLowerCase() === "bearer" && value !== undefined) shown.push(value);
  if (scheme?.toLowerCase() === "basic" && value !== undefined) shown.push(...basicSecrets(value));
  const query = queryOf(request.url);
  if (query !== "") shown.push(...new URLSearchParams(query).getAll(TOKEN_PARAMETER).slice(0, 2));
  return shown;
}

/** `user:password` and the bare password, as UTF-8 (RFC 7617 section 2.1) or else Latin-1; none where it is not base64. */
function basicSecrets(encoded: string): string[] {
  let latin1: string;
  try {
    latin1 = atob(encoded);
  } catch {
    return [];
  }
  const pair = /^[ -~]*$/.test(latin1) ? latin1 : (fromUtf8(latin1) ?? latin1);
  const colon = pair.indexOf(":");
  return colon < 0 ? [] : [pair, pair.slice(colon + 1)];
}

function fromUtf8(bytes: string): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(bytes, (c) => c.charCodeAt(0)),
    );
  } catch {
    return null;
  }
}
