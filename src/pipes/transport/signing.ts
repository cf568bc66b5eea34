// Signatures by which receivers tell that a request is ours, after Standard Webhooks 1.0, so that libraries for it verify them:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
// `v1` is HMAC-SHA256 with a secret that both sides know, `v1a` ed25519, where the receiver only needs the public key.
import { fromBase64 } from "../../lib/base64.ts";
import { createHmac } from "node:crypto";
import { memoize } from "../../lib/memoize.ts";
export const SIGNINGS = ["v1", "v1a"] as const;
export type Signing = (typeof SIGNINGS)[number];

/** What the secrets of each begin with. */
const PREFIX = { v1: "whsec_", v1a: "whsk_" } as const;

const SEED_BYTES = 32;
const NEW_SECRET_BYTES = 32;
/** PKCS #8 of an ed25519 private key (RFC 8410, section 7) up to its seed: WebCrypto takes private keys in no shorter form. */
const PKCS8_HEAD = [
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

const encoder = new TextEncoder();

/** Why a text is no secret of `signing`; null where it is one. Never quotes it. */
export function refusalOfSecret(secret: string, signing: Signing): string | null {
  const bytes = bytesOf(secret, signing);
  if (signing === "v1") {
    const fits = bytes !== null && bytes.length >= 24 && bytes.length <= 64;
    return fits ? null : "must be whsec_ and base64 of 24 to 64 bytes";
  }
  // The seed alone, or followed by the public key, as keys are commonly kept.
  const fits = bytes !== null && (bytes.length === SEED_BYTES || bytes.length === 2 * SEED_BYTES);
  return fits ? null : "must be whsk_ and base64 of an ed25519 private key (32 or 64 bytes)";
}

/** A new secret, to be shown once: `whsec_...`, or the private key `whsk_...` whose public one {@link publicKeyOf} gives. */
export async function newSigningSecret(signing: Signing): Promise<string> {
  const random = crypto.getRandomValues(new Uint8Array(NEW_SECRET_BYTES));
  if (signing === "v1") return PREFIX.v1 + toBase64(random);
  return PREFIX.v1a + toBase64(new Uint8Array([...random, ...(await publicBytes(random))]));
}

/** The key that receivers of `v1a` verify with, `whpk_...`; null for a secret of `v1`, which has no public part. */
export async function publicKeyOf(secret: string): Promise<string | null> {
  const bytes = bytesOf(secret, "v1a");
  return bytes === null ? null : `whpk_${toBase64(await publicBytes(bytes))}`;
}

/**
 * The value of `webhook-signature`: one signature for each secret, in their order, so that a receiver who knows any of
 * them is content. `timestamp`: Unix seconds.
 */
export async function sign(
  secrets: readonly string[],
  signing: Signing,
  { id, timestamp, body }: { id: string; timestamp: number; body: string },
): Promise<string> {
  const text = `${id}.${timestamp}.${body}`;
  // At once and without importing a key: with every request, that was half of what a pipe does beside sending.
  if (signing === "v1")
    return secrets
      .map((secret) => `v1,${createHmac("sha256", hmacKey(secret)).update(text).digest("base64")}`)
      .join(" ");
  const signed = encoder.encode(text);
  const signatures = secrets.map(async (secret) => {
    const signature = await ed25519(bytesOf(secret, "v1a") ?? new Uint8Array(), signed);
    return `v1a,${toBase64(signature)}`;
  });
  return (await Promise.all(signatures)).join(" ");
}

/** Those that a pipe signs with, again and again. */
const hmacKey = memoize((secret) => bytesOf(secret, "v1") ?? new Uint8Array(), 100);

async function ed25519(key: Uint8Array, signed: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("Ed25519", await privateKey(key, false), signed));
}

async function privateKey(key: Uint8Array, extractable: boolean): Promise<CryptoKey> {
  const pkcs8 = new Uint8Array([...PKCS8_HEAD, ...key.subarray(0, SEED_BYTES)]);
  return await crypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, extractable, ["sign"]);
}

async function publicBytes(key: Uint8Array): Promise<Uint8Array> {
  const exported = (await crypto.subtle.exportKey("jwk", await privateKey(key, true))) as JsonWebKey;
  const bytes = fromBase64(exported.x ?? "");
  if (bytes === null || bytes.length !== SEED_BYTES) throw new Error("the runtime gave no public key");
  return bytes;
}

/** The bytes of a secret of `signing`, in plain base64; null for anything else. */
function bytesOf(secret: string, signing: Signing): Uint8Array | null {
  const encoded = secret.startsWith(PREFIX[signing]) ? secret.slice(PREFIX[signing].length) : "";
  return /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) ? fromBase64(encoded) : null;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
