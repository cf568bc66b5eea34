// Lettermint's webhooks: https://docs.lettermint.co/ ; the words and the signature are those of its own library,
// https://github.com/lettermint/lettermint-node . One object per request: { id, event, created_at, data }.

import { fail, ok, type Result } from "../lib/result.ts";
import type { EventDetails, EventType, Reason, Smtp } from "../model/event.ts";
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
import { LONGEST_SINGLE, provenBySignature } from "./kit/proof.ts";
import type {
  Delivery,
  InboundRequest,
  Provider,
  RequestHead,
  VerifyContext,
  VerifyResult,
} from "./provider.ts";
import { concatenate, verifyHmac } from "./kit/signatures.ts";
import { judge, type Finding } from "./kit/refusal.ts";
import { findSmtp, readSmtp, smtpOf } from "./kit/smtp.ts";

/**
 * https://github.com/lettermint/lettermint-node : its type WebhookEvent. Not listed, and so `unknown`: message.inbound
 * (mail that comes in), and suppression.added and .removed (a list may be changed by hand, or because of an event that
 * is reported anyway).
 */
const TYPES = table<EventType>(
  {
    "message.created": "queued",
    "message.sent": "sent",
    "message.delivered": "delivered",
    "message.soft_bounced": "bounced",
    "message.hard_bounced": "bounced", // or blocked, like soft bounces
    "message.policy_rejected": "blocked", // or dropped, see typeOf
    "message.suppressed": "dropped",
    "message.failed": "failed",
    "message.opened": "opened",
    "message.clicked": "clicked",
    "message.spam_complaint": "complained",
    "message.unsubscribed": "unsubscribed",
    "message.auto_replied": "autoresponded",
  },
  "type",
);

/** When it happened, inside of `data`; the time outside is when the report was made. The first three were seen. */
const OWN_TIMES = table<string>({
  "message.clicked": "clicked_at",
  "message.opened": "opened_at",
  "message.unsubscribed": "unsubscribed_at",
  "message.delivered": "delivered_at",
  "message.hard_bounced": "bounced_at",
  "message.soft_bounced": "bounced_at",
  "message.spam_complaint": "complained_at",
});

export const lettermint: Provider = {
  id: "lettermint",
  headers: [],
  ...provenBySignature({
    kindOf: (credential) => ({ key: credential }), // Lettermint always signs
    lacking: (head, _key, { now }) => {
      const signature = readSignature(head, now);
      return signature.ok ? null : signature.reason;
    },
    verifyKey: verifySigned,
  }),
  longestSigned: LONGEST_SINGLE,
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
  scopeOf,
};

/**
 * The route or project that an unsubscribe holds for; Lettermint's suppressions also hold for a team or everywhere. That
 * events name it like the API's suppressions do is a guess.
 */
function scopeOf(element: unknown): string | null {
  const data = isObject(element) ? objectAt(element, "data") : {};
  const scope = text(data["scope"])?.toLowerCase();
  if (scope === "global" || scope === "team") return null;
  const route = text(data["route_id"]) ?? text(objectAt(data, "route")["id"]) ?? text(data["route"]);
  return scope === "project" ? text(data["project_id"]) : (route ?? text(data["project_id"]));
}

/**
 * How far the signed time may differ from ours in either direction, in seconds; Lettermint's library accepts the same.
 */
const TOLERANCE = 300;
/** The most parts of the header that are read, more than a rotation of secrets needs. */
const MOST_PARTS = 16;

/**
 * `X-Lettermint-Signature: t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 of `t.body` under the webhook's secret as it is
 * written. The time is that of the attempt, and each attempt is signed afresh (X-Lettermint-Delivery repeats the time),
 * so a retry stays within the tolerance. Credentials: that secret; Lettermint always signs, so no other kind is
 * accepted.
 */
async function verifySigned(
  request: InboundRequest,
  secret: string,
  { now }: VerifyContext,
): Promise<VerifyResult> {
  const signature = readSignature(request, now);
  if (!signature.ok) return signature;
  const { timestamp, presented } = signature.value;
  const encoder = new TextEncoder();
  const signed = concatenate(encoder.encode(`${timestamp}.`), request.body);
  let result: VerifyResult = fail("the signature is missing");
  for (const one of presented) {
    result = await verifyHmac(encoder.encode(secret), signed, one);
    if (result.ok) return result;
  }
  return result;
}

/** The header's time, which must be near now, and its signatures. */
function readSignature(
  { headers }: RequestHead,
  now: number,
): Result<{ timestamp: string; presented: string[] }> {
  const header = headers.get("x-lettermint-signature") ?? "";
  if (header === "") return fail("the signature header is missing");
  const parts = header.split(",").slice(0, MOST_PARTS);
  const times = valuesOf(parts, "t");
  const [timestamp] = times;
  if (timestamp === undefined || times.length > 1 || !/^\d{1,12}$/.test(timestamp))
    return fail("the signature's time is no Unix time");
  const age = now / 1000 - Number(timestamp);
  if (Math.abs(age) > TOLERANCE)
    return fail(age > 0 ? "the signature is too old" : "the signature is from the future");
  return ok({ timestamp, presented: valuesOf(parts, "v1") });
}

function valuesOf(parts: readonly string[], name: string): string[] {
  return parts.flatMap((part) => {
    const [partName, value] = part.trim().split("=", 2);
    return partName === name && value !== undefined ? [value] : [];
  });
}

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  const event = text(element["event"])?.toLowerCase();
  if (event === undefined) return fail("event is missing");
  if (event === "webhook.test") return PING;
  const data = objectAt(element, "data");
  const contacts = recipients(namedIn(data));
  if (!contacts.ok) return contacts;
  const ownTime = time(data[OWN_TIMES.get(event) ?? ""]);
  const occurredAt =
    typeof ownTime === "number" ? ownTime : time(element["created_at"] ?? element["timestamp"]);
  const { type, ...details } = meaningOf(event, data);
  const core = {
    element: index,
    type,
    message_id: text(data["message_id"], LONGEST.id),
    occurredAt,
    receivedAt: delivery.receivedAt,
    distinguishing: [
      event,
      // Not used alone as the identity: how the id is made is undocumented, and the event's other fields cannot confuse
      // two events.
      text(element["id"], LONGEST.id),
      details.url,
      details.ip,
      details.user_agent,
      details.smtp?.response ?? null,
    ],
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

/**
 * The values that name recipients: one `recipient`; all recipients if the report is about the whole mail; `value` for a
 * suppressed address.
 */
function namedIn(data: JsonObject): unknown[] {
  const single = data["recipient"] ?? data["email"];
  if (single !== undefined && single !== null) return [addressIn(single)];
  const all = [data["recipients"], data["to"], data["cc"], data["bcc"]].flat().map(addressIn);
  return data["type"] === "email" ? [...all, data["value"]] : all;
}

/** The address of a recipient, which is either bare or `{ email, name }`. */
function addressIn(recipient: unknown): unknown {
  return isObject(recipient) ? recipient["email"] : recipient;
}

/** The receiving server's answer from `response`, in parts or as one text. */
function replyOf(data: JsonObject): Smtp | null {
  const response = data["response"];
  if (!isObject(response)) return findSmtp(response);
  const words = text(response["content"] ?? response["message"], LONGEST.words);
  const code = response["status_code"] ?? response["code"];
  const status = response["enhanced_status_code"] ?? response["enhanced_code"];
  return smtpOf({ code, status, words }) ?? readSmtp(words);
}

/**
 * What Lettermint itself says. "Policy rejected" does not name who rejected the mail; a receiving server would have
 * answered.
 */
function findingOf(event: string, smtp: Smtp | null): Finding {
  const type = TYPES.get(event) ?? "unknown";
  if (event === "message.policy_rejected")
    return { type: smtp === null ? "dropped" : type, bounce: null, reason: "policy" };
  if (type === "bounced")
    return { type, bounce: event === "message.hard_bounced" ? "hard" : "soft", reason: null };
  const reason: Reason | null = type === "complained" ? "spam" : type === "dropped" ? "suppressed" : null;
  return { type, bounce: null, reason };
}

function meaningOf(event: string, data: JsonObject) {
  const smtp = replyOf(data);
  const reason = text(data["reason"], LONGEST.words);
  const bot = data["bot"];
  return {
    ...judge(findingOf(event, smtp), smtp, reason),
    description: smtp?.response ?? reason,
    smtp,
    tags: tagsOf(data),
    metadata: metadata(data["metadata"]),
    // The sender's own link: `url` may be the one that counts clicks.
    url: text(data["destination_url"] ?? data["url"] ?? data["link"], LONGEST.url),
    ip: text(data["ip"] ?? data["ip_address"]),
    user_agent: text(data["user_agent"], LONGEST.words),
    // `bot.machine` is Lettermint's verdict over all; the others are older or guessed names.
    machine: flag(
      isObject(bot) ? (bot["machine"] ?? bot["detected"]) : (data["is_machine"] ?? data["machine"] ?? bot),
    ),
  } satisfies Partial<EventDetails> & { type: EventType };
}

/** The tags: the one `tag`, then the tags that have a name and a value. */
function tagsOf(data: JsonObject): string[] {
  const named = Array.isArray(data["tags"]) ? data["tags"].slice(0, LONGEST.tags) : [];
  return tags([
    data["tag"],
    ...named.map((tag) =>
      isObject(tag) ? [text(tag["name"]), text(tag["value"])].filter((part) => part !== null).join("=") : tag,
    ),
  ]);
}
