// Mailjet's Event API: https://dev.mailjet.com/email/guides/webhooks/
// Version 1 posts one object, Version 2 ("group events") an array. There is no signature; Mailjet documents basic auth
// in the URL.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { address, flag, LONGEST, makeEvent, metadata, table, text, time } from "./kit/fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import type { Delivery, Provider } from "./provider.ts";
import { readSmtp } from "./kit/smtp.ts";

/** https://dev.mailjet.com/email/guides/webhooks/#event-types ; Mailjet's `sent` is "accepted by the receiving server". */
const TYPES = table<EventType>({
  sent: "delivered",
  open: "opened",
  click: "clicked",
  bounce: "bounced",
  blocked: "blocked",
  spam: "complained",
  unsub: "unsubscribed",
});

/** https://dev.mailjet.com/email/guides/webhooks/#possible-values-for-errors ; the words come in either error field. */
const REASONS = table<Reason>({
  "user unknown": "invalid",
  "mailbox inactive": "inactive",
  "quota exceeded": "mailbox_full",
  blacklisted: "suppressed",
  "spam reporter": "suppressed",
  "invalid domain": "invalid",
  "no mail host": "invalid",
  "relay/access denied": "policy",
  greylisted: "technical",
  typofix: "invalid",
  "bad or empty template": "content",
  "error in template language": "content",
  "sender blocked": "reputation",
  "content blocked": "content",
  "policy issue": "policy",
  "system issue": "technical",
  "protocol issue": "technical",
  "connection issue": "technical",
  preblocked: "suppressed",
  "duplicate in campaign": "duplicate",
});

/** Reasons of `blocked` events for mails that Mailjet never tried to send. */
const NEVER_TRIED = new Set([
  "preblocked",
  "duplicate in campaign",
  "bad or empty template",
  "error in template language",
]);

export const mailjet: Provider = {
  id: "mailjet",
  headers: [],
  ...provenByHead(verifySharedSecret),
  parse: (delivery) =>
    parseElements(delivery, jsonElements(delivery), (element, index) =>
      readElement(element, index, delivery),
    ),
  /** `mj_list_id` of an unsubscribe; 0 if it is about no list. */
  scopeOf: (element) => (isObject(element) ? positive(element["mj_list_id"]) : null),
};

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  const event = text(element["event"])?.toLowerCase();
  if (event === undefined) return fail("event is missing");
  if (isTestPost(element)) return PING;
  const contact = address(element["email"]);
  if (contact === null)
    return fail(text(element["email"]) === null ? "email is missing" : "email is not an address");
  const occurredAt = time(element["time"]);
  const type = typeOf(event, element);
  const guid = text(element["Message_GUID"], LONGEST.id);
  const messageId = positive(element["MessageID"]);
  const details = detailsOf(type, element);
  return ok([
    makeEvent(
      {
        element: index,
        type,
        contact,
        message_id: messageId ?? guid,
        occurredAt,
        receivedAt: delivery.receivedAt,
        // The event's own word, so that two kinds that share a type (such as unknown ones) stay apart.
        distinguishing: [event, details.url, details.ip, details.user_agent, positive(element["mj_list_id"])],
      },
      details,
    ),
  ]);
}

/**
 * Whether the element is a test: the "send test" button posts an object with a real time but no mail: MessageID 0,
 * email "", and "" in place of ids and booleans.
 */
function isTestPost(element: JsonObject): boolean {
  return text(element["email"]) === null && positive(element["MessageID"]) === null;
}

/** An id as text; null for 0, "" and absent, which all mean "none" here. */
function positive(value: unknown): string | null {
  const id = text(value, LONGEST.id);
  return id === "0" ? null : id;
}

function typeOf(event: string, element: JsonObject): EventType {
  const type = TYPES.get(event) ?? "unknown";
  const words = errorWords(element);
  if (type === "blocked" && words.some((word) => NEVER_TRIED.has(word))) return "dropped";
  // Greylisting is not a refusal: Mailjet itself tries again.
  if (type === "bounced" && words.includes("greylisted") && flag(element["hard_bounce"]) !== true)
    return "deferred";
  return type;
}

/**
 * The error's words, from both error fields: captured requests have the word in `error_related_to`, with an empty
 * `error`.
 */
function errorWords(element: JsonObject): string[] {
  return [element["error"], element["error_related_to"]].flatMap((value) => text(value)?.toLowerCase() ?? []);
}

function detailsOf(
  type: EventType,
  element: JsonObject,
): Partial<EventDetails> & Pick<EventDetails, "url" | "ip" | "user_agent"> {
  const failed = type === "bounced" || type === "blocked" || type === "dropped" || type === "deferred";
  const comment = text(element["comment"], LONGEST.words);
  return {
    bounce: type === "bounced" ? bounceOf(flag(element["hard_bounce"])) : null,
    reason: failed ? reasonOf(element) : type === "complained" ? "spam" : null,
    description: failed ? (comment ?? errorText(element)) : text(element["source"], LONGEST.words),
    smtp: readSmtp(element["smtp_reply"] ?? element["comment"]),
    campaign: text(element["customcampaign"]) ?? positive(element["mj_campaign_id"]),
    custom_id: text(element["CustomID"], LONGEST.id),
    metadata: metadata(element["Payload"]),
    url: text(element["url"], LONGEST.url),
    ip: text(element["ip"]),
    geo: text(element["geo"]),
    user_agent: text(element["agent"], LONGEST.words),
  };
}

function bounceOf(hard: boolean | null): "hard" | "soft" | null {
  return hard === null ? null : hard ? "hard" : "soft";
}

function reasonOf(element: JsonObject): Reason | null {
  const words = errorWords(element);
  for (const word of words) {
    const reason = REASONS.get(word);
    if (reason !== undefined) return reason;
  }
  return words.length > 0 ? "other" : null;
}

function errorText(element: JsonObject): string | null {
  const parts = [text(element["error_related_to"]), text(element["error"])].filter((part) => part !== null);
  return parts.length > 0 ? parts.join(": ") : null;
}
