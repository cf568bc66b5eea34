// Resend: https://resend.com/docs/webhooks/introduction
// One event per request, signed by Svix; the event's id is in a header only. The mail's recipients are a list, and the
// report does not name the one it is about.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import type { ElementResult } from "./kit/elements.ts";
import {
  bounceClass,
  flag,
  LONGEST,
  makeEvent,
  metadata,
  objectAt,
  recipients,
  table,
  tags,
  text,
  time,
} from "./kit/fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import { filled, plainName } from "./kit/loose-fields.ts";
import type { Provider } from "./provider.ts";
import { keyUnlessPair, LONGEST_SINGLE, provenBySignature } from "./kit/proof.ts";
import { lacksStandardWebhook, verifyStandardWebhook } from "./kit/signatures.ts";
import { judge } from "./kit/refusal.ts";
import { findSmtp, isSenders } from "./kit/smtp.ts";
import { parseStandardWebhook, type WebhookContext } from "./kit/keys/standard-webhook.ts";

/**
 * https://resend.com/docs/webhooks/event-types ; `sent` only means that Resend accepted the mail and will try to
 * deliver it.
 */
const TYPES = table<EventType>(
  {
    "email.scheduled": "queued",
    "email.sent": "sent",
    "email.delivered": "delivered",
    "email.delivery_delayed": "deferred",
    "email.bounced": "bounced",
    "email.failed": "failed",
    "email.suppressed": "dropped",
    "email.opened": "opened",
    "email.clicked": "clicked",
    "email.complained": "complained",
  },
  "type",
);

/** https://resend.com/docs/dashboard/emails/email-bounces : the sub-types that are more specific than "General". */
const REASONS = table<Reason>(
  {
    noemail: "invalid",
    mailboxfull: "mailbox_full",
    messagetoolarge: "content",
    contentrejected: "content",
    attachmentrejected: "content",
    suppressed: "suppressed",
    onaccountsuppressionlist: "suppressed",
  },
  "reason",
  ["general", "undetermined"],
);

export const resend: Provider = {
  id: "resend",
  headers: ["svix-id", "webhook-id"],
  /**
   * https://resend.com/docs/webhooks/verify-webhooks-requests . Credentials: the signing secret as Resend shows it,
   * `whsec_...`, or `user:password` for basic auth. Every attempt is signed afresh, so old signatures are refused.
   */
  ...provenBySignature({
    kindOf: keyUnlessPair,
    lacking: lacksStandardWebhook,
    verifyKey: (request, secret, { now }) => verifyStandardWebhook(request, secret, now),
  }),
  longestSigned: LONGEST_SINGLE,
  parse: (delivery) => parseStandardWebhook(delivery, readElement),
  /**
   * Of contacts' events: the topic, or the audience, as lists of contacts were called. Reports on mails name neither. No
   * event of a topic was seen, so `topic_id` is a guess after the API's name.
   */
  scopeOf: (element) => {
    if (!isObject(element) || text(element["type"])?.toLowerCase().startsWith("contact.") !== true)
      return null;
    const data = objectAt(element, "data");
    return text(data["topic_id"]) ?? text(data["audience_id"]);
  },
};

function readElement(element: JsonObject, { index, receivedAt, eventId }: WebhookContext): ElementResult {
  const word = text(element["type"])?.toLowerCase();
  if (word === undefined) return fail("type is missing");
  const data = objectAt(element, "data");
  const contacts = recipients(filled(data, "to", "email")); // events of contacts and suppressions have an `email`
  if (!contacts.ok) return contacts;
  // The outer `created_at` is the event's time, the inner one the mail's.
  const occurredAt = time(element["created_at"]);
  const { type, bounce, ...details } = meaningOf(word, data);
  const core = {
    element: index,
    type,
    message_id: text(data["email_id"], LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [word, details.url, details.ip, details.user_agent, text(data["id"], LONGEST.id)],
    eventId,
  };
  const [, ...others] = contacts.value;
  const named = others.length > 0 && bounce !== null ? wordsOf(data) : null;
  return ok(
    contacts.value.map((contact) =>
      makeEvent({ ...core, contact }, { ...details, bounce: named?.has(contact) === false ? null : bounce }),
    ),
  );
}

function typeOf(word: string, data: JsonObject): EventType {
  // Resend reports an unsubscribe in no other way. `false` is not a subscribe: changing a contact's name also sends it.
  if (/^contact\.(created|updated)$/.test(word) && flag(data["unsubscribed"]) === true) return "unsubscribed";
  return TYPES.get(word) ?? "unknown";
}

/** The class of a bounce; Resend treats "Undetermined" as soft, like "Transient". */
function bounceOf(data: JsonObject): "hard" | "soft" | null {
  const word = text(objectAt(data, "bounce")["type"]);
  return word?.toLowerCase() === "undetermined" ? "soft" : bounceClass(word);
}

/**
 * The words of the bounce's text. If the mail has several recipients, only one that the text names is known to have
 * bounced. For the others the bounce has no class, so that no contact is suppressed because of another address.
 */
function wordsOf(data: JsonObject): ReadonlySet<string> {
  const { message, diagnosticCode } = objectAt(data, "bounce");
  const bounceText = [text(message, LONGEST.words), ...tags(diagnosticCode, LONGEST.words)]
    .join(" ")
    .toLowerCase();
  return new Set(bounceText.split(/[\s<>()[\],;:'"]+/));
}

type Meaning = Partial<EventDetails> &
  Pick<EventDetails, "bounce" | "url" | "ip" | "user_agent"> & { type: EventType };

function meaningOf(word: string, data: JsonObject): Meaning {
  const mappedType = typeOf(word, data);
  const bounce = objectAt(data, "bounce");
  const description =
    text(bounce["message"], LONGEST.words) ??
    text(objectAt(data, "failed")["reason"], LONGEST.words) ??
    text(objectAt(data, "suppressed")["message"], LONGEST.words);
  const [diagnosis = null] = tags(bounce["diagnosticCode"], LONGEST.words);
  const smtp = findSmtp(diagnosis ?? bounce["message"]);
  const subType = plainName(text(bounce["subType"]) ?? "");
  const reason = reasonOf(mappedType, subType, description);
  const type = mappedType === "bounced" ? typeOfBounce(reason) : mappedType;
  const finding = {
    type,
    bounce: type === "bounced" ? bounceOf(data) : null,
    reason,
    isEvidence: subType === "noemail",
  };
  return { ...detailsOf(data), ...judge(finding, smtp, diagnosis), description, smtp };
}

/**
 * The type of a bounce: a mail stopped by the suppression list was never tried, and a bounce caused by the content is
 * no evidence about the address.
 */
function typeOfBounce(reason: Reason | null): EventType {
  if (reason === "suppressed") return "dropped";
  return isSenders(reason) ? "blocked" : "bounced";
}

function reasonOf(type: EventType, subType: string, description: string | null): Reason | null {
  if (type === "complained") return "spam";
  if (type === "dropped") return "suppressed";
  const told = REASONS.get(subType) ?? null;
  return told ?? (description !== null && (type === "bounced" || type === "failed") ? "other" : null);
}

function detailsOf(data: JsonObject) {
  const click = objectAt(data, "click");
  const open = objectAt(data, "open"); // undocumented, and read like a click
  const pairs = pairsOf(data["tags"]);
  return {
    campaign: text(data["broadcast_id"]),
    tags: tags(Object.entries(pairs).map(([name, value]) => `${name}:${text(value) ?? ""}`)),
    metadata: metadata(pairs),
    url: text(click["link"], LONGEST.url),
    ip: text(click["ipAddress"]) ?? text(open["ipAddress"]),
    user_agent: text(click["userAgent"], LONGEST.words) ?? text(open["userAgent"], LONGEST.words),
  } satisfies Partial<EventDetails>;
}

/** The mail's tags, which are pairs: either an object or a list of `{ name, value }`. */
function pairsOf(value: unknown): JsonObject {
  if (!Array.isArray(value)) return isObject(value) ? value : {};
  const pairs = value.filter(isObject).slice(0, LONGEST.tags);
  return Object.fromEntries(pairs.map((pair) => [text(pair["name"]) ?? "", text(pair["value"])]));
}
