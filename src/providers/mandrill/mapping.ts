// Maps Mandrill's events to types, and reads their details.

import type { EventDetails, EventType, Reason } from "../../model/event.ts";
import { countryCode, LONGEST, metadata, objectAt, table, tags, text } from "../kit/fields.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { isSenders, readSmtp, smtpReason } from "../kit/smtp.ts";

/** https://mailchimp.com/developer/transactional/docs/webhooks/#understanding-webhook-events */
const TYPES = table<EventType>({
  send: "sent",
  deferral: "deferred",
  delivered: "delivered",
  hard_bounce: "bounced",
  soft_bounce: "bounced",
  reject: "dropped",
  open: "opened",
  click: "clicked",
  spam: "complained",
  unsub: "unsubscribed",
});

const BOUNCES = table<"hard" | "soft">({ hard_bounce: "hard", soft_bounce: "soft" });

/**
 * `bgtools_code`: the classes of BounceStudio, https://www.boogietools.com/Products/BounceStudio-Technical-Info.asp .
 * The classes from 50 to 59 are refusals of the sender or the content.
 */
const BOUNCE_CODES = table<Reason>({
  "10": "invalid",
  "21": "technical", // DNS
  "22": "mailbox_full",
  "23": "content", // too large
  "30": "invalid",
  "50": "policy",
  "51": "reputation",
  "52": "content",
  "53": "content",
  "54": "policy", // relaying denied
});

/**
 * https://mailchimp.com/developer/transactional/docs/reputation-rejections/ : `msg.reject`, why the mail was never
 * sent.
 */
const REJECTIONS = table<Reason>({
  "hard-bounce": "suppressed",
  "soft-bounce": "suppressed",
  spam: "suppressed",
  custom: "suppressed",
  unsub: "unsubscribed",
  invalid: "invalid",
  "invalid-sender": "policy",
  unsigned: "policy",
  rule: "policy",
  "test-mode-limit": "policy",
});

/** The word of a sync event, such as "blacklist add"; null for other events. */
export function syncWord(element: JsonObject): string | null {
  const list = text(element["type"]);
  return list === null ? null : [list, text(element["action"])].filter((word) => word !== null).join(" ");
}

/** The list entry that a sync event is about: `reject` on the blacklist, `entry` on the whitelist. */
export function listEntry(element: JsonObject): JsonObject {
  return isObject(element["reject"]) ? element["reject"] : objectAt(element, "entry");
}

/** The type for the event's word, and the details of the element. */
export function readDetails(word: string, element: JsonObject): { type: EventType; details: Details } {
  const mappedType = TYPES.get(word) ?? "unknown";
  const details = detailsOf(mappedType, element, objectAt(element, "msg"));
  const type = mappedType === "bounced" && isSenders(details.reason) ? "blocked" : mappedType;
  const bounce = type === "bounced" ? (BOUNCES.get(word) ?? null) : null;
  return { type, details: { ...details, bounce } };
}

type Details = Partial<EventDetails> &
  Pick<EventDetails, "reason" | "description" | "url" | "ip" | "user_agent">;

function detailsOf(type: EventType, element: JsonObject, msg: JsonObject): Details {
  const failed = type === "bounced" || type === "deferred";
  const reply = text(msg["diag"], LONGEST.words) ?? lastReply(msg["smtp_events"]);
  const smtp = failed || type === "delivered" ? readSmtp(reply) : null;
  const rejection = text(objectAt(msg, "reject")["reason"]) ?? text(msg["reject"]);
  return {
    reason: reasonOf(type, msg, rejection) ?? (failed ? smtpReason(smtp) : null),
    description: descriptionOf(type, msg, rejection) ?? (failed ? reply : listDetail(listEntry(element))),
    smtp,
    tags: tags(msg["tags"]),
    metadata: metadata(msg["metadata"]), // PHP writes empty metadata as []
    url: text(element["url"], LONGEST.url),
    ip: text(element["ip"]),
    geo: countryCode(objectAt(element, "location")["country_short"]),
    user_agent: text(element["user_agent"], LONGEST.words),
  };
}

/** The receiving server's last reply, used if `diag` is absent. */
function lastReply(events: unknown): string | null {
  const last: unknown = Array.isArray(events) ? events.at(-1) : null;
  return isObject(last) ? text(last["diag"], LONGEST.words) : null;
}

function reasonOf(type: EventType, msg: JsonObject, rejection: string | null): Reason | null {
  if (type === "complained") return "spam";
  if (type === "bounced") return BOUNCE_CODES.get(text(msg["bgtools_code"]) ?? "") ?? null;
  if (type !== "dropped" || rejection === null) return null;
  return REJECTIONS.get(rejection) ?? "other";
}

function descriptionOf(type: EventType, msg: JsonObject, rejection: string | null): string | null {
  if (type === "dropped") return rejection;
  if (type !== "bounced") return null;
  return text(msg["diag"], LONGEST.words) ?? text(msg["bounce_description"], LONGEST.words);
}

/**
 * Why an address is on one of the account's lists: "hard-bounce", or the user's own note; null if neither is present.
 */
export function listDetail(entry: JsonObject): string | null {
  return text(entry["detail"], LONGEST.words) ?? text(entry["reason"], LONGEST.words);
}
