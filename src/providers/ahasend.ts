// AhaSend: https://ahasend.com/docs/api-reference/webhooks/retry-policy
// One event per request, in the form of Standard Webhooks except for the key, which is the secret's text as it is
// shown.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Smtp } from "../model/event.ts";
import { findingOfCategory } from "./kit/bounce-words.ts";
import { PING, type ElementResult } from "./kit/elements.ts";
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
import { isObject, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstValue } from "./kit/loose-fields.ts";
import type { Provider } from "./provider.ts";
import { keyUnlessPair, LONGEST_SINGLE, provenBySignature } from "./kit/proof.ts";
import { lacksStandardWebhook, verifyStandardWebhook } from "./kit/signatures.ts";
import { judge, type Judgement } from "./kit/refusal.ts";
import { isSample } from "./kit/samples.ts";
import { smtpOf } from "./kit/smtp.ts";
import { parseStandardWebhook, type WebhookContext } from "./kit/keys/standard-webhook.ts";
import { typeOfWord } from "./kit/usual/types.ts";

/** https://ahasend.com/docs/api-reference/webhooks/retry-policy ; after a transient error AhaSend tries again. */
const TYPES = table<EventType>(
  {
    "message.reception": "queued",
    "message.delivered": "delivered",
    "message.transient_error": "deferred",
    "message.bounced": "bounced",
    "message.failed": "failed",
    "message.suppressed": "dropped",
    "message.opened": "opened",
    "message.clicked": "clicked",
  },
  "type",
);

/**
 * Where the server's reply may be. `data.delivery_attempt` is taken from a public report; the other names are guesses,
 * because no example of a refusal is published. The server's own words come first.
 */
const WORDS = [
  "smtpresponse",
  "response",
  "log",
  "reason",
  "error",
  "errormessage",
  "description",
  "message",
];
const CODES = ["smtpcode", "smtpstatuscode", "statuscode", "code"];
const ENHANCED_CODES = ["enhancedstatuscode", "smtpenhancedstatuscode", "enhancedcode"];
const CLASSIFICATIONS = ["classification", "bounceclassification", "bouncecategory", "category"];

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
  if (typeOfWord(word) === "ping") return PING;
  const data = objectAt(element, "data");
  const contacts = recipients(data["recipient"] ?? data["email"] ?? data["to"]);
  if (!contacts.ok) return contacts;
  const messageId = text(data["id"], LONGEST.id) ?? text(data["message_id"], LONGEST.id);
  const header = text(data["message_id_header"], LONGEST.id);
  if (isSample(contacts.value[0], () => [messageId, header, text(data["subject"])])) return PING;
  const occurredAt = time(element["timestamp"]);
  const { type, ...details } = meaningOf(TYPES.get(word) ?? "unknown", data);
  const core = {
    element: index,
    type,
    // `id` is the mail's id as the API returned it; the other one is in the mail's own header.
    message_id: messageId ?? header,
    occurredAt,
    receivedAt,
    distinguishing: [word, details.url, details.ip, details.user_agent],
    eventId,
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

type Meaning = { type: EventType } & Partial<EventDetails> & Pick<EventDetails, "url" | "ip" | "user_agent">;

function meaningOf(mappedType: EventType, data: JsonObject): Meaning {
  const fields = byName(attemptOf(data), data);
  const words = firstText(fields, WORDS, LONGEST.words);
  const category = firstText(fields, CLASSIFICATIONS);
  const smtp = smtpOf({
    code: firstValue(fields, CODES),
    status: firstValue(fields, ENHANCED_CODES),
    words,
  });
  const { type, bounce, reason } = judged(mappedType, category, smtp, words);
  return {
    type,
    bounce,
    reason,
    description: words ?? (REFUSALS.has(mappedType) ? category : null),
    smtp,
    tags: tags(data["tags"]),
    metadata: metadata(firstValue(fields, ["metadata", "customdata"])),
    url: text(data["url"], LONGEST.url),
    ip: text(data["ip"]) ?? text(data["ip_address"]),
    user_agent: text(data["user_agent"], LONGEST.words),
    machine: type === "opened" || type === "clicked" ? flag(data["is_bot"] ?? data["bot"]) : null,
  };
}

/** The attempt that the report is about: one object, null if there was none, or the last of a list. */
function attemptOf(data: JsonObject): JsonObject {
  const list: unknown = data["delivery_attempts"];
  const last: unknown = Array.isArray(list) ? list.at(-1) : null;
  return isObject(data["delivery_attempt"]) ? data["delivery_attempt"] : isObject(last) ? last : {};
}

const REFUSALS: ReadonlySet<EventType> = new Set(["bounced", "deferred", "failed"]);

/**
 * What became of the mail. A bounce is final, because transient errors have an event of their own. A failure means that
 * the tries are used up: it stays one, unless the last reply refuses the address for good, or the sender.
 */
function judged(
  type: EventType,
  category: string | null,
  smtp: Smtp | null,
  words: string | null,
): Judgement {
  if (type === "dropped") return { type, bounce: null, reason: "suppressed" };
  if (!REFUSALS.has(type)) return { type, bounce: null, reason: null };
  const found = findingOfCategory(category);
  const reason = found?.reason ?? (words === null && category === null ? null : "other");
  if (type === "deferred") return judge({ type, bounce: null, reason }, smtp, words);
  if (type === "bounced") return judge(found ?? { type, bounce: "hard", reason }, smtp, words);
  const failure = judge({ type: "bounced", bounce: "soft", reason }, smtp, words);
  if (failure.type === "blocked" || failure.bounce === "hard") return failure;
  return { type, bounce: null, reason: found?.reason ?? failure.reason };
}
