// SendPulse's SMTP webhooks: https://sendpulse.com/integrations/api/smtp#webhooks
// An array of events, posted every 30 seconds or in batches of 500. Nothing is signed and no event has an id.

import { fail, ok } from "../lib/result.ts";
import type { EventType, Reason, Smtp } from "../model/event.ts";
import { verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { address, LONGEST, makeEvent, table, text, time } from "./kit/fields.ts";
import type { JsonObject } from "./kit/json.ts";
import type { Delivery, Provider } from "./provider.ts";
import { isSenders, readSmtp, smtpReason } from "./kit/smtp.ts";

/** https://sendpulse.com/integrations/api/smtp#webhooks ; it spells the same event in several ways. */
const TYPES = table<EventType>({
  delivered: "delivered",
  undelivered: "bounced", // or another type, see typeOf
  hard_bounces: "bounced", // or blocked, like soft bounces
  soft_bounces: "bounced",
  open: "opened",
  opened: "opened",
  click: "clicked",
  clicked: "clicked",
  spam: "complained",
  spam_by_user: "complained",
  unsubscribe: "unsubscribed",
  unsubscribed: "unsubscribed",
  resubscribe: "subscribed",
  resubscribed: "subscribed",
});

export const sendpulse: Provider = {
  id: "sendpulse",
  headers: [],
  /** Credentials: `user:password` or a token, both of which SendPulse takes as part of the URL. */
  ...provenByHead(verifySharedSecret),
  parse: (delivery) =>
    parseElements(delivery, jsonElements(delivery), (element, index) =>
      readElement(element, index, delivery),
    ),
};

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  if (Object.keys(element).length === 0) return PING;
  const word = text(element["event"])?.toLowerCase();
  if (word === undefined) return fail("event is missing");
  const recipient = element["recipient"] ?? element["email"];
  const contact = address(recipient);
  if (contact === null)
    return fail(text(recipient) === null ? "recipient is missing" : "recipient is not an address");
  const occurredAt = time(element["timestamp"]);
  const smtp = smtpOf(element);
  const type = typeOf(word, smtp);
  const url = text(element["link_url"] ?? element["url"], LONGEST.url);
  const ip = text(element["ip"]);
  const user_agent = text(element["user_agent"], LONGEST.words);
  const core = {
    element: index,
    type,
    contact,
    message_id: messageIdOf(element),
    occurredAt,
    receivedAt: delivery.receivedAt,
    distinguishing: [word, url, ip, user_agent],
  };
  const details = {
    bounce: type === "bounced" ? bounceOf(word, smtp) : null,
    reason: reasonOf(type, smtp),
    description: smtp?.response ?? null,
    smtp,
    url,
    ip,
    user_agent,
  };
  return ok([makeEvent(core, details)]);
}

/** The mail's id, a number that may exceed 2^53; null for 0. */
function messageIdOf(element: JsonObject): string | null {
  const id = text(element["message_id"], LONGEST.id);
  return id === "0" ? null : id;
}

/**
 * The type of an event. `undelivered` without an answer of the receiving server is no refusal. And only the server's
 * answer shows whether a bounce refused the address.
 */
function typeOf(word: string, smtp: Smtp | null): EventType {
  if (word === "undelivered" && smtp === null) return "failed";
  const type = TYPES.get(word) ?? "unknown";
  return type === "bounced" && isSenders(smtpReason(smtp)) ? "blocked" : type;
}

function reasonOf(type: EventType, smtp: Smtp | null): Reason | null {
  if (type === "complained") return "spam";
  return type === "bounced" || type === "blocked" ? smtpReason(smtp) : null;
}

/**
 * Hard or soft; `undelivered` alone shows neither. A 4yz reply is temporary, while a 5yz reply may also be about
 * content.
 */
function bounceOf(word: string, smtp: Smtp | null): "hard" | "soft" | null {
  if (word === "hard_bounces") return "hard";
  if (word === "soft_bounces") return "soft";
  return String(smtp?.code).startsWith("4") ? "soft" : null;
}

/** The reply, whose code and words are in separate fields; the code is 0 or "" if no server answered. */
function smtpOf(element: JsonObject): Smtp | null {
  const responseCode = text(element["smtp_server_response_code"]) ?? "";
  const code = /^[245]\d\d$/.test(responseCode) ? Number(responseCode) : null;
  const words = readSmtp(element["smtp_server_response"]);
  if (code === null) return words;
  return { code, enhanced: words?.enhanced ?? null, response: words?.response ?? null };
}
