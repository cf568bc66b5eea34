// Lettermint's webhooks: https://docs.lettermint.co/ ; the words and the signature are those of its own library,
// https://github.com/lettermint/lettermint-node . One object per request: { id, event, created_at, data }.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason, Smtp } from "../model/event.ts";
import { verifyWithAny } from "./kit/credentials.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import {
  flag,
  LONGEST,
  makeEvent,
  metadata,
  objectAt,
  recipients,
  table,
  tags,
  text,
  time,
} from "./kit/fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import type { Delivery, InboundRequest, Provider, VerifyResult } from "./provider.ts";
import { concatenate, verifyHmac } from "./kit/signatures.ts";
import { findSmtp, isSenders, smtpReason } from "./kit/smtp.ts";

/**
 * https://github.com/lettermint/lettermint-node : its type WebhookEvent. Left to `unknown`: message.inbound (mail that
 * comes in) and suppression.added and .removed (the list may change by hand, or for what another event tells anyway).
 */
const TYPES = table<EventType>({
  "message.created": "queued",
  "message.sent": "sent",
  "message.delivered": "delivered",
  "message.soft_bounced": "bounced",
  "message.hard_bounced": "bounced", // or blocked, as the soft ones
  "message.policy_rejected": "blocked", // or dropped, see typeOf
  "message.suppressed": "dropped",
  "message.failed": "failed",
  "message.opened": "opened",
  "message.clicked": "clicked",
  "message.spam_complaint": "complained",
  "message.unsubscribed": "unsubscribed",
  "message.auto_replied": "autoresponded",
});

export const lettermint: Provider = {
  id: "lettermint",
  headers: [],
  verify: (request, credentials, context) =>
    verifyWithAny(credentials, (secret) => verifySigned(request, secret, context.now)),
  parse: (delivery) =>
    parseElements(delivery, jsonElements(delivery), (element, index) =>
      readElement(element, index, delivery),
    ),
};

/** How far the signed time may be from ours, both ways, in seconds: what Lettermint's library takes. */
const TOLERANCE = 300;
/** More signatures than a rotation of secrets needs are not looked at. */
const MOST_PARTS = 16;

/**
 * `X-Lettermint-Signature: t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 of `t.body` under the webhook's secret as it is
 * written. The time is that of the attempt, signed afresh for each (X-Lettermint-Delivery repeats it), so a retry stays
 * within the tolerance. Credentials: that secret; Lettermint always signs, so there is no other kind.
 */
async function verifySigned(request: InboundRequest, secret: string, now: number): Promise<VerifyResult> {
  const header = request.headers.get("x-lettermint-signature") ?? "";
  if (header === "") return fail("the signature header is missing");
  const parts = header.split(",").slice(0, MOST_PARTS);
  const times = valuesOf(parts, "t");
  const [timestamp] = times;
  if (timestamp === undefined || times.length > 1 || !/^\d{1,12}$/.test(timestamp))
    return fail("the signature's time is no Unix time");
  const age = now / 1000 - Number(timestamp);
  if (Math.abs(age) > TOLERANCE)
    return fail(age > 0 ? "the signature is too old" : "the signature is from the future");
  const encoder = new TextEncoder();
  const signed = concatenate(encoder.encode(`${timestamp}.`), request.body);
  let result: VerifyResult = fail("the signature is missing");
  for (const shown of valuesOf(parts, "v1")) {
    result = await verifyHmac(encoder.encode(secret), signed, shown);
    if (result.ok) return result;
  }
  return result;
}

function valuesOf(parts: readonly string[], name: string): string[] {
  return parts.flatMap((part) => {
    const [shown, value] = part.trim().split("=", 2);
    return shown === name && value !== undefined ? [value] : [];
  });
}

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  const event = text(element["event"])?.toLowerCase();
  if (event === undefined) return fail("event is missing");
  if (event === "webhook.test") return PING;
  const data = objectAt(element, "data");
  const contacts = recipients(namedIn(data));
  if (!contacts.ok) return contacts;
  const occurredAt = time(element["created_at"] ?? element["timestamp"]);
  if (occurredAt === "bad") return fail("created_at is not a time");
  const type = typeOf(event, smtpOf(data));
  const details = detailsOf(type, event, data);
  const core = {
    element: index,
    type,
    message_id: text(data["message_id"], LONGEST.id),
    occurredAt,
    receivedAt: delivery.receivedAt,
    distinguishing: [
      event,
      // Not alone the identity: nothing says how it is made, and the event's other fields cannot mix two up.
      text(element["id"], LONGEST.id),
      details.url,
      details.ip,
      details.user_agent,
      details.smtp?.response ?? null,
    ],
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

/** One `recipient`; where the mail as a whole is told of, all of its own; a suppressed address is a `value`. */
function namedIn(data: JsonObject): unknown[] {
  const one = data["recipient"] ?? data["email"];
  if (one !== undefined && one !== null) return [addressIn(one)];
  const all = [data["recipients"], data["to"], data["cc"], data["bcc"]].flat().map(addressIn);
  return data["type"] === "email" ? [...all, data["value"]] : all;
}

/** Recipients come bare or as `{ email, name }`. */
function addressIn(recipient: unknown): unknown {
  return isObject(recipient) ? recipient["email"] : recipient;
}

/**
 * "Policy rejected" does not say by whom; a receiving server would have answered something. And whether a bounce was a
 * refusal of the address, only the answer tells.
 */
function typeOf(event: string, smtp: Smtp | null): EventType {
  if (event === "message.policy_rejected" && smtp === null) return "dropped";
  const type = TYPES.get(event) ?? "unknown";
  return type === "bounced" && isSenders(smtpReason(smtp)) ? "blocked" : type;
}

/** `response`: the receiving server's, in parts or in one text. */
function smtpOf(data: JsonObject): Smtp | null {
  const response = data["response"];
  if (!isObject(response)) return findSmtp(response);
  const code = Number(text(response["status_code"]) ?? NaN);
  const content = text(response["content"], LONGEST.words);
  const told = {
    code: Number.isInteger(code) && code >= 200 && code < 600 ? code : null,
    enhanced: text(response["enhanced_status_code"]),
    response: content,
  };
  return told.code === null && told.enhanced === null && content === null ? null : told;
}

function reasonOf(type: EventType, event: string, smtp: Smtp | null): Reason | null {
  if (event === "message.policy_rejected") return "policy";
  if (type === "complained") return "spam";
  if (type === "dropped") return "suppressed";
  return type === "bounced" || type === "blocked" || type === "failed" ? smtpReason(smtp) : null;
}

function detailsOf(type: EventType, event: string, data: JsonObject) {
  const smtp = smtpOf(data);
  return {
    bounce: type !== "bounced" ? null : event === "message.hard_bounced" ? "hard" : "soft",
    reason: reasonOf(type, event, smtp),
    description: text(data["reason"], LONGEST.words) ?? smtp?.response ?? null,
    smtp,
    tags: tagsOf(data),
    metadata: metadata(data["metadata"]),
    url: text(data["url"], LONGEST.url),
    ip: text(data["ip"] ?? data["ip_address"]),
    user_agent: text(data["user_agent"], LONGEST.words),
    machine: flag(data["is_machine"] ?? data["machine"]),
  } satisfies Partial<EventDetails>;
}

/** The one `tag`, then those that have a name and a value. */
function tagsOf(data: JsonObject): string[] {
  const named = Array.isArray(data["tags"]) ? data["tags"].slice(0, LONGEST.tags) : [];
  return tags([
    data["tag"],
    ...named.map((tag) =>
      isObject(tag) ? [text(tag["name"]), text(tag["value"])].filter((part) => part !== null).join("=") : tag,
    ),
  ]);
}
