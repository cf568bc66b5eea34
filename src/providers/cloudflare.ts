// Cloudflare Email Service: https://developers.cloudflare.com/email-service/platform/event-subscriptions/
// Its delivery events arrive by event subscription in a queue of the same account, without HTTP. So there is nothing to
// verify, and no request can claim to be one of them. The envelope of the events is documented, the payload's field
// names less so; they are looked up like those of any JSON sender.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Smtp } from "../model/event.ts";
import { jsonElements, parseElements, type ElementResult } from "./kit/elements.ts";
import { bounceClass, LONGEST, makeEvent, table, tags } from "./kit/fields.ts";
import { contactsOf, NAMES } from "./kit/usual-fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstTime, firstValue, texts, type NamedFields } from "./kit/loose-fields.ts";
import { provenByHead } from "./kit/proof.ts";
import type { Delivery, Provider } from "./provider.ts";
import { findSmtp, isSenders, smtpReason } from "./kit/smtp.ts";

/** The prefix of the events' types. */
export const EVENT_PREFIX = "cf.email.sending.";

/** https://developers.cloudflare.com/email-service/platform/event-subscriptions/ ; a `rejected` mail is never sent. */
const TYPES = table<EventType>({
  "message.delivered": "delivered",
  "message.deferred": "deferred",
  "message.bounced": "bounced",
  "message.failed": "failed",
  "message.rejected": "dropped",
  "message.complained": "complained",
});

/** Its events need no credentials: they come out of a queue of the account, and every HTTP request is refused. */
export const cloudflare: Provider = {
  id: "cloudflare",
  headers: [],
  ...provenByHead(() => ({ ok: false, reason: "Cloudflare's events come by a queue, never by HTTP" })),
  parse: (delivery) =>
    parseElements(delivery, jsonElements(delivery), (element, index) =>
      readElement(element, index, delivery),
    ),
};

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const kind = element["type"];
  if (typeof kind !== "string" || !kind.startsWith(EVENT_PREFIX))
    return fail("not an event of Cloudflare's email sending");
  const payload = isObject(element["payload"]) ? element["payload"] : {};
  const around = isObject(element["metadata"]) ? element["metadata"] : {};
  const fields = byName(payload, around);
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

function smtpOf(codes: readonly string[], description: string | null): Smtp | null {
  const smtp = findSmtp([...codes, description].join(" "));
  return smtp === null ? null : { ...smtp, response: description };
}

function meaningOf(mappedType: EventType, fields: NamedFields): Partial<EventDetails> & { type: EventType } {
  const description = firstText(fields, [...NAMES.description, "response", "message"], LONGEST.words);
  const codes = texts(fields, [
    "smtpcode",
    "smtpstatuscode",
    "statuscode",
    "enhancedstatuscode",
    "enhancedcode",
  ]);
  const classes = texts(fields, [...NAMES.bounce, "bounceclassification", "classification"]);
  const smtp = mappedType === "delivered" ? null : smtpOf(codes, description);
  const refusal = mappedType === "bounced" ? smtpReason(smtp) : null;
  // Only the server's answer shows whether a bounce refused the address.
  const type = isSenders(refusal) ? "blocked" : mappedType;
  return {
    type,
    bounce: type === "bounced" ? bounceClass(classes.join(" ")) : null,
    reason: mappedType === "complained" ? "spam" : refusal,
    description,
    smtp,
    tags: tags(firstValue(fields, NAMES.tags)),
  };
}
