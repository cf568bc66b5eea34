// Cloudflare Email Service: https://developers.cloudflare.com/email-service/platform/event-subscriptions/
// Its delivery events arrive by event subscription in a queue of the same account, without HTTP. So there is nothing to
// verify, and no request can claim to be one of them. The payload nests what happened: `delivery`, `bounce`, `failure`,
// `rejection`, `complaint`. Older reports of it were flat, so names are looked up in all of these places.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { findingOfCategory } from "./kit/bounce-words.ts";
import { jsonElements, parseElements, type ElementResult } from "./kit/elements.ts";
import { bounceClass, LONGEST, makeEvent, objectAt, table, tags } from "./kit/fields.ts";
import { contactsOf } from "./kit/usual/fields.ts";
import { NAMES } from "./kit/usual/names.ts";
import type { JsonObject } from "./kit/json.ts";
import { byName, firstText, firstTime, firstValue, texts, type NamedFields } from "./kit/loose-fields.ts";
import { provenByHead } from "./kit/proof.ts";
import type { Delivery, Provider } from "./provider.ts";
import { judge, type Finding } from "./kit/refusal.ts";
import { smtpOf } from "./kit/smtp.ts";

/** The prefix of the events' types. */
export const EVENT_PREFIX = "cf.email.sending.";

/** https://developers.cloudflare.com/email-service/platform/event-subscriptions/ ; a `rejected` mail is never sent. */
const TYPES = table<EventType>(
  {
    "message.delivered": "delivered",
    "message.deferred": "deferred",
    "message.bounced": "bounced",
    "message.failed": "failed",
    "message.rejected": "dropped",
    "message.complained": "complained",
  },
  "type",
);

/** The objects in which a payload says what happened. */
const PARTS = ["delivery", "bounce", "failure", "rejection", "complaint"];

/** Its events need no credentials: they come out of a queue of the account, and every HTTP request is refused. */
export const cloudflare: Provider = {
  id: "cloudflare",
  headers: [],
  ...provenByHead(() => ({ ok: false, reason: "Cloudflare's events come by a queue, never by HTTP" })),
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
};

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const kind = element["type"];
  if (typeof kind !== "string" || !kind.startsWith(EVENT_PREFIX))
    return fail("not an event of Cloudflare's email sending");
  const payload = objectAt(element, "payload");
  const inner = PARTS.map((part) => objectAt(payload, part));
  const fields = byName(payload, ...inner, objectAt(element, "metadata"));
  const contacts = contactsOf(fields);
  if (!contacts.ok) return contacts;
  const occurredAt = firstTime(fields, [...NAMES.occurred_at, "eventtimestamp"]);
  const word = kind.slice(EVENT_PREFIX.length, LONGEST.short);
  const { type, ...details } = meaningOf(TYPES.get(word) ?? "unknown", fields);
  const core = {
    element: index,
    type,
    message_id: firstText(fields, NAMES.message_id, LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [word],
    eventId: firstText(fields, NAMES.event_id, LONGEST.id),
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

/** The server's own words come first, then those of Cloudflare. */
const WORDS = ["smtpresponse", "response", "detail", ...NAMES.description, "message"];
const CODES = ["smtpstatuscode", "smtpcode", "statuscode"];
const ENHANCED_CODES = ["smtpenhancedstatuscode", "enhancedstatuscode", "enhancedcode"];
const CATEGORIES = ["classification", "bounceclassification"];

function meaningOf(mappedType: EventType, fields: NamedFields): Partial<EventDetails> & { type: EventType } {
  const description = firstText(fields, WORDS, LONGEST.words);
  const smtp = smtpOf({
    code: firstValue(fields, CODES),
    status: firstValue(fields, ENHANCED_CODES),
    words: description,
  });
  return {
    ...judge(findingOf(mappedType, fields), smtp, description),
    description,
    smtp,
    tags: tags(firstValue(fields, NAMES.tags)),
  };
}

/** What Cloudflare itself says. `bounce.type` is hard or soft, `bounce.classification` only says the same again. */
function findingOf(type: EventType, fields: NamedFields): Finding {
  if (type === "complained") return { type, bounce: null, reason: "spam" };
  if (type === "dropped") return { type, bounce: null, reason: rejectionOf(firstText(fields, ["reason"])) };
  if (type !== "bounced") return { type, bounce: null, reason: null };
  const classes = texts(fields, [...NAMES.bounce, ...CATEGORIES]);
  const found = findingOfCategory(firstText(fields, CATEGORIES));
  return found ?? { type, bounce: bounceClass(classes.join(" ")), reason: null };
}

/** Why Cloudflare did not try at all. No list of its words is published; `suppressed` is the one that was seen. */
function rejectionOf(word: string | null): Reason | null {
  if (word === null) return null;
  if (/suppress|bounce|complain|blocklist/i.test(word)) return "suppressed";
  if (/unsubscri/i.test(word)) return "unsubscribed";
  return findingOfCategory(word)?.reason ?? "other";
}
