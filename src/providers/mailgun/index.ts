// Mailgun's webhooks: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks
// One event per request, in `event-data`, beside a `signature` that covers a time and a token, but not the event.
// Accounts created before 2018 may still send the legacy form (legacy.ts).

import { fail, ok, type Result } from "../../lib/result.ts";
import { verifyKeyOrSecret } from "../kit/credentials.ts";
import { isBlank, parseElements, PING, type ElementResult } from "../kit/elements.ts";
import { address, LONGEST, makeEvent, objectAt, recipients, text, time } from "../kit/fields.ts";
import { holdsMore, readMultipart, readParameters } from "../kit/form.ts";
import { isObject, parseVerbatim, readJson, type JsonObject } from "../kit/json.ts";
import { detailsOf, meaningOf } from "./mapping.ts";
import { fromLegacy } from "./legacy.ts";
import type { Delivery, InboundRequest, Provider, VerifyContext, VerifyResult } from "../provider.ts";
import { verifyHmac } from "../kit/signatures.ts";

export const mailgun: Provider = {
  id: "mailgun",
  headers: [],
  verify,
  parse: (delivery) =>
    parseElements(delivery, elementsOf(delivery.body), (element, index) =>
      readElement(element, index, delivery),
    ),
  elements: (delivery) => {
    const elements = elementsOf(delivery.body, parseVerbatim);
    return elements.ok ? elements.value : [];
  },
};

/**
 * How old a signature may be, in seconds. The event itself is not signed, so an intercepted signature would
 * authenticate any content, and must expire. Mailgun retries for about 8 hours and does not document whether it signs
 * each attempt afresh; one day is three times its slowest retry.
 */
const TOLERANCE = 24 * 60 * 60;

/**
 * https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks : HMAC-SHA256 of timestamp and
 * token in hex, in the body; mail of subaccounts is also signed with the parent account's key. Credentials: HTTP
 * webhook signing keys (as they are shown, or after `hmac:`), or `user:password` for shared secrets. Tokens are not
 * stored, because a retry may repeat its token: a repeated event is absorbed as a duplicate.
 */
function verify(
  request: InboundRequest,
  credentials: readonly string[],
  { now }: VerifyContext,
): Promise<VerifyResult> {
  let signatures: JsonObject[] | null = null;
  return verifyKeyOrSecret(request, credentials, async (key) => {
    signatures ??= signaturesOf(request.body);
    let result: VerifyResult = fail("the signature is missing");
    for (const signature of signatures) {
      result = await verifySignature(signature, key, now);
      if (result.ok) return result;
    }
    return result;
  });
}

/**
 * The objects that may contain timestamp, token and signature: two in the current form, in the legacy form the form
 * itself.
 */
function signaturesOf(body: Uint8Array): JsonObject[] {
  const elements = isBlank(body) ? ok([]) : documentOf(body);
  const document = elements.ok ? elements.value : null;
  if (!isObject(document)) return [];
  return [document["signature"], document["parent-signature"], document]
    .filter(isObject)
    .filter((holder) => typeof holder["signature"] === "string");
}

async function verifySignature(shown: JsonObject, key: string, now: number): Promise<VerifyResult> {
  const timestamp = text(shown["timestamp"]) ?? "";
  const token = text(shown["token"]) ?? "";
  if (token === "") return fail("the signature's token is missing");
  if (!/^\d{1,12}$/.test(timestamp)) return fail("the signature's time is no Unix time");
  const age = now / 1000 - Number(timestamp);
  if (Math.abs(age) > TOLERANCE)
    return fail(age > 0 ? "the signature is too old" : "the signature is from the future");
  const encoder = new TextEncoder();
  return verifyHmac(encoder.encode(key), encoder.encode(timestamp + token), text(shown["signature"]) ?? "");
}

/** The most form fields that are read, more than any report has, because the sender is not authenticated yet. */
const MOST_FIELDS = 1_000;

/** The JSON document, or the fields of a legacy form. */
function documentOf(body: Uint8Array, parse?: (text: string) => unknown): Result<unknown> {
  const [start = ""] = /\S/.exec(new TextDecoder().decode(body.subarray(0, 1024))) ?? [];
  if (start === "{" || start === "[") return readJson(body, parse);
  const form = new TextDecoder().decode(body);
  const parts = readMultipart(form);
  if (parts !== null) return ok(parts);
  if (!form.includes("=")) return fail("the body is neither JSON nor a form");
  if (holdsMore(form, MOST_FIELDS)) return fail("the form has too many fields");
  return readParameters(form);
}

function elementsOf(body: Uint8Array, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(body)) return ok([]);
  const document = documentOf(body, parse);
  if (!document.ok) return document;
  const documents: unknown[] = Array.isArray(document.value) ? document.value : [document.value];
  return ok(documents.map(withoutSignature));
}

/**
 * The element without its signature, for display: until it expires, the signature would authenticate any other report.
 */
function withoutSignature(document: unknown): unknown {
  if (!isObject(document)) return document;
  const { token: _token, signature: _signature, "parent-signature": _parent, ...unsigned } = document;
  return unsigned;
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const data = isObject(element["event-data"]) ? element["event-data"] : fromLegacy(element);
  const word = text(data["event"])?.toLowerCase();
  if (word === undefined) return fail("event is missing");
  const contacts = recipientsOf(data);
  if (!contacts.ok) return contacts;
  const occurredAt = time(data["timestamp"]);
  if (occurredAt === "bad") return fail("the timestamp cannot be read");
  const headers = objectAt(objectAt(data, "message"), "headers");
  const messageId = text(headers["message-id"], LONGEST.id)?.replaceAll(/^<|>$/g, "") ?? null;
  if (isSample(messageId, contacts.value)) return PING;

  const outcome = meaningOf(word, data);
  const details = detailsOf(outcome, data);
  const core = {
    element: index,
    type: outcome.type,
    message_id: messageId,
    occurredAt,
    receivedAt,
    // The id is unique only within a day, and Mailgun's samples share one id among several events. The legacy form has
    // no id and no time of the event; its signed time is the only one.
    distinguishing: [word, text(data["id"], LONGEST.id), details.url, details.ip, details.user_agent],
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

/** The recipients; `rejected` events have none, only the mail's own "To" line. */
function recipientsOf(data: JsonObject): Result<string[]> {
  const named =
    text(data["recipient"], LONGEST.words) ?? text(objectAt(data, "envelope")["targets"], LONGEST.words);
  if (named !== null) return recipients(named);
  const message = objectAt(data, "message");
  const line = text(objectAt(message, "headers")["to"], LONGEST.metadata) ?? "";
  // Splits at commas, but not at commas within quotes; of `Doe, Ada <ada@example.com>` only the second half is an
  // address.
  const mailboxes = line.match(/(?:"[^"]*"|[^",])+/g)?.filter((mailbox) => address(mailbox) !== null) ?? [];
  return recipients(mailboxes);
}

/**
 * https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhook-payloads : whether the event is a sample
 * that "Test webhook" posts.
 */
function isSample(messageId: string | null, contacts: readonly string[]): boolean {
  return contacts[0] === "alice@example.com" && /^(20130503|20110215)\d{6}\.\d+\.\d+@/.test(messageId ?? "");
}
