// SendPulse's SMTP webhooks: https://sendpulse.com/integrations/api/smtp#webhooks
// An array of events, posted every 30 seconds or in batches of 500. Nothing is signed and no event has an id. The
// webhooks of its bulk mail service have the same form, with words of their own; they are read as reports of them have
// become known, without documentation.

import { fail, ok } from "../lib/result.ts";
import type { EventType, Smtp } from "../model/event.ts";
import { verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { address, flag, LONGEST, makeEvent, table, text, time, whyNoAddress } from "./kit/fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import { filled } from "./kit/loose-fields.ts";
import type { Delivery, Provider } from "./provider.ts";
import { judge, type Judgement } from "./kit/refusal.ts";
import { replyOf } from "./kit/smtp.ts";

/**
 * https://sendpulse.com/integrations/api/smtp#webhooks ; it spells the same event in several ways. `redirect` is the
 * bulk service's word for a click. Its `new_emails` only says that addresses were put into a book, by whomever, so it is
 * no subscription.
 */
const TYPES = table<EventType>(
  {
    delivered: "delivered",
    undelivered: "bounced", // or another type, see meaningOf
    hard_bounces: "bounced",
    hard_bounce: "bounced",
    soft_bounces: "bounced",
    soft_bounce: "bounced",
    open: "opened",
    opened: "opened",
    click: "clicked",
    clicked: "clicked",
    redirect: "clicked",
    spam: "complained",
    spam_by_user: "complained",
    unsubscribe: "unsubscribed",
    unsubscribed: "unsubscribed",
    subscribe: "subscribed",
    subscribed: "subscribed",
    resubscribe: "subscribed",
    resubscribed: "subscribed",
  },
  "type",
);

export const sendpulse: Provider = {
  id: "sendpulse",
  headers: [],
  /** Credentials: `user:password` or a token, both of which SendPulse takes as part of the URL. */
  ...provenByHead(verifySharedSecret),
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
  /** The book (list of addresses) that somebody left or joined; `from_all` means all of them, as does book 0. */
  scopeOf: (element) => {
    if (!isObject(element) || flag(element["from_all"]) === true) return null;
    return bookOf(element).find((book) => book !== "0") ?? null;
  },
};

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  if (Object.keys(element).length === 0) return PING;
  const word = text(element["event"])?.toLowerCase();
  if (word === undefined) return fail("event is missing");
  const recipient = filled(element, "recipient", "email");
  const contact = address(recipient);
  if (contact === null) return fail(whyNoAddress("recipient", recipient));
  const occurredAt = time(element["timestamp"]);
  const smtp = serverReply(element);
  const explanation = text(filled(element, "status_explain", "smtp_server_response_explain"), LONGEST.words);
  const { type, bounce, reason } = meaningOf(word, smtp, explanation);
  const url = text(filled(element, "link_url", "url"), LONGEST.url);
  const ip = text(element["ip"]);
  const user_agent = text(element["user_agent"], LONGEST.words);
  const core = {
    element: index,
    type,
    contact,
    message_id: messageIdOf(element),
    occurredAt,
    receivedAt: delivery.receivedAt,
    distinguishing: [word, url, ip, user_agent, ...bookOf(element)],
  };
  const details = {
    bounce,
    reason,
    description: smtp?.response ?? explanation,
    smtp,
    campaign: text(element["task_id"]), // of the bulk service
    url,
    ip,
    user_agent,
  };
  return ok([makeEvent(core, details)]);
}

/** The book of an event of the bulk service, as a list of one; the SMTP service names none. */
function bookOf(element: JsonObject): string[] {
  const book = text(element["book_id"]);
  return book === null ? [] : [book];
}

/** The mail's id, a number that may exceed 2^53; null for 0. */
function messageIdOf(element: JsonObject): string | null {
  const id = text(element["message_id"], LONGEST.id);
  return id === "0" ? null : id;
}

/** The meaning of an event. `undelivered` without an answer of the receiving server is no refusal. */
function meaningOf(word: string, smtp: Smtp | null, explanation: string | null): Judgement {
  if (word === "undelivered" && smtp === null)
    return judge({ type: "failed", bounce: null, reason: null }, null, explanation);
  const type = TYPES.get(word) ?? "unknown";
  const bounce = type === "bounced" ? bounceOf(word, smtp) : null;
  return judge({ type, bounce, reason: type === "complained" ? "spam" : null }, smtp, explanation);
}

/**
 * Hard or soft; `undelivered` alone shows neither. A 4yz reply is temporary, while a 5yz reply may also be about
 * content.
 */
function bounceOf(word: string, smtp: Smtp | null): "hard" | "soft" | null {
  if (word.startsWith("hard")) return "hard";
  if (word.startsWith("soft")) return "soft";
  return String(smtp?.code).startsWith("4") ? "soft" : null;
}

/** The reply, whose parts are in separate fields; the code is 0 or "" if no server answered. */
function serverReply(element: JsonObject): Smtp | null {
  return replyOf({
    code: element["smtp_server_response_code"],
    status: element["smtp_server_response_subcode"],
    words: element["smtp_server_response"],
  });
}
