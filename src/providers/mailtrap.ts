// Mailtrap's webhooks: https://docs.mailtrap.io/email-api-smtp/advanced/webhooks
// `{ "events": [...] }`, or one event per line if the payload format is JSON Lines; both are signed.

import { fail, ok, type Result } from "../lib/result.ts";
import type { EventDetails, EventType } from "../model/event.ts";
import { findingOfCategory } from "./kit/bounce-words.ts";
import { isBlank, MOST_ELEMENTS, parseElements, verbatim, type ElementResult } from "./kit/elements.ts";
import {
  address,
  LONGEST,
  makeEvent,
  metadata,
  objectAt,
  table,
  tags,
  text,
  time,
  whyNoAddress,
} from "./kit/fields.ts";
import { isObject, readJsonText, readText, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstValue } from "./kit/loose-fields.ts";
import type { Delivery, Provider } from "./provider.ts";
import { keyUnlessPair, needsHeader, provenBySignature } from "./kit/proof.ts";
import { verifyHmac } from "./kit/signatures.ts";
import { judge, type Finding } from "./kit/refusal.ts";
import { readSmtp, smtpOf } from "./kit/smtp.ts";

/**
 * https://docs.mailtrap.io/email-api-smtp/advanced/webhooks#event-types ; compared without case and with "_" as a
 * space, because the payload has "soft bounce" and the API `soft_bounce`. A suspension holds a mail back for reasons
 * that lie with its address.
 */
const TYPES = table<EventType>(
  {
    delivery: "delivered",
    "soft bounce": "bounced",
    bounce: "bounced",
    suspension: "dropped",
    reject: "dropped",
    open: "opened",
    click: "clicked",
    unsubscribe: "unsubscribed",
    spam: "complained",
    "spam complaint": "complained",
  },
  "type",
);

/**
 * https://docs.mailtrap.io/email-api-smtp/advanced/webhooks#verifying-the-signature : `Mailtrap-Signature`, the
 * HMAC-SHA256 of the body in hex. No time is signed; repeated requests are absorbed as duplicates. Credentials: signing
 * secrets (as they are shown, or after `hmac:`), or `user:password` for shared secrets.
 */
const proof = provenBySignature({
  kindOf: keyUnlessPair,
  lacking: needsHeader("mailtrap-signature"),
  async verifyKey(request, key) {
    const presented = request.headers.get("mailtrap-signature") ?? "";
    if (presented === "") return fail("the signature header is missing");
    return await verifyHmac(new TextEncoder().encode(key), request.body, presented);
  },
});

export const mailtrap: Provider = {
  id: "mailtrap",
  headers: [],
  ...proof,
  parse: (delivery) => parseElements(delivery, elementsOf(delivery), readElement),
  elements: verbatim(elementsOf),
  /** Mailtrap suppresses by sending stream: transactional or bulk. */
  scopeOf: (element) => (isObject(element) ? text(element["sending_stream"]) : null),
};

/** The events of the document or of its lines. Any other document is read as an array of events or as one event. */
function elementsOf({ body }: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(body)) return ok([]);
  const whole = readText(body);
  if (!whole.ok) return whole;
  const json = readJsonText(whole.value, parse);
  if (!json.ok) return linesOf(whole.value, parse) ?? json;
  const list = isObject(json.value) ? json.value["events"] : json.value;
  return ok(Array.isArray(list) ? list : [json.value]);
}

/**
 * The value of each line; a line that cannot be read is kept as its text. Null if no line is an event, or if there are
 * more lines than a delivery may have elements.
 */
function linesOf(whole: string, parse?: (text: string) => unknown): Result<unknown[]> | null {
  const lines = whole.split("\n", MOST_ELEMENTS + 1);
  if (lines.length > MOST_ELEMENTS) return null;
  const elements = lines
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const json = readJsonText(line, parse);
      return json.ok ? json.value : line;
    });
  return elements.some((element) => isObject(element) && "event" in element) ? ok(elements) : null;
}

/** The normalised word: `soft_bounce` and "Soft bounce" are the same. */
function wordOf(value: unknown): string | null {
  return text(value)?.toLowerCase().replaceAll(/[-_]/g, " ") ?? null;
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const word = wordOf(element["event"] ?? element["event_type"]);
  if (word === null) return fail("event is missing");
  const contact = address(element["email"]);
  if (contact === null) return fail(whyNoAddress("email", element["email"]));
  const occurredAt = time(element["timestamp"] ?? element["created_at"]); // s; ms for inbound mail

  const { type, ...details } = meaningOf(word, element);
  const core = {
    element: index,
    type,
    contact,
    message_id: text(element["message_id"], LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [word, details.url, details.ip, details.user_agent, details.description],
    // The id of inbound mail is reported to change between attempts; for unknown events it is not known whether it
    // does.
    eventId: type === "unknown" ? null : text(element["event_id"], LONGEST.id),
  };
  return ok([makeEvent(core, details)]);
}

type Meaning = { type: EventType } & Partial<EventDetails> &
  Pick<EventDetails, "description" | "url" | "ip" | "user_agent">;

/** The type and details. Some fields have other names in the API's log, which relays pass on. */
function meaningOf(word: string, element: JsonObject): Meaning {
  const fields = byName(element, objectAt(element, "details"));
  const response = firstText(fields, ["response", "emailserviceproviderresponse"], LONGEST.words);
  const reason = firstText(fields, ["reason", "rejectreason"], LONGEST.words);
  const code = firstValue(fields, ["responsecode", "emailserviceproviderstatus"]);
  const found = findingOf(word, reason, firstText(fields, ["bouncecategory"]));
  const failed = TYPES.get(word) === "bounced";
  const smtp = failed
    ? (smtpOf({ code, status: element["enhanced_code"], words: response }) ?? readSmtp(response))
    : null;
  return {
    ...judge(found, smtp, response ?? reason),
    description: response ?? reason,
    smtp,
    tags: tags(element["category"]),
    metadata: metadata(element["custom_variables"]),
    url: firstText(fields, ["url", "clickurl"], LONGEST.url),
    ip: firstText(fields, ["ip", "webipaddress"]),
    user_agent: firstText(fields, ["useragent"], LONGEST.words),
  };
}

/**
 * What Mailtrap itself says. Of its `bounce_category` no list is published:
 * https://docs.mailtrap.io/email-api-smtp/advanced/webhooks
 */
function findingOf(word: string, reason: string | null, category: string | null): Finding {
  const type = TYPES.get(word) ?? "unknown";
  if (type === "complained") return { type, bounce: null, reason: "spam" };
  if (type === "dropped") {
    const isSuppressed = word === "suspension" || /suppress/i.test(reason ?? "");
    return { type, bounce: null, reason: isSuppressed ? "suppressed" : "other" };
  }
  if (type !== "bounced") return { type, bounce: null, reason: null };
  const found = findingOfCategory(category);
  const fallback = { type, reason: category === null ? null : ("other" as const) };
  if (word === "soft bounce") {
    if (found?.type === "blocked") return found;
    return { ...fallback, bounce: "soft", ...(found === null ? {} : { reason: found.reason }) };
  }
  return found ?? { ...fallback, bounce: "hard" };
}
