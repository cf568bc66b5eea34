// Checks signatures over the raw body. WebCrypto compares them in constant time. Input that cannot be decoded is
// refused with a reason for the log, and nothing is thrown, because all of it comes from outside.

import { fromBase64 } from "../../lib/base64.ts";
import { fail, ok, type Result } from "../../lib/result.ts";
import type { InboundRequest, RequestHead, VerifyContext, VerifyResult } from "../provider.ts";

const encoder = new TextEncoder();

/** Bytes of an HMAC. */
const HMAC_BYTES = { "SHA-256": 32, "SHA-1": 20 } as const;
type Hash = keyof typeof HMAC_BYTES;

/**
 * Checks the HMAC (RFC 2104) of `signed` under `key`; `presented` is the signature as the sender wrote it: hex or
 * base64, with or without `sha256=` (the form of
 * https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries).
 */
export async function verifyHmac(
  key: Uint8Array,
  signed: Uint8Array,
  presented: string,
  hash: Hash = "SHA-256",
): Promise<VerifyResult> {
  const signature = readSignature(presented.trim().replace(/^sha256=/i, ""), HMAC_BYTES[hash]);
  if (signature === null) return fail(`the signature is neither hex nor base64 of ${HMAC_BYTES[hash]} bytes`);
  return resultOf(await matchesHmac(key, signed, signature, hash));
}

/**
 * How far the signed time may differ from ours in either direction, in seconds; the reference libraries use the same.
 */
const TOLERANCE = 5 * 60;
/** The most signatures that are checked, more than a rotation of keys needs. */
const MOST_SIGNATURES = 16;

/**
 * Checks a signature of Standard Webhooks 1.0:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * `secret` is `whsec_` and base64 for the symmetric `v1`, or `whpk_` and the base64 of an ed25519 public key for `v1a`;
 * bytes are used as a symmetric key unchanged. Signatures of other versions are skipped. `now` is in ms.
 */
export async function verifyStandardWebhook(
  request: InboundRequest,
  secret: string | Uint8Array,
  now: number,
): Promise<VerifyResult> {
  const webhook = readStandardWebhook(request);
  if (!webhook.ok) return webhook;
  const { signed, timestamp, signatures } = webhook.value;
  const untimely = untimeliness(timestamp, now);
  if (untimely !== null) return fail(untimely);

  const key = typeof secret === "string" ? fromBase64(secret.slice(secret.indexOf("_") + 1)) : secret;
  if (key === null) return fail("the signing key is not base64");
  const isPublic = typeof secret === "string" && secret.startsWith("whpk_");
  const [version, matches] = isPublic ? ["v1a", matchesEd25519] : ["v1", matchesHmac];
  for (const presented of signatures) {
    const [presentedVersion, encoded] = presented.split(",", 2);
    const signature = presentedVersion === version && encoded !== undefined ? fromBase64(encoded) : null;
    if (signature !== null && (await matches(key, signed, signature))) return { ok: true };
  }
  return resultOf(false);
}

/** For `lacking` (proof.ts): why the headers cannot prove a request by Standard Webhooks, whatever its body; or null. */
export function lacksStandardWebhook(
  { headers }: RequestHead,
  _key: string,
  { now }: Pick<VerifyContext, "now">,
): string | null {
  const webhook = readWebhookHeaders(headers);
  return webhook.ok ? untimeliness(webhook.value.timestamp, now) : webhook.reason;
}

/** The same without a look at the time. */
export function lacksWebhookHeaders({ headers }: RequestHead): string | null {
  const webhook = readWebhookHeaders(headers);
  return webhook.ok ? null : webhook.reason;
}

function untimeliness(timestamp: string, now: number): string | null {
  if (!/^\d{1,12}$/.test(timestamp)) return "the signature's time is no Unix time";
  const age = now / 1000 - Number(timestamp);
  if (Math.abs(age) <= TOLERANCE) return null;
  return age > 0 ? "the signature is too old" : "the signature is from the future";
}

/**
 * Reads the headers of Standard Webhooks (Svix's older names mean the same): the signed bytes `id.timestamp.body`, the
 * time as it is written (by the standard, Unix seconds), and the signatures. Fails if one of the headers is missing.
 */
export function readStandardWebhook(
  request: InboundRequest,
): Result<{ signed: Uint8Array; timestamp: string; signatures: string[] }> {
  const webhook = readWebhookHeaders(request.headers);
  if (!webhook.ok) return webhook;
  const { id, timestamp, presented } = webhook.value;
  const signed = concatenate(encoder.encode(`${id}.${timestamp}.`), request.body);
  const signatures = presented.split(/[ \t]+/).slice(0, MOST_SIGNATURES);
  return ok({ signed, timestamp, signatures });
}

function readWebhookHeaders(headers: Headers): Result<{ id: string; timestamp: string; presented: string }> {
  const prefix = headers.has("webhook-id") ? "webhook" : "svix";
  const id = headers.get(`${prefix}-id`) ?? "";
  const timestamp = headers.get(`${prefix}-timestamp`) ?? "";
  const presented = headers.get(`${prefix}-signature`) ?? "";
  const isWhole = id !== "" && timestamp !== "" && presented !== "";
  return isWhole ? ok({ id, timestamp, presented }) : fail("the signature headers are missing");
}

function resultOf(matches: boolean): VerifyResult {
  return matches ? { ok: true } : fail("the signature does not match");
}

/** A key that WebCrypto rejects (above all an empty one) matches nothing. */
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
    return false; // not a point on the curve, or not 64 bytes of signature
  }
}

function readSignature(presented: string, length: number): Uint8Array | null {
  const bytes =
    presented.length === length * 2 && /^[0-9a-f]+$/i.test(presented)
      ? Uint8Array.from({ length }, (_, at) => parseInt(presented.slice(at * 2, at * 2 + 2), 16))
      : fromBase64(presented);
  return bytes?.length === length ? bytes : null;
}

/** The bytes of `head` followed by those of `tail`. */
export function concatenate(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
