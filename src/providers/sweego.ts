// Sweego: https://learn.sweego.io/docs/webhooks
// One event per request. Its words are written with hyphens or underscores, and with or without the prefix `email_`. No
// sample of a refusal or of a test post is published: where those are read, it is by the names that other providers use.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType } from "../model/event.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import {
  bounceClass,
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
import { byName, firstText, firstValue, type NamedFields } from "./kit/loose-fields.ts";
import type { InboundRequest, Delivery, Provider, VerifyResult } from "./provider.ts";
import { fromBase64 } from "../lib/base64.ts";
import { keyUnlessPair, LONGEST_SINGLE, provenBySignature } from "./kit/proof.ts";
import { lacksWebhookHeaders, readStandardWebhook, verifyHmac } from "./kit/signatures.ts";
import { judge, type Judgement } from "./kit/refusal.ts";
import { isSample } from "./kit/samples.ts";
import { reasonOfWords, smtpOf } from "./kit/smtp.ts";
import { typeOfWord } from "./kit/usual/types.ts";

/** https://learn.sweego.io/docs/webhooks ; `email_sent` only means that Sweego sent the mail on its way. */
const TYPES = table<EventType>({
  sent: "sent",
  delivered: "delivered",
  soft_bounce: "bounced",
  hard_bounce: "bounced",
  open: "opened",
  opened: "opened",
  click: "clicked",
  clicked: "clicked",
  complaint: "complained",
  list_unsub: "unsubscribed",
  unsub: "unsubscribed",
});

/** Fields that may contain a refusal's words and codes, all of them guesses. `details` may be an object of them. */
const WORDS = [
  "details",
  "smtpresponse",
  "response",
  "diagnosticcode",
  "reason",
  "description",
  "message",
  "error",
  "bouncereason",
];
const CODES = ["smtpcode", "responsecode", "statuscode", "code"];
const ENHANCED = ["enhancedstatuscode", "enhancedcode", "smtpenhancedcode", "dsn", "status"];

export const sweego: Provider = {
  id: "sweego",
  headers: [],
  /**
   * Credentials: the webhook's secret as Sweego shows it (base64, no prefix), or `user:password` for basic auth.
   */
  ...provenBySignature({
    kindOf: keyUnlessPair,
    lacking: lacksWebhookHeaders,
    verifyKey: verifySignature,
  }),
  longestSigned: LONGEST_SINGLE,
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
};

/**
 * Checks the headers and the signed text of Standard Webhooks, under a secret without prefix. It is uncertain whether a
 * signature begins with `v1,`, so both forms are accepted. It is also uncertain whether retries are signed afresh, so
 * the time is not checked.
 */
async function verifySignature(request: InboundRequest, secret: string): Promise<VerifyResult> {
  const webhook = readStandardWebhook(request);
  if (!webhook.ok) return webhook;
  const key = fromBase64(secret);
  if (key === null) return fail("the signing key is not base64");
  let result: VerifyResult = fail("the signature headers are missing");
  for (const presented of webhook.value.signatures) {
    result = await verifyHmac(key, webhook.value.signed, presented.replace(/^v1,/, ""));
    if (result.ok) return result;
  }
  return result;
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const word = text(element["event_type"])
    ?.toLowerCase()
    .replaceAll("-", "_")
    .replace(/^email_/, "");
  if (word === undefined) return fail("event_type is missing");
  if (typeOfWord(word) === "ping") return PING;
  const fields = byName(element, objectAt(element, "details"));
  const contacts = recipients(firstValue(fields, ["recipient", "emailto", "email", "to"]));
  if (!contacts.ok) return contacts;
  const ids = ["swg_uid", "event_id", "subject"].map((name) => text(element[name]));
  if (isSample(contacts.value[0], () => ids)) return PING;
  const occurredAt = time(element["timestamp"]);
  const { type, ...meaning } = meaningOf(word, fields);
  const details = { ...detailsOf(fields), ...meaning };
  const uid = text(element["swg_uid"], LONGEST.id);
  const headers = byName(objectAt(element, "headers"));
  const core = {
    element: index,
    type,
    // The API returned this id when the mail was sent; `swg_uid` is the id of one recipient's copy.
    message_id:
      firstText(headers, ["xtransactionid"], LONGEST.id) ??
      firstText(fields, ["transactionid"], LONGEST.id) ??
      uid,
    occurredAt,
    receivedAt,
    distinguishing: [word, uid, details.url, details.ip, details.user_agent],
    eventId: text(element["event_id"], LONGEST.id),
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

function meaningOf(
  word: string,
  fields: NamedFields,
): Judgement & Pick<EventDetails, "description" | "smtp"> {
  const usual = typeOfWord(word);
  const type = TYPES.get(word) ?? (usual === "ping" ? "unknown" : usual);
  const description = firstText(fields, WORDS, LONGEST.words);
  const smtp = smtpOf({
    code: firstValue(fields, CODES),
    status: firstValue(fields, ENHANCED),
    words: description,
  });
  const reason = type === "complained" ? "spam" : reasonOfWords(type, description);
  const bounce = type === "bounced" ? bounceClass(word) : null;
  return { ...judge({ type, bounce, reason }, smtp, description), description, smtp };
}

function detailsOf(fields: NamedFields) {
  return {
    campaign: firstText(fields, ["campaignid", "campaign"]),
    tags: tags(firstValue(fields, ["campaigntags", "tags"])),
    metadata: metadata(firstValue(fields, ["metadata"])),
    url: firstText(fields, ["url", "link"], LONGEST.url),
    ip: firstText(fields, ["ip", "ipaddress"]),
    user_agent: firstText(fields, ["useragent"], LONGEST.words),
  } satisfies Partial<EventDetails>;
}
