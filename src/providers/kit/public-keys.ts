// Signatures that are checked with a public key: the key as people copy it from a provider's page, the signature as it
import { fromBase64 } from "../../lib/base64.ts";

// travels in a header. As in signatures.ts, whatever cannot be read matches nothing and is never thrown.

/**
 * Whether a credential begins like a public key: PEM, or the base64 of a SubjectPublicKeyInfo (RFC 5280 section 4.1)
 * that holds a P-256 or RSA key. Anybody may know it, so it never counts as a shared secret, not even where it is mistyped.
 */
export function isPublicKey(credential: string): boolean {
  return /^\s*(-----BEGIN|MFkw|MI[GI])/.test(credential);
}

/** The SubjectPublicKeyInfo in a credential, also where a variable holds its line breaks as `\n`. */
function keyBytes(credential: string): Uint8Array | null {
  return fromBase64(credential.replaceAll(/-----[A-Z ]+-----|\\n|\s/g, ""));
}

/** ECDSA over P-256 and SHA-256 (FIPS 186-5); `shown` is the base64 of a DER signature. */
export async function matchesEcdsa(key: string, signed: Uint8Array, shown: string): Promise<boolean> {
  const spki = keyBytes(key);
  const der = fromBase64(shown);
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

/** RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2); `shown` is base64. */
export async function matchesRsa(
  key: string,
  hash: "SHA-1" | "SHA-256",
  signed: Uint8Array,
  shown: string,
): Promise<boolean> {
  const spki = keyBytes(key);
  const signature = fromBase64(shown);
  if (spki === null || signature === null) return false;
  try {
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash };
    const imported = await crypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
    return await crypto.subtle.verify(algorithm, imported, signature, signed);
  } catch {
    return false; // not a key of this kind
  }
}

const P256_BYTES = 32;

/**
 * SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 section 2.2.3) as the r || s that WebCrypto takes: DER leaves leading
 * zeros out, and puts one in where the first bit is set. Null where it is no such sequence of a P-256 signature.
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
