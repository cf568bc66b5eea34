// Mailjet's Event API: https://dev.mailjet.com/email/guides/webhooks/
// Version 1 posts one object, Version 2 ("group events") an array. There is no signature; Mailjet documents basic auth
// in the URL.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { noteUnknown } from "./kit/unknown-words.ts";
import {
  address,
  flag,
  LONGEST,
  makeEvent,
  metadata,
  table,
  text,
  time,
  whyNoAddress,
} from "./kit/fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import type { Delivery, Provider } from "./provider.ts";
import { judge, type Finding } from "./kit/refusal.ts";
import { readSmtp } from "./kit/smtp.ts";

/** https://dev.mailjet.com/email/guides/webhooks/#event-types ; Mailjet's `sent` is "accepted by the receiving server". */
const TYPES = table<EventType>(
  {
    sent: "delivered",
    open: "opened",
    click: "clicked",
    bounce: "bounced",
    blocked: "blocked",
    spam: "complained",
    unsub: "unsubscribed",
  },
  "type",
);

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

/** Errors of mails that Mailjet never tried to send: the address is on a list of its own, or the mail could not be made. */
const NEVER_TRIED = new Set([
  "preblocked",
  "blacklisted",
  "spam reporter",
  "duplicate in campaign",
  "bad or empty template",
  "error in template language",
]);

/** Reasons that lie with the sender, the content or a policy, even if Mailjet calls it a bounce. */
const SENDERS: ReadonlySet<Reason | null> = new Set<Reason>(["reputation", "content", "policy"]);

export const mailjet: Provider = {
  id: "mailjet",
  headers: [],
  ...provenByHead(verifySharedSecret),
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
  /** `mj_list_id` of an unsubscribe; 0 if it is about no list. */
  scopeOf: (element) => (isObject(element) ? positive(element["mj_list_id"]) : null),
};

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  const event = text(element["event"])?.toLowerCase();
  if (event === undefined) return fail("event is missing");
  if (isTestPost(element)) return PING;
  const contact = address(element["email"]);
  if (contact === null) return fail(whyNoAddress("email", element["email"]));
  const occurredAt = time(element["time"]);
  const { type, ...details } = meaningOf(event, element);
  const guid = text(element["Message_GUID"], LONGEST.id);
  const messageId = positive(element["MessageID"]);
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

/** What Mailjet itself says of the mail. Its words for dead addresses are its own finding, if it also calls it hard. */
function findingOf(event: string, element: JsonObject): Finding {
  const type = TYPES.get(event) ?? "unknown";
  if (type === "complained") return { type, bounce: null, reason: "spam" };
  if (type !== "bounced" && type !== "blocked") return { type, bounce: null, reason: null };
  const words = errorWords(element);
  const reason = reasonOf(words);
  if (text(element["comment"]) === null && words.some((word) => NEVER_TRIED.has(word)))
    return { type: "dropped", bounce: null, reason };
  if (type === "blocked" || SENDERS.has(reason)) return { type: "blocked", bounce: null, reason };
  const hard = flag(element["hard_bounce"]);
  // Greylisting is not a refusal: Mailjet itself tries again.
  if (words.includes("greylisted") && hard !== true) return { type: "deferred", bounce: null, reason };
  if (reason === "technical" || reason === "mailbox_full") return { type, bounce: "soft", reason };
  const isEvidence = hard === true && (reason === "invalid" || reason === "inactive");
  return { type, bounce: hard === null ? null : hard ? "hard" : "soft", reason, isEvidence };
}

/**
 * The error's words, from both error fields: captured requests have the word in `error_related_to`, with an empty
 * `error`.
 */
function errorWords(element: JsonObject): string[] {
  return [element["error"], element["error_related_to"]].flatMap((value) => text(value)?.toLowerCase() ?? []);
}

type Meaning = { type: EventType } & Partial<EventDetails> & Pick<EventDetails, "url" | "ip" | "user_agent">;

function meaningOf(event: string, element: JsonObject): Meaning {
  const found = findingOf(event, element);
  const comment = text(element["comment"], LONGEST.words);
  const smtp = readSmtp(element["smtp_reply"] ?? element["comment"]);
  const failed = event === "bounce" || event === "blocked";
  return {
    ...judge(found, smtp),
    description: failed ? (comment ?? errorText(element)) : text(element["source"], LONGEST.words),
    smtp,
    campaign: text(element["customcampaign"]) ?? positive(element["mj_campaign_id"]),
    custom_id: text(element["CustomID"], LONGEST.id),
    metadata: metadata(element["Payload"]),
    url: text(element["url"], LONGEST.url),
    ip: text(element["ip"]),
    geo: text(element["geo"]),
    user_agent: text(element["agent"], LONGEST.words),
  };
}

function reasonOf(words: readonly string[]): Reason | null {
  for (const word of words) {
    const reason = REASONS.get(word);
    if (reason !== undefined) return reason;
  }
  noteUnknown("reason", words.join(", "));
  return words.length > 0 ? "other" : null;
}

function errorText(element: JsonObject): string | null {
  const parts = [text(element["error_related_to"]), text(element["error"])].filter((part) => part !== null);
  return parts.length > 0 ? parts.join(": ") : null;
}
