// Maps Mailgun's events to types, and reads their details.

import type { EventDetails, EventType, Reason, Smtp } from "../../model/event.ts";
import { bounceClass, countryCode, LONGEST, metadata, objectAt, table, tags, text } from "../kit/fields.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { judge, type Finding } from "../kit/refusal.ts";
import { readSmtp } from "../kit/smtp.ts";

/** https://documentation.mailgun.com/docs/mailgun/user-manual/events/events ; the last three are legacy words. */
const TYPES = table<EventType>(
  {
    accepted: "queued",
    rejected: "dropped",
    delivered: "delivered",
    failed: "bounced",
    opened: "opened",
    clicked: "clicked",
    unsubscribed: "unsubscribed",
    complained: "complained",
    bounced: "bounced",
    dropped: "bounced",
    blocked: "blocked",
  },
  "type",
);

/** `reason` of mails that Mailgun did not try to send. */
const SUPPRESSIONS = table<Reason>({
  "suppress-bounce": "suppressed",
  "suppress-complaint": "suppressed",
  "suppress-unsubscribe": "unsubscribed",
});

/** The same reasons by Mailgun's own code (`delivery-status.code`). */
const SUPPRESSION_CODES = table<Reason>({
  "605": "suppressed", // bounced before
  "606": "unsubscribed",
  "607": "suppressed", // complained before
  "625": "suppressed",
});

const TOO_OLD = "602";

/** The meaning of a Mailgun event, with the receiving server's reply if there is one. */
export interface Meaning {
  type: EventType;
  bounce: "hard" | "soft" | null;
  reason: Reason | null;
  smtp: Smtp | null;
}

/** The type, and for mails that did not arrive the reason. */
export function meaningOf(word: string, data: JsonObject): Meaning {
  const type = TYPES.get(word) ?? "unknown";
  const smtp = type === "bounced" || type === "blocked" || type === "delivered" ? replyOf(data) : null;
  if (type === "bounced" || type === "blocked") {
    const found = type === "blocked" ? { type, bounce: null, reason: null } : failureOf(word, data, smtp);
    return { ...judge(found, smtp, descriptionOf(data)), smtp: found.type === "dropped" ? null : smtp };
  }
  const reason: Reason | null = type === "complained" ? "spam" : type === "dropped" ? "policy" : null;
  return { type, bounce: null, reason, smtp };
}

/** What Mailgun itself says of a failure. `reason` says why it gave up, not what the server meant. */
function failureOf(word: string, data: JsonObject, smtp: Smtp | null): Finding {
  const status = objectAt(data, "delivery-status");
  const severity = text(data["severity"])?.toLowerCase() ?? null;
  const why = text(data["reason"])?.toLowerCase() ?? "";
  const code = text(status["code"]) ?? "";
  if (severity === "temporary") return { type: "deferred", bounce: null, reason: null };
  const suppressed = SUPPRESSIONS.get(why) ?? SUPPRESSION_CODES.get(code);
  if (suppressed !== undefined || why.startsWith("suppress-"))
    return { type: "dropped", bounce: null, reason: suppressed ?? "suppressed" };
  if (why === "espblock") return { type: "blocked", bounce: null, reason: "reputation" };
  // Mailgun gave up after hours of temporary refusals, which is weaker evidence about the address than "permanent"
  // suggests.
  if (why === "old" || code === TOO_OLD || /^4\d\d$/.test(code))
    return { type: "bounced", bounce: "soft", reason: "timed_out" };
  // A legacy drop without a server's reply means that delivery was never tried.
  if (word === "dropped" && smtp?.code === undefined)
    return { type: "dropped", bounce: null, reason: "other" };
  const permanent = severity === "permanent" || word !== "failed" || /^5\d\d$/.test(code);
  const bounce = permanent ? "hard" : bounceClass(text(status["bounce-type"]));
  return { type: "bounced", bounce, reason: null };
}

const isSmtpCode = (code: number): boolean => Number.isInteger(code) && code >= 200 && code <= 599;
const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3}$/;

/** The reply from its parts, any of which may be null or "". */
function replyOf(data: JsonObject): Smtp | null {
  const status = objectAt(data, "delivery-status");
  const read = readSmtp(text(status["message"], LONGEST.words) ?? status["description"]);
  const code = Number(text(status["code"]) ?? NaN);
  if (!isSmtpCode(code)) return null; // a code of Mailgun's own, with Mailgun's own words
  const codes = [text(status["enhanced-code"]), text(status["bounce-code"])];
  const enhanced = codes.find((value) => value !== null && ENHANCED.test(value)) ?? read?.enhanced ?? null;
  return { code, enhanced, response: read?.response ?? null };
}

type Details = Partial<EventDetails> & Pick<EventDetails, "url" | "ip" | "user_agent">;

/** The details of an event beside its type. */
export function detailsOf({ type, bounce, reason, smtp }: Meaning, data: JsonObject): Details {
  const client = objectAt(data, "client-info");
  return {
    bounce,
    reason,
    description: type === "delivered" ? null : descriptionOf(data),
    smtp,
    campaign: campaignOf(data["campaigns"]),
    tags: tags(data["tags"]),
    metadata: metadata(data["user-variables"]),
    url: text(data["url"], LONGEST.url),
    ip: text(data["ip"]),
    geo: countryCode(objectAt(data, "geolocation")["country"]),
    user_agent: text(client["user-agent"], LONGEST.words),
    machine: type === "opened" || type === "clicked" ? isMachine(client) : null,
  };
}

function descriptionOf(data: JsonObject): string | null {
  const status = objectAt(data, "delivery-status");
  const reject = objectAt(data, "reject");
  const words = [
    status["message"],
    status["description"],
    reject["description"],
    reject["reason"],
    data["reason"],
  ];
  for (const value of words) {
    const firstWords = text(value, LONGEST.words);
    if (firstWords !== null) return firstWords;
  }
  return null;
}

function campaignOf(campaigns: unknown): string | null {
  const first: unknown = Array.isArray(campaigns) ? campaigns[0] : null;
  return isObject(first) ? (text(first["name"]) ?? text(first["id"])) : text(first);
}

/**
 * Whether a machine opened or clicked: `bot` names the machine ("apple", "gmail", ...) and is "" for people; older
 * events only have the type "robot".
 */
function isMachine(client: JsonObject): boolean | null {
  if (text(client["client-type"])?.toLowerCase() === "robot") return true;
  return typeof client["bot"] === "string" ? text(client["bot"]) !== null : null;
}
