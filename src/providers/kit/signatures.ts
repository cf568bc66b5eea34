// Signatures over the raw body. WebCrypto does the comparing, in constant time; whatever cannot be decoded is refused
// with a reason for the log and never thrown, because all of it comes from the outside.

import { fromBase64 } from "../../lib/base64.ts";
import { fail, ok, type Result } from "../../lib/result.ts";
import type { InboundRequest, VerifyResult } from "../provider.ts";

const encoder = new TextEncoder();

/** Bytes of an HMAC. */
const HMAC_BYTES = { "SHA-256": 32, "SHA-1": 20 } as const;
type Hash = keyof typeof HMAC_BYTES;

/**
 * HMAC (RFC 2104) of `signed` under `key`; `shown` is the signature as the sender wrote it: hex or base64, with or
 * without `sha256=` (the form of https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries).
 */
export async function verifyHmac(
  key: Uint8Array,
  signed: Uint8Array,
  shown: string,
  hash: Hash = "SHA-256",
): Promise<VerifyResult> {
  const signature = readSignature(shown.trim().replace(/^sha256=/i, ""), HMAC_BYTES[hash]);
  if (signature === null) return fail(`the signature is neither hex nor base64 of ${HMAC_BYTES[hash]} bytes`);
  return verdict(await matchesHmac(key, signed, signature, hash));
}

/** How far the signed time may be from ours, both ways, in seconds: what the reference libraries use. */
const TOLERANCE = 5 * 60;
/** More signatures than a rotation of keys needs are not looked at. */
const MOST_SIGNATURES = 16;

/**
 * Standard Webhooks 1.0: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * `secret`: `whsec_` and base64 for the symmetric `v1`, or `whpk_` and base64 of an ed25519 public key for `v1a`; bytes
 * are a symmetric key as it is. Signatures of other versions are skipped. `now` is in ms.
 */
export async function verifyStandardWebhook(
  request: InboundRequest,
  secret: string | Uint8Array,
  now: number,
): Promise<VerifyResult> {
  const webhook = readStandardWebhook(request);
  if (!webhook.ok) return webhook;
  const { signed, timestamp, signatures } = webhook.value;
  if (!/^\d{1,12}$/.test(timestamp)) return fail("the signature's time is no Unix time");
  const age = now / 1000 - Number(timestamp);
  if (Math.abs(age) > TOLERANCE)
    return fail(age > 0 ? "the signature is too old" : "the signature is from the future");

  const key = typeof secret === "string" ? fromBase64(secret.slice(secret.indexOf("_") + 1)) : secret;
  if (key === null) return fail("the signing key is not base64");
  const isPublic = typeof secret === "string" && secret.startsWith("whpk_");
  const [version, matches] = isPublic ? ["v1a", matchesEd25519] : ["v1", matchesHmac];
  for (const shown of signatures) {
    const [shownVersion, encoded] = shown.split(",", 2);
    const signature = shownVersion === version && encoded !== undefined ? fromBase64(encoded) : null;
    if (signature !== null && (await matches(key, signed, signature))) return { ok: true };
  }
  return verdict(false);
}

/**
 * What a request says by the headers of Standard Webhooks (Svix's older names mean the same): the signed bytes
 * `id.timestamp.body`, and the time (by the standard, Unix seconds) and the signatures as they are written.
 */
export function readStandardWebhook(
  request: InboundRequest,
): Result<{ signed: Uint8Array; timestamp: string; signatures: string[] }> {
  const prefix = request.headers.has("webhook-id") ? "webhook" : "svix";
  const id = request.headers.get(`${prefix}-id`) ?? "";
  const timestamp = request.headers.get(`${prefix}-timestamp`) ?? "";
  const shown = request.headers.get(`${prefix}-signature`) ?? "";
  if (id === "" || timestamp === "" || shown === "") return fail("the signature headers are missing");
  const signed = concatenate(encoder.encode(`${id}.${timestamp}.`), request.body);
  const signatures = shown.split(/[ \t]+/).slice(0, MOST_SIGNATURES);
  return ok({ signed, timestamp, signatures });
}

function verdict(matches: boolean): VerifyResult {
  return matches ? { ok: true } : fail("the signature does not match");
}

/** A key that WebCrypto does not take (an empty one, above all) matches nothing. */
async function matchesHmac(
  key: Uint8Array,
  signed: Uint8Array,
  signature: Uint8Array,
  hash: Hash = "SHA-256",
): Promise<boolean> {
  if (key.length === 0) return false;
  try {
    const algorithm = { name: "HMAC", hash };
    const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["verify"]);
    return await crypto.subtle.verify("HMAC", imported, signature, signed);
  } catch {
    return false;
  }
}

async function matchesEd25519(key: Uint8Array, signed: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, signed);
  } catch {
    return false; // not a point of the curve, or not 64 bytes of signature
  }
}

function readSignature(shown: string, length: number): Uint8Array | null {
  const bytes =
    shown.length === length * 2 && /^[0-9a-f]+$/i.test(shown)
      ? Uint8Array.from({ length }, (_, at) => parseInt(shown.slice(at * 2, at * 2 + 2), 16))
      : fromBase64(shown);
  return bytes?.length === length ? bytes : null;
}

export function concatenate(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
