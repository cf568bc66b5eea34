// Shared secrets: basic auth, bearer tokens, ?token=. All of them are compared every time, in constant time, so that
// neither the duration nor the wording of an answer reveals what was wrong.

import { queryOf } from "./form.ts";
import type { RequestHead, VerifyResult } from "../provider.ts";
import { equalBytes } from "../../lib/equal-bytes.ts";
import { memoize } from "../../lib/memoize.ts";
import { sha256 } from "../../lib/sha256.ts";

/** The query parameter that carries a source's token; it is removed from the URL before the request is stored. */
export const TOKEN_PARAMETER = "token";

/**
 * Accepts a request that presents one of the credentials: `user:password` by basic auth (RFC 7617), anything without a
 * colon as a bearer token (RFC 6750), as `?token=`, or as the password of basic auth with any user name.
 */
export function verifySharedSecret(request: RequestHead, credentials: readonly string[]): VerifyResult {
  if (credentials.length === 0) return { ok: false, reason: "the source has no credentials" };
  const presented = presentedSecrets(request);
  let matches = 0;
  // A request without secrets costs as many comparisons as one with the most secrets that it can present.
  for (let i = 0; i < MOST_PRESENTED; i++) {
    const secret = presented[i];
    const print = secret === undefined ? NOTHING : imprint(secret, PRESENTED);
    for (const credential of credentials) matches += isImprintOf(print, credential) ? 1 : 0;
  }
  if (matches > 0) return { ok: true };
  return presented.length > 0
    ? { ok: false, reason: "the credentials are wrong" }
    : { ok: false, reason: "the credentials are missing", isBare: true };
}

/**
 * Like {@link verifySharedSecret}, for providers that send headers of the customer's choice: the header that
 * `settings.secret_header` names may also contain one of the credentials, and nothing else.
 */
export function verifySecretOrHeader(
  request: RequestHead,
  credentials: readonly string[],
  settings: Record<string, unknown>,
): VerifyResult {
  const name = settings["secret_header"];
  const chosen = typeof name === "string" && /^[\w-]+$/.test(name) ? request.headers.get(name) : null;
  let matches = 0;
  for (const credential of credentials) matches += equalSecrets(chosen ?? "", credential) ? 1 : 0;
  if (matches > 0) return { ok: true };
  const result = verifySharedSecret(request, credentials);
  return result.ok || chosen === null || chosen === "" ? result : { ok: false, reason: result.reason };
}

/**
 * The most secrets that a request can present: from the header a pair and its password, or a bearer token; from the
 * query two tokens.
 */
const MOST_PRESENTED = 4;

/** Bytes to which secrets are padded before they are compared. */
const WIDTH = 256;
/**
 * UTF-16 units of the longest secret whose UTF-8 always fits into `WIDTH`; of a longer secret the digest is compared.
 */
const LONGEST = 80;
const DIGESTED = 255;

const encoder = new TextEncoder();
const PRESENTED = new Uint8Array(WIDTH);
const NOTHING = new Uint8Array(WIDTH);

/**
 * The secret as `WIDTH` bytes, so that a comparison takes equally long for secrets of any length: padded, with its own
 * length in the last byte. Digests alone would do, but cost several times as much as the rest of the authentication.
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
 * Whether two secrets are equal, in a time that does not depend on where they differ. Empty secrets and pairs without a
 * password, which unset variables produce, are never equal to anything.
 */
export function equalSecrets(presented: string, expected: string): boolean {
  return isImprintOf(imprint(presented, PRESENTED), expected);
}

/** Whether a credential is empty, or a pair without a password. Such a credential proves nothing. */
export function isEmpty(credential: string): boolean {
  return credential.trim() === "" || /^[^:]*:\s*$/.test(credential);
}

function presentedSecrets(request: RequestHead): string[] {
  const presented: string[] = [];
  const header = request.headers.get("authorization") ?? "";
  const [, scheme, value] = /^\s*(basic|bearer)\s+(\S+)\s*$/i.exec(header) ?? [];
  if (scheme?.toLowerCase() === "bearer" && value !== undefined) presented.push(value);
  if (scheme?.toLowerCase() === "basic" && value !== undefined) presented.push(...basicSecrets(value));
  const query = queryOf(request.url);
  if (query !== "") presented.push(...new URLSearchParams(query).getAll(TOKEN_PARAMETER).slice(0, 2));
  return presented;
}

/**
 * `user:password` and the password alone, decoded as UTF-8 (RFC 7617 section 2.1) or else Latin-1; an empty list if the
 * value is not base64.
 */
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
