// AhaSend: https://ahasend.com/docs/api-reference/webhooks/retry-policy
// One event per request, in the form of Standard Webhooks except for the key, which is the secret's text as it is
// shown.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType } from "../model/event.ts";
import type { ElementResult } from "./kit/elements.ts";
import {
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
import type { JsonObject } from "./kit/json.ts";
import { byName, firstText, firstValue } from "./kit/loose-fields.ts";
import type { Provider } from "./provider.ts";
import { keyUnlessPair, LONGEST_SINGLE, provenBySignature } from "./kit/proof.ts";
import { lacksStandardWebhook, verifyStandardWebhook } from "./kit/signatures.ts";
import { findSmtp, isSenders, reasonOfWords } from "./kit/smtp.ts";
import { parseStandardWebhook, type WebhookContext } from "./kit/standard-webhook.ts";

/** https://ahasend.com/docs/api-reference/webhooks/retry-policy ; after a transient error AhaSend tries again. */
const TYPES = table<EventType>({
  "message.reception": "queued",
  "message.delivered": "delivered",
  "message.transient_error": "deferred",
  "message.bounced": "bounced",
  "message.failed": "failed",
  "message.suppressed": "dropped",
  "message.opened": "opened",
  "message.clicked": "clicked",
});

/** Fields that may contain the reason of a refusal: no example of one is published. */
const WORDS = ["reason", "error", "errormessage", "smtpresponse", "response", "description", "message"];

export const ahasend: Provider = {
  id: "ahasend",
  headers: ["webhook-id"],
  /**
   * Credentials: the webhook's secret with its prefix (`aha-whsec-...`, `aha-rsec-...`), or `user:password` for basic
   * auth. The HMAC's key is all of the secret as UTF-8, undecoded:
   * https://pub.dev/documentation/ahasend/0.1.0/webhooks/WebhookVerifier-class.html
   */
  ...provenBySignature({
    kindOf: keyUnlessPair,
    lacking: lacksStandardWebhook,
    verifyKey: (request, secret, { now }) =>
      verifyStandardWebhook(request, new TextEncoder().encode(secret), now),
  }),
  longestSigned: LONGEST_SINGLE,
  parse: (delivery) => parseStandardWebhook(delivery, readElement),
};

function readElement(element: JsonObject, { index, receivedAt, eventId }: WebhookContext): ElementResult {
  const word = text(element["type"])?.toLowerCase();
  if (word === undefined) return fail("type is missing");
  const data = objectAt(element, "data");
  const contacts = recipients(data["recipient"]);
  if (!contacts.ok) return contacts;
  const occurredAt = time(element["timestamp"]);
  const mappedType = TYPES.get(word) ?? "unknown";
  const details = detailsOf(mappedType, data);
  const type = mappedType === "bounced" && isSenders(details.reason) ? "blocked" : mappedType;
  const core = {
    element: index,
    type,
    // `id` is the mail's id as the API returned it; the other one is in the mail's own header.
    message_id: text(data["id"], LONGEST.id) ?? text(data["message_id_header"], LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [word, details.url, details.ip, details.user_agent],
    eventId,
  };
  const bounce = type === "bounced" ? "hard" : null; // final, because transient errors have an event of their own
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, { ...details, bounce })));
}

function detailsOf(
  type: EventType,
  data: JsonObject,
): Partial<EventDetails> & Pick<EventDetails, "reason" | "url" | "ip" | "user_agent"> {
  const fields = byName(data);
  const description = firstText(fields, WORDS, LONGEST.words);
  return {
    reason: type === "dropped" ? "suppressed" : reasonOfWords(type, description),
    description,
    smtp: findSmtp(description),
    tags: tags(data["tags"]),
    metadata: metadata(firstValue(fields, ["metadata", "customdata"])),
    url: text(data["url"], LONGEST.url),
    ip: text(data["ip"]),
    user_agent: text(data["user_agent"], LONGEST.words),
    machine: type === "opened" || type === "clicked" ? flag(data["is_bot"]) : null,
  };
}
