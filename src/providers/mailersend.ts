// MailerSend's webhooks: https://developers.mailersend.com/api/v1/webhooks.html
// One signed activity per request. The event's name is at the top level, everything else in `data`.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType } from "../model/event.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { address, LONGEST, makeEvent, objectAt, table, tags, text, time } from "./kit/fields.ts";
import { isObject, readJson, type JsonObject } from "./kit/json.ts";
import type { Delivery, Provider } from "./provider.ts";
import { keyUnlessPair, LONGEST_SINGLE, LONGEST_TEST, needsHeader, provenBySignature } from "./kit/proof.ts";
import { verifyHmac } from "./kit/signatures.ts";
import { findSmtp, isSenders, smtpReason } from "./kit/smtp.ts";

const PREFIX = "activity.";

/**
 * https://developers.mailersend.com/api/v1/webhooks.html#available-events ; customers who subscribe to both get a first
 * open or click twice, the second time as the unique one.
 */
const TYPES = table<EventType>({
  sent: "sent",
  delivered: "delivered",
  deferred: "deferred",
  soft_bounced: "bounced",
  hard_bounced: "bounced",
  opened: "opened",
  opened_unique: "opened",
  clicked: "clicked",
  clicked_unique: "clicked",
  unsubscribed: "unsubscribed",
  spam_complaint: "complained",
});

const BOUNCES = table<"hard" | "soft">({ soft_bounced: "soft", hard_bounced: "hard" });

/**
 * The event that MailerSend posts when a webhook is saved, to check that the URL answers. It is signed with a key that
 * is the same for all customers.
 */
const TEST_EVENT = "webhook.test";
const TEST_KEY = "test_Am3L1GuOIc4blLUuHqAPxxwkZaJyEk8G";

/**
 * https://developers.mailersend.com/api/v1/webhooks.html#security : `Signature`, the HMAC-SHA256 of the body in hex. No
 * time is signed; repeated requests are absorbed as duplicates. Credentials: signing secrets (as they are shown, or
 * after `hmac:`), or `user:password` for shared secrets. A source with a signing secret also accepts MailerSend's test
 * post.
 */
const proof = provenBySignature({
  kindOf: keyUnlessPair,
  lacking: needsHeader("signature"),
  async verifyKey({ headers, body }, key) {
    const presented = headers.get("signature") ?? "";
    if (presented === "") return fail("the signature header is missing");
    const matches = (secret: string) => verifyHmac(new TextEncoder().encode(secret), body, presented);
    const result = key === TEST_KEY ? fail("the test key signs test posts only") : await matches(key);
    if (result.ok || body.length > LONGEST_TEST || !(await matches(TEST_KEY)).ok) return result;
    return isTestPost(body) ? { ok: true, isTest: true } : result;
  },
});

function isTestPost(body: Uint8Array): boolean {
  const json = readJson(body);
  return json.ok && isObject(json.value) && json.value["type"] === TEST_EVENT;
}

export const mailersend: Provider = {
  id: "mailersend",
  headers: [],
  ...proof,
  longestSigned: LONGEST_SINGLE,
  parse: (delivery) =>
    parseElements(delivery, jsonElements(delivery), (element, index) =>
      readElement(element, index, delivery),
    ),
};

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const name = text(element["type"]);
  if (name === TEST_EVENT) return PING;
  if (name === null) return fail("type is missing");
  const data = objectAt(element, "data");
  const email = objectAt(data, "email");
  const recipient = objectAt(email, "recipient")["email"] ?? objectAt(data, "recipient")["email"];
  const contact = address(recipient);
  if (contact === null)
    return fail(text(recipient) === null ? "the recipient is missing" : "the recipient is not an address");
  // The time at the top level is when the request was prepared.
  const occurredAt = time(data["created_at"]) ?? time(element["created_at"]);

  const word = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  const mappedType = TYPES.get(word) ?? "unknown";
  const details = detailsOf(mappedType, word, data, email);
  const type = mappedType === "bounced" && isSenders(details.reason) ? "blocked" : mappedType;
  const id = text(data["id"], LONGEST.id);
  const core = {
    element: index,
    type,
    contact,
    // `email.id` is the id of this recipient's copy; the sender knows the id of the message.
    message_id: text(objectAt(email, "message")["id"], LONGEST.id) ?? text(email["id"], LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [word, details.url, details.ip, details.user_agent],
    // The id of the activity. It is not known whether an unknown kind of event has an id of its own.
    eventId: id !== null && type === "unknown" ? `${word}:${id}` : id,
  };
  return ok([makeEvent(core, { ...details, bounce: type === "bounced" ? details.bounce : null })]);
}

type Details = Partial<EventDetails> & Pick<EventDetails, "bounce" | "reason" | "url" | "ip" | "user_agent">;

/** The details of an event. `email.status` is not read: it is often "rejected" for mails that were not rejected. */
function detailsOf(type: EventType, word: string, data: JsonObject, email: JsonObject): Details {
  const morph = objectAt(data, "morph");
  const failed = type === "bounced" || type === "deferred";
  const smtp = failed ? findSmtp(morph["reason"]) : null;
  return {
    bounce: BOUNCES.get(word) ?? null,
    reason: type === "complained" ? "spam" : smtpReason(smtp),
    description: text(morph["readable_reason"], LONGEST.words) ?? text(morph["reason"], LONGEST.words),
    smtp,
    tags: tags(email["tags"]),
    url: text(morph["url"], LONGEST.url),
    ip: text(morph["ip"]),
    user_agent: text(morph["user_agent"], LONGEST.words),
  };
}
