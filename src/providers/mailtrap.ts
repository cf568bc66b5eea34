// Mailtrap's webhooks: https://docs.mailtrap.io/email-api-smtp/advanced/webhooks
// `{ "events": [...] }`, or one event per line if the payload format is JSON Lines; both are signed.

import { fail, ok, type Result } from "../lib/result.ts";
import type { EventDetails, EventType, Reason, Smtp } from "../model/event.ts";
import { isBlank, MOST_ELEMENTS, parseElements, type ElementResult } from "./kit/elements.ts";
import { address, LONGEST, makeEvent, metadata, table, tags, text, time } from "./kit/fields.ts";
import { isObject, parseVerbatim, readJsonText, readText, type JsonObject } from "./kit/json.ts";
import type { Delivery, Provider } from "./provider.ts";
import { keyUnlessPair, needsHeader, provenBySignature } from "./kit/proof.ts";
import { verifyHmac } from "./kit/signatures.ts";
import { isSenders, readSmtp, smtpReason } from "./kit/smtp.ts";

/**
 * https://docs.mailtrap.io/email-api-smtp/advanced/webhooks#event-types ; compared without case and with "_" as a
 * space, because the payload has "soft bounce" and the API `soft_bounce`. A suspension holds a mail back for reasons
 * that lie with its address.
 */
const TYPES = table<EventType>({
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
});

/**
 * `bounce_category`: https://docs.mailtrap.io/email-api-smtp/advanced/webhooks ; no complete list of its words is
 * published, so these are the bounce categories that mail servers commonly use, compared like the event's word.
 */
const CATEGORIES = table<Reason>({
  "bad mailbox": "invalid",
  "bad domain": "invalid",
  "invalid recipient": "invalid",
  "inactive mailbox": "inactive",
  "quota issues": "mailbox_full",
  "mailbox full": "mailbox_full",
  "message expired": "timed_out",
  "no answer from host": "timed_out",
  "bad connection": "technical",
  "bad configuration": "technical",
  "protocol errors": "technical",
  "routing errors": "technical",
  "invalid sender": "policy",
  "policy related": "policy",
  "relaying issues": "policy",
  spam: "content",
  "spam related": "content",
  "content related": "content",
  "virus related": "content",
});

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
  parse: (delivery) =>
    parseElements(delivery, elementsOf(delivery), (element, index) => readElement(element, index, delivery)),
  elements: (delivery) => {
    const elements = elementsOf(delivery, parseVerbatim);
    return elements.ok ? elements.value : [];
  },
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
  const word = wordOf(element["event"]);
  if (word === null) return fail("event is missing");
  const contact = address(element["email"]);
  if (contact === null)
    return fail(text(element["email"]) === null ? "email is missing" : "email is not an address");
  const occurredAt = time(element["timestamp"]); // s; ms for inbound mail

  const mappedType = TYPES.get(word) ?? "unknown";
  const details = detailsOf(mappedType, element);
  const type = mappedType === "bounced" && isSenders(details.reason) ? "blocked" : mappedType;
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
  const bounce = word === "soft bounce" ? "soft" : "hard";
  return ok([makeEvent(core, { ...details, bounce: type === "bounced" ? bounce : null })]);
}

type Details = Partial<EventDetails> &
  Pick<EventDetails, "reason" | "description" | "url" | "ip" | "user_agent">;

function detailsOf(type: EventType, element: JsonObject): Details {
  const smtp = type === "bounced" ? smtpOf(element) : null;
  const reason = text(element["reason"], LONGEST.words);
  return {
    reason: reasonOf(type, element, smtp),
    description: text(element["response"], LONGEST.words) ?? reason,
    smtp,
    tags: tags(element["category"]),
    metadata: metadata(element["custom_variables"]),
    url: text(element["url"], LONGEST.url),
    ip: text(element["ip"]),
    user_agent: text(element["user_agent"], LONGEST.words),
  };
}

function reasonOf(type: EventType, element: JsonObject, smtp: Smtp | null): Reason | null {
  if (type === "complained") return "spam";
  if (type === "dropped") return isSuppressed(element) ? "suppressed" : "other";
  if (type !== "bounced") return null;
  const category = wordOf(element["bounce_category"]);
  if (category === null) return smtpReason(smtp);
  return CATEGORIES.get(category) ?? smtpReason(smtp) ?? "other";
}

/** The reply in "bounced (550 5.1.1 ...)"; `response_code` repeats the code. */
function smtpOf(element: JsonObject): Smtp | null {
  const smtp = readSmtp(element["response"]);
  const code = Number(text(element["response_code"]) ?? NaN);
  if (!Number.isInteger(code) || code < 200 || code > 599) return smtp;
  return { enhanced: null, response: null, ...smtp, code };
}

function isSuppressed(element: JsonObject): boolean {
  return wordOf(element["event"]) === "suspension" || /suppress/i.test(text(element["reason"]) ?? "");
}
