// Postal, a self-hosted mail server: https://docs.postalserver.io/developer/webhooks
// One object per request: { event, timestamp, payload, uuid }, signed with the key of the installation.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason, Smtp } from "../model/event.ts";
import { jsonElements, parseElements, type ElementResult } from "./kit/elements.ts";
import {
  address,
  LONGEST,
  makeEvent,
  objectAt,
  table,
  tags,
  text,
  time,
  whyNoAddress,
} from "./kit/fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import { filled } from "./kit/loose-fields.ts";
import { keysById, readRsaKeys } from "./kit/keys/jwks.ts";
import { LONGEST_SINGLE, provenBySignature, type Credential } from "./kit/proof.ts";
import type { Delivery, InboundRequest, Provider, RequestHead, VerifyResult } from "./provider.ts";
import { isPublicKey, looksPublic, matchesRsa } from "./kit/keys/public-keys.ts";
import { judge, type Judgement } from "./kit/refusal.ts";
import { findSmtp } from "./kit/smtp.ts";

/**
 * https://docs.postalserver.io/developer/webhooks ; `MessageSent` is reported after the receiving server accepted the
 * mail.
 */
const TYPES = table<EventType>(
  {
    messagesent: "delivered",
    messagedelayed: "deferred",
    messagedeliveryfailed: "failed", // or refused, see meaningOf
    messageheld: "queued", // or suppressed, see meaningOf
    messagebounced: "bounced",
    messagelinkclicked: "clicked",
    messageloaded: "opened",
  },
  "type",
);

export const postal: Provider = {
  id: "postal",
  headers: [],
  ...provenBySignature({ kindOf, lacking, verifyKey: verifySigned }),
  longestSigned: LONGEST_SINGLE,
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
};

/**
 * Credentials: the installation's public key (base64 that begins with `MI`, PEM, the whole record that `postal
 * default-dkim-record` prints, or the document at `/.well-known/jwks.json`); anything else is a shared secret in the
 * URL.
 */
function kindOf(credential: string): Credential {
  const keys = readRsaKeys(credential);
  if (keys !== null) return keys.length > 0 ? { key: credential } : "unusable";
  // The key in a DKIM record, `v=DKIM1; t=s; h=sha256; p=MI...;`.
  const key = /(?:^|[;\s])p=\s*(MI[^;\s]+)/.exec(credential)?.[1] ?? credential;
  if (isPublicKey(key)) return { key };
  return looksPublic(credential) ? "unusable" : { secret: credential };
}

function lacking({ headers }: RequestHead): string | null {
  const signatures = ["x-postal-signature-256", "x-postal-signature"].map((name) => headers.get(name) ?? "");
  return signatures.every((signature) => signature === "") ? "the signature header is missing" : null;
}

/**
 * Checks RSA over the raw body, with SHA-1 in every version; version 3 adds a second signature with SHA-256, and the id
 * of the key. Either signature is proof: an attacker who could forge the older one could as well omit the newer one.
 */
async function verifySigned(request: InboundRequest, key: string): Promise<VerifyResult> {
  const sha256 = request.headers.get("x-postal-signature-256") ?? "";
  const sha1 = request.headers.get("x-postal-signature") ?? "";
  if (sha256 === "" && sha1 === "") return fail("the signature header is missing");
  const known = readRsaKeys(key);
  const named = request.headers.get("x-postal-signature-kid");
  for (const one of known === null ? [key] : keysById(known, named).map(({ jwk }) => jwk)) {
    if (sha256 !== "" && (await matchesRsa(one, "SHA-256", request.body, sha256))) return { ok: true };
    if (sha1 !== "" && (await matchesRsa(one, "SHA-1", request.body, sha1))) return { ok: true };
  }
  return fail("the signature does not match");
}

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  const event = text(element["event"])?.toLowerCase();
  if (event === undefined) return fail("event is missing");
  const payload = objectAt(element, "payload");
  const message = messageOf(payload);
  // DomainDNSError, SendLimitApproaching and SendLimitExceeded are about the server, not about a mail.
  if (message === null) return fail("it names no message");
  const to = text(message["to"], LONGEST.words);
  const contact = address(to);
  if (contact === null) return fail(whyNoAddress("to", to));
  // The payload's time is when the event happened; the outer time is when this webhook's request was created, and
  // differs between webhooks.
  const occurredAt = time(filled(payload, "timestamp") ?? element["timestamp"]);
  const smtp = findSmtp(payload["output"]);
  const words = text(payload["details"], LONGEST.words);
  const { type, ...meaning } = meaningOf(event, message, smtp, words);
  const details = { ...detailsOf(payload, message), ...meaning, description: words, smtp };
  const core = {
    element: index,
    type,
    contact,
    message_id: text(message["id"], LONGEST.id),
    occurredAt,
    receivedAt: delivery.receivedAt,
    // Not uuid: two webhooks that report the same event use two different ones.
    distinguishing: [
      event,
      text(message["token"]), // ids start anew on every mail server of an installation
      details.url,
      details.ip,
      details.user_agent,
      words,
      smtp?.response ?? null,
      text(objectAt(payload, "bounce")["id"], LONGEST.id),
    ],
  };
  return ok([makeEvent(core, details)]);
}

/** The mail that was sent. A bounce's payload also names the mail in which the refusal came back. */
function messageOf(payload: JsonObject): JsonObject | null {
  const message = payload["original_message"] ?? payload["message"];
  return isObject(message) ? message : null;
}

/** Postal's own words in `details`. */
const SUPPRESSED = /suppression list/i;
const SPAM = /\bspam\b/i;
const GAVE_UP = /maximum number of delivery attempts/i;

function meaningOf(event: string, message: JsonObject, smtp: Smtp | null, words: string | null): Judgement {
  const given = (type: EventType, reason: Reason | null = null): Judgement => ({
    type,
    bounce: null,
    reason,
  });
  // Incoming mail is reported with the same words, about its delivery to our own endpoint.
  if (text(message["direction"])?.toLowerCase() === "incoming") return given("unknown");
  const type = TYPES.get(event) ?? "unknown";
  if (event === "messageheld")
    return SUPPRESSED.test(words ?? "") ? given("dropped", "suppressed") : given(type);
  if (event === "messagedeliveryfailed") return failed(smtp, words ?? "");
  // A refusal that came back by mail does not show whether it is permanent.
  return judge(given(type), smtp);
}

/** Without a reply, Postal itself gave up: after too many attempts, or because it considers the mail spam. */
function failed(smtp: Smtp | null, words: string): Judgement {
  if (smtp !== null) {
    const isTemporary = smtp.code !== null && smtp.code < 500;
    return judge({ type: "bounced", bounce: isTemporary ? "soft" : "hard", reason: null }, smtp);
  }
  if (SPAM.test(words)) return { type: "dropped", bounce: null, reason: "content" };
  return { type: "failed", bounce: null, reason: GAVE_UP.test(words) ? "timed_out" : "other" };
}

function detailsOf(payload: JsonObject, message: JsonObject) {
  return {
    custom_id: text(message["message_id"], LONGEST.id), // the header, the only id that a sender by SMTP has
    tags: tags(message["tag"]),
    url: text(payload["url"], LONGEST.url),
    ip: text(payload["ip_address"]),
    user_agent: text(payload["user_agent"], LONGEST.words),
  } satisfies Partial<EventDetails>;
}
