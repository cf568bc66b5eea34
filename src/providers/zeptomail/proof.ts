// How posts of ZeptoMail prove their origin: by a signature with the authentication key that the customer typed in, or by
// a shared secret. https://www.zoho.com/zeptomail/help/webhooks.html

import { fail } from "../../lib/result.ts";
import { verifySecretOrHeader } from "../kit/credentials.ts";
import { needsHeader, provenBySignature, type Credential } from "../kit/proof.ts";
import type { InboundRequest, VerifyContext, VerifyResult } from "../provider.ts";
import { concatenate, verifyHmac } from "../kit/signatures.ts";

const HEADER = "producer-signature";

/**
 * Credentials: `hmac:` and the authentication key, for signed posts; `user:password` for basic auth; else a token
 * (bearer, `?token=`, or alone in the header that `settings.secret_header` names).
 */
export const proof = provenBySignature({
  kindOf,
  lacking: needsHeader(HEADER),
  verifyKey,
  verifySecrets: verifySecretOrHeader,
});

function kindOf(credential: string): Credential {
  const [, key] = /^\s*hmac:\s*(.*\S)/s.exec(credential) ?? [];
  return key === undefined ? { secret: credential } : { key };
}

/** How far the signed time may differ from ours, in ms: whether a repeated post is signed afresh is not documented. */
const TOLERANCE = 24 * 60 * 60 * 1000;

/**
 * The header is `ts=<ms>;s=<base64>;s-algorithm=HmacSHA256`, URL-encoded. By the page, the body is a form with one
 * field, and an HMAC-SHA256 covers what follows the first "=" once the whole body is decoded. No signed post was seen
 * here, and others sign the time and the body of a post in JSON, so both forms are tried with and without the time.
 */
async function verifyKey(
  { headers, body }: InboundRequest,
  key: string,
  { now }: Pick<VerifyContext, "now">,
): Promise<VerifyResult> {
  const presented = readHeader(headers.get(HEADER) ?? "");
  if (presented === null) return fail("the signature header is missing or cannot be read");
  const { time, signature } = presented;
  const age = now - Number(time);
  if (Math.abs(age) > TOLERANCE)
    return fail(age > 0 ? "the signature is too old" : "the signature is from the future");
  const [secret, stamp] = [new TextEncoder().encode(key), new TextEncoder().encode(time)];
  let result: VerifyResult = fail("the signature does not match");
  for (const text of [body, ...formValues(body)]) {
    for (const signed of [text, concatenate(stamp, text)]) {
      result = await verifyHmac(secret, signed, signature);
      if (result.ok) return result;
    }
  }
  return result;
}

function readHeader(header: string): { time: string; signature: string } | null {
  const parts = new Map<string, string>();
  for (const part of (decoded(header) ?? header).slice(0, 1024).split(";")) {
    const [, name, value] = /^\s*([\w-]+)=(.*)$/s.exec(part) ?? [];
    if (name !== undefined && value !== undefined) parts.set(name.toLowerCase(), value.trim());
  }
  const [time, signature, algorithm] = ["ts", "s", "s-algorithm"].map((name) => parts.get(name) ?? "");
  if (time === undefined || !/^\d{1,15}$/.test(time) || signature === undefined || signature === "")
    return null;
  if (algorithm !== undefined && algorithm !== "" && algorithm.toLowerCase() !== "hmacsha256") return null;
  return { time, signature: signature.replaceAll(" ", "+") }; // a "+" that was taken for a space
}

/** What follows the first "=" of the decoded form; none if the body is JSON, or no form. */
function formValues(body: Uint8Array): Uint8Array[] {
  const form = new TextDecoder().decode(body);
  if (/^\s*[[{]/.test(form)) return [];
  const whole = decoded(form.replaceAll("+", " "));
  return whole === null ? [] : [new TextEncoder().encode(whole.slice(whole.indexOf("=") + 1))];
}

function decoded(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}
