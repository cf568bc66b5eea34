// Checks signatures of Amazon SNS, which cover some fields of the message and are made with a key whose certificate the
// message links to. Everybody can have SNS sign any message, and can write any link, so the topic is compared before
// the link is checked, and the link is checked before it is fetched.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

import { cappedCache } from "../../../lib/capped-cache.ts";
import { nodeCrypto } from "../../../lib/node-modules.ts";
import { fail, ok, type Result } from "../../../lib/result.ts";
import { isObject, readJson, type JsonObject } from "../json.ts";
import { membersOf } from "../members.ts";
import type { InboundRequest, RequestHead, VerifyContext, VerifyResult } from "../../provider.ts";
import { matchesRsa } from "./public-keys.ts";
import { readUrl } from "../sns.ts";

/**
 * Whether a credential is a topic's ARN. An ARN is no secret (the unsubscribe link at the foot of an e-mail contains
 * it), so it must never count as a shared secret, not even if it is mistyped.
 */
export function isTopic(credential: string): boolean {
  return /^\s*arn:/i.test(credential);
}

/**
 * The hosts of SNS, https://docs.aws.amazon.com/general/latest/gr/sns.html : those of AWS, of China and of the European
 * sovereign cloud, whose regions begin with `eusc`. A bucket's name or the like can stand in the region's place, so the
 * region is matched by its form.
 */
const HOST =
  /^sns\.(?:[a-z]{2}(?:-[a-z]+){1,2}-\d{1,2}\.amazonaws\.com(?:\.cn)?|eusc-[a-z]{2}-[a-z]+-\d{1,2}\.amazonaws\.eu)$/;

/** The https URL of an SNS endpoint; null for any other value. */
export function amazonUrl(value: unknown): URL | null {
  const url = readUrl(value);
  return url !== null && url.protocol === "https:" && HOST.test(url.hostname) ? url : null;
}

/** The hash by SignatureVersion; a topic's default is 1. */
const HASHES: ReadonlyMap<unknown, "SHA-1" | "SHA-256"> = new Map([
  ["1", "SHA-1"],
  ["2", "SHA-256"],
]);

/**
 * https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html : a message has at most 256 KiB. The body is
 * JSON that contains this JSON as text, whose quotes and backslashes take two bytes each; the other fields are short.
 */
export const LONGEST_MESSAGE = 2 * 262_144 + 8_192;

/**
 * For `lacking` (proof.ts): https://docs.aws.amazon.com/sns/latest/dg/http-header.html , SNS names the topic in a
 * header, too. A proxy may have removed it, so that it proves nothing if it is absent.
 */
export function namesAnotherTopic({ headers }: RequestHead, topic: string): string | null {
  const named = headers.get("x-amz-sns-topic-arn");
  return named === null || named.trim() === topic ? null : "another topic";
}

const TOPIC: ReadonlySet<string> = new Set(["TopicArn"]);

/**
 * Accepts messages of `topic` (its ARN) that SNS signed. With `settings.signature_version` 2, version 1 is refused,
 * whose hash is SHA-1. The age of the signed time is not checked: a retry repeats the message unchanged.
 */
export async function verifySns(
  request: InboundRequest,
  topic: string,
  context: VerifyContext,
): Promise<VerifyResult> {
  const { body } = request;
  const [named] = membersOf(body, TOPIC);
  const arn = named === undefined ? null : new TextDecoder().decode(body.subarray(named.from, named.to));
  if (arn !== null && arn !== JSON.stringify(topic)) return fail("another topic");
  const json = readJson(body);
  if (!json.ok) return json;
  const message = json.value;
  if (!isObject(message) || typeof message["TopicArn"] !== "string") return fail("not a message of SNS");
  if (message["TopicArn"] !== topic) return fail("another topic");
  const hash = HASHES.get(message["SignatureVersion"]);
  if (hash === undefined) return fail("an unknown version of the signature");
  if (hash === "SHA-1" && Number(context.settings["signature_version"]) === 2)
    return fail("the source wants signatures of version 2");
  const signature = message["Signature"];
  if (typeof signature !== "string" || signature === "") return fail("the signature is missing");
  const signed = signedText(message);
  if (signed === null) return fail("a signed field is missing");
  const key = await keyAt(message["SigningCertURL"], context);
  if (!key.ok) return key;
  const matches = await matchesRsa(key.value, hash, new TextEncoder().encode(signed), signature);
  return matches ? { ok: true } : fail("the signature does not match");
}

const NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] as const;
const CONFIRMATION = [
  "Message",
  "MessageId",
  "SubscribeURL",
  "Timestamp",
  "Token",
  "TopicArn",
  "Type",
] as const;
const FIELDS: ReadonlyMap<unknown, readonly string[]> = new Map<unknown, readonly string[]>([
  ["Notification", NOTIFICATION],
  ["SubscriptionConfirmation", CONFIRMATION],
  ["UnsubscribeConfirmation", CONFIRMATION],
]);

/**
 * The text that is signed: names and values, each followed by a line break; null if a field other than the subject is
 * missing.
 */
function signedText(message: JsonObject): string | null {
  const names = FIELDS.get(message["Type"]);
  if (names === undefined) return null;
  let signed = "";
  for (const name of names) {
    const value = message[name];
    if (name === "Subject" && (value === undefined || value === null)) continue;
    if (typeof value !== "string") return null;
    signed += `${name}\n${value}\n`;
  }
  return signed;
}

interface Certificate {
  /** PEM */
  publicKey: string;
  /** ms since the epoch */
  from: number;
  to: number;
}

/** Certificates by URL, for the life of the isolate. SNS uses one or two at a time in each region. */
const certificates = cappedCache<Certificate>(32);

/**
 * The public key of the certificate that a message links to. The key is valid only as long as its certificate, which
 * bounds the damage of a leaked key.
 */
async function keyAt(link: unknown, { fetch, now }: VerifyContext): Promise<Result<string>> {
  const url = amazonUrl(link);
  if (url === null || !/^\/[\w.-]+\.pem$/.test(url.pathname) || url.search !== "")
    return fail("SigningCertURL is not a certificate of SNS");
  let certificate = certificates.get(url.href);
  if (certificate === undefined) {
    const pem = await download(url.href, fetch);
    if (!pem.ok) return pem;
    const read = await readCertificate(pem.value);
    if (!read.ok) return read;
    certificate = read.value;
    certificates.set(url.href, certificate);
  }
  const isValid = now >= certificate.from && now <= certificate.to;
  return isValid ? ok(certificate.publicKey) : fail("the certificate is not valid now");
}

/** ms for one attempt; SNS waits 15 s for our answer. */
const DEADLINE = 4_000;
const ATTEMPTS = 2;

/**
 * Downloads a certificate. SNS does not repeat a refused message, so a brief network failure must not cause a refusal
 * at once.
 */
async function download(url: string, fetch: VerifyContext["fetch"]): Promise<Result<string>> {
  let reason = "";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(DEADLINE) });
      if (response.status === 200) return ok(await response.text());
      await response.body?.cancel();
      reason = `the certificate's URL answered ${response.status}`;
      if (response.status < 500) break;
    } catch (error) {
      reason = `the certificate could not be fetched: ${error instanceof Error ? error.name : "no error"}`;
    }
  }
  return fail(reason);
}

async function readCertificate(pem: string): Promise<Result<Certificate>> {
  if (!pem.trimStart().startsWith("-----BEGIN CERTIFICATE-----")) return fail("not a certificate");
  const { X509Certificate } = await nodeCrypto(); // loaded only when needed, because a new isolate waits for it
  try {
    const { publicKey, validFrom, validTo } = new X509Certificate(pem);
    return ok({
      publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
      from: Date.parse(validFrom),
      to: Date.parse(validTo),
    });
  } catch {
    return fail("the certificate cannot be read");
  }
}
