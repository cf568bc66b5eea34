// Checks signatures with a public key: the key as people copy it from a provider's page, the signature as a header
// carries it. As in signatures.ts, a key or signature that cannot be read matches nothing, and nothing is thrown.

import { fromBase64 } from "../../../lib/base64.ts";
import type { RsaKey } from "./jwks.ts";

/**
 * Whether a credential begins like a public key: PEM, or the base64 of a SubjectPublicKeyInfo (RFC 5280 section 4.1)
 * with a P-256 or RSA key. A public key is no secret, so it never counts as a shared secret, not even if it is
 * mistyped.
 */
export function isPublicKey(credential: string): boolean {
  return /^\s*(-----BEGIN|MFkw|MI[GI])/.test(credential);
}

/**
 * Whether a credential is public material, as a whole or in part, or such material with a slip of the pen: the ARN of a
 * topic, a DKIM record, PEM, or the base64 of a SubjectPublicKeyInfo of any algorithm. Where providers publish keys or
 * topics, it must not count as a shared secret, because everybody may know it.
 */
export function looksPublic(credential: string): boolean {
  if (/-----BEGIN|\bv=DKIM|(^|[^a-z0-9])(arn|sns:[a-z]{2}-[a-z-]+\d):/i.test(credential)) return true;
  if (/(^|[^a-z0-9])p\s*=\s*[a-z0-9+/]{16}/i.test(credential)) return true;
  const encoded = credential.replaceAll(/["'\s]|\\n/g, "");
  const bytes = /^M[A-Za-z0-9+/_-]{40,}=*$/.test(encoded) ? fromBase64(encoded) : null;
  return bytes !== null && isKeyInfo(bytes);
}

/** Whether the bytes begin like SEQUENCE { SEQUENCE { OBJECT IDENTIFIER ... (RFC 5280 section 4.1.2.7). */
function isKeyInfo(bytes: Uint8Array): boolean {
  const inner = bytes[1] === 0x82 ? 4 : bytes[1] === 0x81 ? 3 : 2;
  const identifier = bytes[inner + 1] === 0x81 ? inner + 3 : inner + 2;
  return bytes[0] === 0x30 && bytes[inner] === 0x30 && bytes[identifier] === 0x06;
}

/** The SubjectPublicKeyInfo in a credential, even if a variable contains its line breaks as `\n`. */
function keyBytes(credential: string): Uint8Array | null {
  return fromBase64(credential.replaceAll(/-----[A-Z ]+-----|\\n|\s/g, ""));
}

/** Checks ECDSA over P-256 and SHA-256 (FIPS 186-5); `presented` is the base64 of a DER signature. Never throws. */
export async function matchesEcdsa(key: string, signed: Uint8Array, presented: string): Promise<boolean> {
  const spki = keyBytes(key);
  const der = fromBase64(presented);
  const signature = der === null ? null : fromDer(der);
  if (spki === null || signature === null) return false;
  try {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const imported = await crypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
    return await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, signature, signed);
  } catch {
    return false; // not a key of this kind
  }
}

/** Checks RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2); `presented` is base64. Never throws. */
export async function matchesRsa(
  key: string | RsaKey["jwk"],
  hash: "SHA-1" | "SHA-256",
  signed: Uint8Array,
  presented: string,
): Promise<boolean> {
  const signature = fromBase64(presented);
  if (signature === null) return false;
  try {
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash };
    const imported = await importRsa(key, algorithm);
    return await crypto.subtle.verify(algorithm, imported, signature, signed);
  } catch {
    return false; // not a key of this kind
  }
}

async function importRsa(
  key: string | RsaKey["jwk"],
  algorithm: { name: string; hash: string },
): Promise<CryptoKey> {
  if (typeof key !== "string") return await crypto.subtle.importKey("jwk", key, algorithm, false, ["verify"]);
  const spki = keyBytes(key) ?? new Uint8Array(); // which is no key
  return await crypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
}

const P256_BYTES = 32;

/**
 * Converts SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 section 2.2.3) to the r || s that WebCrypto takes: DER omits
 * leading zeros, and adds one if the first bit is set. Null if the bytes are not such a sequence of a P-256 signature.
 */
function fromDer(der: Uint8Array): Uint8Array | null {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  const r = integerAt(der, 2);
  const s = r === null ? null : integerAt(der, 4 + r.length);
  if (r === null || s === null || r.length + s.length + 6 !== der.length) return null;
  const raw = new Uint8Array(2 * P256_BYTES);
  for (const [integer, end] of [[r, P256_BYTES] as const, [s, 2 * P256_BYTES] as const]) {
    const digits = integer.length > P256_BYTES && integer[0] === 0 ? integer.subarray(1) : integer;
    if (digits.length > P256_BYTES) return null;
    raw.set(digits, end - digits.length);
  }
  return raw;
}

function integerAt(der: Uint8Array, at: number): Uint8Array | null {
  const length = der[at + 1] ?? 0;
  const integer = der.subarray(at + 2, at + 2 + length);
  return der[at] === 0x02 && integer.length === length && length > 0 ? integer : null;
}
