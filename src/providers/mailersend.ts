// MailerSend's webhooks: https://developers.mailersend.com/api/v1/webhooks.html
// One signed activity per request. The event's name is at the top level, everything else in `data`. Version 1 nests the
// mail in `data.email` and the details in `data.morph`; version 2 is flat and has them in `data.meta`. No sample of
// version 2 is published, so both are looked for in every place.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import {
  address,
  LONGEST,
  makeEvent,
  objectAt,
  table,
  tags,
  text,
  time,
  whyNoAddress,
} from "./kit/fields.ts";
import { isObject, readJson, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstValue } from "./kit/loose-fields.ts";
import type { Delivery, Provider } from "./provider.ts";
import { judge, type Finding } from "./kit/refusal.ts";
import { keyUnlessPair, LONGEST_SINGLE, LONGEST_TEST, needsHeader, provenBySignature } from "./kit/proof.ts";
import { verifyHmac } from "./kit/signatures.ts";
import { smtpOf } from "./kit/smtp.ts";

const PREFIX = "activity.";

/**
 * https://developers.mailersend.com/api/v1/webhooks.html#available-events ; customers who subscribe to both get a first
 * open or click twice, the second time as the unique one.
 */
const TYPES = table<EventType>(
  {
    queued: "queued",
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
    spam_complaints: "complained", // the API's word
    suppressed: "dropped",
  },
  "type",
);

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
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
  scopeOf,
};

/** The list or group that an unsubscribe is about. That it is named is a guess; most are about all mail. */
function scopeOf(element: unknown): string | null {
  const data = isObject(element) ? objectAt(element, "data") : {};
  const fields = byName(data, objectAt(data, "meta"), objectAt(data, "morph"));
  return firstText(fields, ["listid", "list", "groupid", "group"]);
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const name = text(element["type"])?.toLowerCase() ?? null;
  if (name === TEST_EVENT) return PING;
  if (name === null) return fail("type is missing");
  const data = objectAt(element, "data");
  const email = objectAt(data, "email");
  const recipient = recipientOf(data, email);
  const contact = address(recipient);
  if (contact === null)
    return fail(
      text(recipient) !== null
        ? whyNoAddress("the recipient", recipient)
        : name.startsWith(PREFIX)
          ? "the recipient is missing"
          : "an event about the account, which names no recipient",
    );
  // The time at the top level is when the request was prepared.
  const occurredAt = time(data["created_at"]) ?? time(element["created_at"]);

  const word = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  const { type, ...details } = meaningOf(word, data, email);
  const id = text(data["id"], LONGEST.id);
  const core = {
    element: index,
    type,
    contact,
    message_id: messageIdOf(data, email),
    occurredAt,
    receivedAt,
    distinguishing: [word, details.url, details.ip, details.user_agent],
    // The id of the activity. It is not known whether an unknown kind of event has an id of its own.
    eventId: id !== null && type === "unknown" ? `${word}:${id}` : id,
  };
  return ok([makeEvent(core, details)]);
}

/** The recipient: of version 1 an object inside of the mail, of version 2 a text. */
function recipientOf(data: JsonObject, email: JsonObject): unknown {
  const objects = [objectAt(email, "recipient"), objectAt(data, "recipient"), email];
  const named = objects.map((object) => object["email"]).find((value) => text(value) !== null);
  return (
    named ?? [data["email"], data["recipient"], email["recipient"]].find((value) => text(value) !== null)
  );
}

/** `email.id` is the id of this recipient's copy; the sender knows the id of the message. */
function messageIdOf(data: JsonObject, email: JsonObject): string | null {
  const ids = [objectAt(email, "message")["id"], data["message_id"], email["id"], data["email_id"]];
  return ids.map((id) => text(id, LONGEST.id)).find((id) => id !== null) ?? null;
}

/** What MailerSend itself says of the mail. */
function findingOf(word: string): Finding {
  const type = TYPES.get(word) ?? "unknown";
  const reason: Reason | null = type === "complained" ? "spam" : type === "dropped" ? "suppressed" : null;
  return { type, bounce: BOUNCES.get(word) ?? null, reason };
}

type Meaning = { type: EventType } & Partial<EventDetails> & Pick<EventDetails, "url" | "ip" | "user_agent">;

/** The type and details. `email.status` is not read: it is often "rejected" for mails that were not rejected. */
function meaningOf(word: string, data: JsonObject, email: JsonObject): Meaning {
  const found = findingOf(word);
  const fields = byName(objectAt(data, "morph"), objectAt(data, "meta"), objectAt(email, "meta"));
  const reply = firstText(fields, ["reason", "response", "smtpresponse"], LONGEST.words);
  const readable = firstText(fields, ["readablereason"], LONGEST.words);
  const failed = found.type === "bounced" || found.type === "deferred";
  const codes = {
    code: firstValue(fields, ["smtpcode", "code"]),
    status: firstValue(fields, ["enhancedcode"]),
  };
  const smtp = failed ? smtpOf({ ...codes, words: reply }) : null;
  return {
    ...judge(found, smtp, reply),
    description: smtp === null ? (readable ?? reply) : reply,
    smtp,
    tags: tags(data["tags"] ?? email["tags"]),
    url: firstText(fields, ["url", "link"], LONGEST.url),
    ip: firstText(fields, ["ip", "ipaddress"]),
    user_agent: firstText(fields, ["useragent"], LONGEST.words),
  };
}
