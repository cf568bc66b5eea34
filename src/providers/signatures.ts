// Signatures over the raw body. WebCrypto does the comparing, in constant time; whatever cannot be decoded is refused
// with a reason for the log and never thrown, because all of it comes from the outside.

import { fail } from "../model/result.ts";
import type { InboundRequest, VerifyResult } from "./provider.ts";

const encoder = new TextEncoder();

/**
 * HMAC-SHA256 (RFC 2104) of `signed` under `key`; `shown` is the signature as the sender wrote it: hex or base64, with
 * or without `sha256=` (the form of https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries).
 */
export async function verifyHmac(key: Uint8Array, signed: Uint8Array, shown: string): Promise<VerifyResult> {
  const signature = readSignature(shown.trim().replace(/^sha256=/i, ""));
  if (signature === null) return fail("the signature is neither hex nor base64 of 32 bytes");
  return verdict(await matchesHmac(key, signed, signature));
}

/** How far the signed time may be from ours, both ways, in seconds: what the reference libraries use. */
const TOLERANCE = 5 * 60;
/** More signatures than a rotation of keys needs are not looked at. */
const MOST_SIGNATURES = 16;

/**
 * Standard Webhooks 1.0: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * `secret`: `whsec_` and base64 for the symmetric `v1`, or `whpk_` and base64 of an ed25519 public key for `v1a`.
 * Svix's older header names mean the same. Signatures of other versions are skipped. `now` is in ms.
 */
export async function verifyStandardWebhook(
  request: InboundRequest,
  secret: string,
  now: number,
): Promise<VerifyResult> {
  const prefix = request.headers.has("webhook-id") ? "webhook" : "svix";
  const id = request.headers.get(`${prefix}-id`) ?? "";
  const timestamp = request.headers.get(`${prefix}-timestamp`) ?? "";
  const signatures = request.headers.get(`${prefix}-signature`) ?? "";
  if (id === "" || timestamp === "" || signatures === "") return fail("the signature headers are missing");
  if (!/^\d{1,12}$/.test(timestamp)) return fail("the signature's time is no Unix time");
  const age = now / 1000 - Number(timestamp);
  if (Math.abs(age) > TOLERANCE)
    return fail(age > 0 ? "the signature is too old" : "the signature is from the future");

  const key = fromBase64(secret.slice(secret.indexOf("_") + 1));
  if (key === null) return fail("the signing key is not base64");
  const signed = concatenate(encoder.encode(`${id}.${timestamp}.`), request.body);
  const [version, matches] = secret.startsWith("whpk_") ? ["v1a", matchesEd25519] : ["v1", matchesHmac];
  for (const shown of signatures.split(/[ \t]+/).slice(0, MOST_SIGNATURES)) {
    const [shownVersion, encoded] = shown.split(",", 2);
    const signature = shownVersion === version && encoded !== undefined ? fromBase64(encoded) : null;
    if (signature !== null && (await matches(key, signed, signature))) return { ok: true };
  }
  return verdict(false);
}

function verdict(matches: boolean): VerifyResult {
  return matches ? { ok: true } : fail("the signature does not match");
}

/** A key that WebCrypto does not take (an empty one, above all) matches nothing. */
async function matchesHmac(key: Uint8Array, signed: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (key.length === 0) return false;
  try {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
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

const HMAC_BYTES = 32;

function readSignature(shown: string): Uint8Array | null {
  const bytes = /^[0-9a-f]{64}$/i.test(shown)
    ? Uint8Array.from({ length: HMAC_BYTES }, (_, at) => parseInt(shown.slice(at * 2, at * 2 + 2), 16))
    : fromBase64(shown);
  return bytes?.length === HMAC_BYTES ? bytes : null;
}

/** Bytes of base64 (also the URL alphabet, also unpadded); null for anything else. */
function fromBase64(encoded: string): Uint8Array | null {
  try {
    const bytes = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(bytes, (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}

function concatenate(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
