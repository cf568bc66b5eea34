// SendGrid's Event Webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
// Always an array. Every sending server posts on its own, so the batches overlap and arrive in any order.

import { fail, ok } from "../../lib/result.ts";
import type { EventDetails, EventType } from "../../model/event.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "../kit/elements.ts";
import {
  address,
  flag,
  LONGEST,
  makeEvent,
  metadata,
  tags,
  text,
  time,
  whyNoAddress,
} from "../kit/fields.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { provenBySignature, type Credential } from "../kit/proof.ts";
import type { Delivery, InboundRequest, Provider, RequestHead, VerifyResult } from "../provider.ts";
import { isPublicKey, looksPublic, matchesEcdsa } from "../kit/keys/public-keys.ts";
import { meaningOf } from "./meaning.ts";
import { isOwnField } from "./mapping.ts";
import { concatenate } from "../kit/signatures.ts";

/**
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook : a batch is posted
 * when it reaches 768 kilobytes, so the last event may exceed that.
 */
const LONGEST_BATCH = 1_000_000;

export const sendgrid: Provider = {
  id: "sendgrid",
  headers: [],
  ...provenBySignature({ kindOf: kindOfCredential, lacking, verifyKey: verifySigned }),
  longestSigned: LONGEST_BATCH,
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
  /**
   * https://www.twilio.com/docs/sendgrid/ui/sending-email/group-unsubscribes : only `group_unsubscribe` and
   * `group_resubscribe` are about the group. An `unsubscribe` or `spamreport` is about all mail, even if it names a
   * group.
   */
  scopeOf: (element) =>
    isObject(element) && text(element["event"])?.toLowerCase().startsWith("group_") === true
      ? text(element["asm_group_id"])
      : null,
};

/**
 * Credentials: the verification key of "Signed Event Webhook" as the page shows it (base64 that begins with `MFkw`, or
 * PEM); anything else is a shared secret, for basic auth in the URL or a bearer token.
 */
function kindOfCredential(credential: string): Credential {
  if (isPublicKey(credential)) return { key: credential };
  return looksPublic(credential) ? "unusable" : { secret: credential };
}

/** The signed time, in any way to write one: no part of it could be the beginning of a body. */
const TIMESTAMP = /^[^[{\s]{1,64}$/;
/** How every body begins. */
const BODY = /^\s*[[{]/;

function lacking({ headers }: RequestHead): string | null {
  const presented = headers.get("x-twilio-email-event-webhook-signature") ?? "";
  const timestamp = headers.get("x-twilio-email-event-webhook-timestamp") ?? "";
  if (presented === "" || timestamp === "") return "the signature headers are missing";
  return TIMESTAMP.test(timestamp) ? null : "the signature's time is no time";
}

/**
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features :
 * checks the signature over the time and the raw body, whose last CRLF belongs to it. The time is signed as the text that
 * it is, in whatever form; but nothing of it may be moved to the body, or the reverse, so it must not look like JSON, and
 * the body must. The age of the time is not checked: it is not documented that a retry, up to a day later, is signed afresh, and
 * a repeated event is stored only once anyway.
 */
async function verifySigned(request: InboundRequest, key: string): Promise<VerifyResult> {
  const reason = lacking(request);
  if (reason !== null) return fail(reason);
  if (!BODY.test(new TextDecoder().decode(request.body.subarray(0, 64)))) return fail("the body is not JSON");
  const presented = request.headers.get("x-twilio-email-event-webhook-signature") ?? "";
  const timestamp = request.headers.get("x-twilio-email-event-webhook-timestamp") ?? "";
  const signed = concatenate(new TextEncoder().encode(timestamp), request.body);
  return (await matchesEcdsa(key, signed, presented)) ? { ok: true } : fail("the signature does not match");
}

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  const event = text(element["event"])?.toLowerCase();
  if (event === undefined) return fail("event is missing");
  const email = text(element["email"], LONGEST.words);
  if (email === null && event === "account_status_change") return fail("it is about the account, not a mail");
  const contact = address(email);
  if (contact === null) return fail(whyNoAddress("email", email));
  if (isTestPost(element, contact)) return PING;
  const occurredAt = time(element["timestamp"]);
  const { type, ...meaning } = meaningOf(event, element);
  const details = { ...detailsOf(type, element), ...meaning };
  const core = {
    element: index,
    type,
    contact,
    message_id: messageIdOf(element),
    occurredAt,
    receivedAt: delivery.receivedAt,
    // Not sg_event_id: it is reported to change when an event is posted again, and some events have none.
    distinguishing: [
      event,
      text(element["sg_message_id"], LONGEST.id), // whole, because it also distinguishes the copies of one API call
      text(element["smtp-id"], LONGEST.id),
      details.url,
      linkPlace(element),
      details.ip,
      details.user_agent,
      text(element["asm_group_id"]),
      details.description,
    ],
  };
  return ok([makeEvent(core, details)]);
}

/**
 * Whether the event is a test: the "Test Your Integration" button posts one event of each kind for an invented mail,
 * the same mail every time.
 */
function isTestPost(element: JsonObject, contact: string): boolean {
  const ids = [text(element["sg_message_id"]), text(element["smtp-id"])];
  return contact === "example@test.com" && ids.some((id) => id?.includes("14c5d75ce93.dfd.64b469") === true);
}

/**
 * The mail's id as the API returned it in X-Message-ID. The rest, after the dot, is routing. Late bounces may have no
 * id.
 */
function messageIdOf(element: JsonObject): string | null {
  return text(text(element["sg_message_id"], LONGEST.id)?.split(".", 1)[0]);
}

/** Identifies the clicked link among a mail's links with the same target. */
function linkPlace(element: JsonObject): string | null {
  const offset = element["url_offset"];
  return isObject(offset) ? text(offset["index"]) : null;
}

/** Types whose `ip` is the sending server's, because the mail has not arrived yet. */
const ON_ITS_WAY: ReadonlySet<EventType> = new Set<EventType>([
  "queued",
  "deferred",
  "delivered",
  "bounced",
  "blocked",
  "dropped",
]);

function detailsOf(type: EventType, element: JsonObject) {
  return {
    campaign:
      text(element["marketing_campaign_name"]) ??
      text(element["singlesend_name"]) ??
      text(element["marketing_campaign_id"]) ??
      text(element["singlesend_id"]),
    tags: tags(element["category"]),
    metadata: metadata(
      Object.fromEntries(Object.entries(element).filter(([name]) => !isOwnField(name, type))),
    ),
    url: text(element["url"], LONGEST.url),
    ip: ON_ITS_WAY.has(type) ? null : text(element["ip"]),
    user_agent: text(element["useragent"], LONGEST.words),
    machine: flag(element["sg_machine_open"]),
  } satisfies Partial<EventDetails>;
}
