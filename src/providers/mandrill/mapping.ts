// Maps Mandrill's events to types, and reads their details.

import type { EventDetails, EventType, Reason } from "../../model/event.ts";
import { countryCode, LONGEST, metadata, objectAt, table, tags, text } from "../kit/fields.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { judge } from "../kit/refusal.ts";
import { readSmtp } from "../kit/smtp.ts";

/** https://mailchimp.com/developer/transactional/docs/webhooks/#understanding-webhook-events */
const TYPES = table<EventType>(
  {
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
  },
  "type",
);

const BOUNCES = table<"hard" | "soft">({ hard_bounce: "hard", soft_bounce: "soft" });

/**
 * `bgtools_code`: the classes of BounceStudio, https://www.boogietools.com/Products/BounceStudio-Technical-Info.asp ,
 * with the type that replaces a bounce. The classes from 50 to 59 are refusals of the sender or the content; 60 and 100
 * are replies by machines to a mail that arrived.
 */
const BOUNCE_CODES = table<readonly [Reason | null, EventType?]>(
  {
    "10": ["invalid"],
    "21": ["technical"], // DNS
    "22": ["mailbox_full"],
    "23": ["content", "blocked"], // too large
    "24": ["timed_out"],
    "30": ["invalid"],
    "50": ["policy", "blocked"],
    "51": ["reputation", "blocked"],
    "52": ["content", "blocked"],
    "53": ["content", "blocked"],
    "54": ["policy", "blocked"], // relaying denied
    "60": [null, "autoresponded"],
    "70": ["technical"],
    "80": [null, "autoresponded"], // asks for a subscription; too little to lift an unsubscribe
    "90": [null, "unsubscribed"],
    "100": [null, "autoresponded"], // challenge and response
  },
  "reason",
);

/** Classes that are no evidence about the address, even after the last try: full, too slow, out of order. */
const PASSING: ReadonlySet<string> = new Set(["22", "24", "70"]);

/**
 * `bounce_description`, which names the same classes. Only two of them were seen ("bad_mailbox", "mailbox_full"); the
 * others are guesses after the classes' names.
 */
const BOUNCE_WORDS = table<string>(
  {
    bad_mailbox: "10",
    invalid_domain: "10",
    dns_failure: "21",
    mailbox_full: "22",
    message_too_large: "23",
    timeout: "24",
    blocked: "50",
    spam_block: "51",
    spam_content: "52",
    relay_denied: "54",
    auto_reply: "60",
  },
  "reason",
);

/**
 * https://mailchimp.com/developer/transactional/docs/reputation-rejections/ : `msg.reject`, why the mail was never
 * sent.
 */
const REJECTIONS = table<Reason>(
  {
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
  },
  "reason",
);

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
  const msg = objectAt(element, "msg");
  const failed = mappedType === "bounced" || mappedType === "deferred";
  const reply = text(msg["diag"], LONGEST.words) ?? lastReply(msg["smtp_events"]);
  const smtp = failed || mappedType === "delivered" ? readSmtp(reply) : null;
  const rejection = rejectionOf(msg);
  const code = text(msg["bgtools_code"]) ?? BOUNCE_WORDS.get(text(msg["bounce_description"]) ?? "") ?? "";
  const [reason, instead] = (mappedType === "bounced" && BOUNCE_CODES.get(code)) || [null];
  const { type, ...meaning } = judge(
    {
      type: instead ?? mappedType,
      bounce: instead !== undefined ? null : PASSING.has(code) ? "soft" : (BOUNCES.get(word) ?? null),
      reason: mappedType === "bounced" ? reason : reasonOf(mappedType, rejection),
      isEvidence: code === "10",
    },
    smtp,
    reply,
  );
  const description = descriptionOf(mappedType, msg, rejection) ?? (failed ? reply : null);
  return {
    type,
    details: {
      ...detailsOf(element, msg),
      ...meaning,
      description: description ?? (failed ? null : listDetail(listEntry(element))),
      smtp,
    },
  };
}

type Details = Partial<EventDetails> & Pick<EventDetails, "url" | "ip" | "user_agent">;

function detailsOf(element: JsonObject, msg: JsonObject): Details {
  return {
    tags: tags(msg["tags"]),
    metadata: metadata(msg["metadata"]), // PHP writes empty metadata as []
    url: text(element["url"], LONGEST.url),
    ip: text(element["ip"]),
    geo: countryCode(objectAt(element, "location")["country_short"]),
    user_agent: text(element["user_agent"], LONGEST.words),
  };
}

/** Why the mail was never sent: a word, alone or in an object. */
function rejectionOf(msg: JsonObject): string | null {
  return text(objectAt(msg, "reject")["reason"]) ?? text(msg["reject"]);
}

/** The receiving server's last reply, used if `diag` is absent. */
function lastReply(events: unknown): string | null {
  const last: unknown = Array.isArray(events) ? events.at(-1) : null;
  return isObject(last) ? text(last["diag"], LONGEST.words) : null;
}

function reasonOf(type: EventType, rejection: string | null): Reason | null {
  if (type === "complained") return "spam";
  if (type !== "dropped" || rejection === null) return null;
  return REJECTIONS.get(rejection.toLowerCase().replaceAll("_", "-")) ?? "other";
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
