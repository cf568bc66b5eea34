// Mailgun's webhooks: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks
// One event per request, in `event-data`, beside a `signature` that covers a time and a token, but not the event.
// Accounts created before 2018 may still send the legacy form (legacy.ts).

import { fail, ok, type Result } from "../../lib/result.ts";
import { isBlank, parseElements, PING, verbatim, type ElementResult } from "../kit/elements.ts";
import { address, LONGEST, makeEvent, objectAt, recipients, text, time } from "../kit/fields.ts";
import { isObject, readJson, type JsonObject } from "../kit/json.ts";
import { detailsOf, meaningOf } from "./mapping.ts";
import { keyUnlessPair, provenBySignature } from "../kit/proof.ts";
import { fromLegacy, readLegacy } from "./legacy.ts";
import { LONGEST_POST, startOf, verifyKey, withoutProof } from "./proof.ts";
import type { Delivery, Provider } from "../provider.ts";

export const mailgun: Provider = {
  id: "mailgun",
  headers: [],
  /**
   * Credentials: HTTP webhook signing keys (as they are shown, or after `hmac:`), or `user:password` for shared secrets.
   */
  ...provenBySignature({ kindOf: keyUnlessPair, verifyKey }),
  longestSigned: LONGEST_POST,
  withoutProof,
  parse: (delivery) => parseElements(delivery, elementsOf(delivery), readElement),
  elements: verbatim(elementsOf),
  scopeOf,
};

/**
 * The mailing list that an unsubscribe is about: `mailing-list`, an object with its address, in the legacy form the
 * address alone.
 */
function scopeOf(element: unknown): string | null {
  const list = isObject(element) ? dataOf(element)["mailing-list"] : null;
  return isObject(list) ? (text(list["address"]) ?? text(list["list-id"])) : text(list);
}

/** `event-data`; a report without this envelope as Mailgun's logs have it; or the fields of the legacy form. */
function dataOf(element: JsonObject): JsonObject {
  const data = element["event-data"] ?? element["event_data"];
  if (isObject(data)) return data;
  return isObject(element["message"]) || isObject(element["delivery-status"]) ? element : fromLegacy(element);
}

/** The JSON document, or the fields of a legacy form. */
function documentOf(body: Uint8Array, parse?: (text: string) => unknown): Result<unknown> {
  const start = startOf(body);
  return start === "{" || start === "[" ? readJson(body, parse) : readLegacy(body);
}

function elementsOf({ body }: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
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
  const data = dataOf(element);
  const word = text(data["event"])?.toLowerCase();
  if (word === undefined) return fail("event is missing");
  const contacts = recipientsOf(data);
  if (!contacts.ok) return contacts;
  const occurredAt = time(data["timestamp"] ?? data["@timestamp"]);
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
