// Any sender of plain events as JSON, a form or XML: home-made systems, relays, and services without a file of their
// own. It reads the field names and event words that such systems share, and checks shared secrets, HMACs or Standard
// Webhooks.

import { fail, ok, type Result } from "../../lib/result.ts";
import { isGzip, unzip } from "../../lib/unzip.ts";
import { TOKEN_PARAMETER } from "../kit/credentials.ts";
import { isBlank, parseElements, PING, verbatim, type ElementResult } from "../kit/elements.ts";
import { LONGEST, makeEvent, text } from "../kit/fields.ts";
import { unwrapped } from "./unwrapped.ts";
import { contactsOf, eventOf, meaningOf, saysNothing } from "../kit/usual/fields.ts";
import { NAMES } from "../kit/usual/names.ts";
import { readForm } from "../kit/form.ts";
import { isObject, readJson, readText, type JsonObject } from "../kit/json.ts";
import { byName, firstText, firstTime, texts, type NamedFields } from "../kit/loose-fields.ts";
import { isMultipart } from "../kit/multipart.ts";
import { provenBySignature } from "../kit/proof.ts";
import type { Delivery, InboundRequest, Provider, RequestHead, VerifyResult } from "../provider.ts";
import { lacksStandardWebhook, verifyHmac, verifyStandardWebhook } from "../kit/signatures.ts";
import { xmlElements } from "../kit/xml.ts";

/**
 * Credentials: `hmac:<key>` (X-Signature and the like, or the header that `settings.signature_header` names),
 * `whsec_...` and `whpk_...` (Standard Webhooks); anything else is a shared secret. One matching credential is enough.
 */
const proof = provenBySignature({
  kindOf: (credential) =>
    /^(wh(sec|pk)_|hmac:)/.test(credential) ? { key: credential } : { secret: credential },
  lacking: (head, key, context) => {
    if (!key.startsWith("hmac:")) return lacksStandardWebhook(head, key, context);
    return signaturesOf(head, context.settings).length > 0 ? null : "the signature header is missing";
  },
  verifyKey: (request, key, context) =>
    key.startsWith("hmac:")
      ? verifyHmacHeaders(request, key.slice("hmac:".length), context.settings)
      : verifyStandardWebhook(request, key, context.now),
});

const SIGNATURE_HEADERS = ["x-signature", "x-webhook-signature", "x-hub-signature-256"];

export const generic: Provider = {
  id: "generic",
  headers: ["webhook-id", "svix-id"],
  ...proof,
  parse: (delivery) => {
    const document = readDocument(delivery);
    const webhookId = document.ok && document.value.single ? webhookIdOf(delivery) : null;
    return parseElements(delivery, elementsOf(document), (element, index) =>
      readElement(element, { index, receivedAt: delivery.receivedAt, webhookId }),
    );
  },
  elements: verbatim((delivery, parse) => elementsOf(readDocument(delivery, parse))),
  /** The list, topic or group that an unsubscribe is about. */
  scopeOf: (element) => (isObject(element) ? firstText(unwrapped(element).fields, NAMES.list) : null),
};

/** The signatures in the headers that are looked at. */
function signaturesOf({ headers }: RequestHead, settings: Record<string, unknown>): string[] {
  const chosen = text(settings["signature_header"]);
  return (chosen === null ? SIGNATURE_HEADERS : [chosen])
    .map((name) => (/^[\w-]+$/.test(name) ? (headers.get(name) ?? "") : ""))
    .filter((signature) => signature !== "");
}

async function verifyHmacHeaders(
  request: InboundRequest,
  key: string,
  settings: Record<string, unknown>,
): Promise<VerifyResult> {
  let result: VerifyResult = fail("the signature header is missing");
  for (const signature of signaturesOf(request, settings)) {
    result = await verifyHmac(new TextEncoder().encode(key), request.body, signature);
    if (result.ok) return result;
  }
  return result;
}

interface Document {
  elements: unknown[];
  /** Whether the document itself is the only element. */
  single: boolean;
}

/** In bytes, as much as ingest accepts. */
const LONGEST_UNZIPPED = 5_000_000;

/**
 * Reads JSON, XML or a form. The body's first characters decide, because many senders declare the wrong type. Ingest
 * unzips what says that it is gzipped; here are the others, and older deliveries that were kept as they came.
 */
function readDocument(delivery: Delivery, parse?: (text: string) => unknown): Result<Document> {
  if (!isGzip(delivery.body)) return readPlain(delivery, parse);
  const content = unzip(delivery.body, LONGEST_UNZIPPED);
  return content.ok
    ? readPlain({ ...delivery, body: content.bytes }, parse)
    : fail(`the gzipped body is ${content.reason}`);
}

function readPlain(delivery: Delivery, parse?: (text: string) => unknown): Result<Document> {
  if (isBlank(delivery.body)) return ok({ elements: [], single: false });
  const start = new TextDecoder().decode(delivery.body.subarray(0, 256)).trimStart();
  if (start.startsWith("<")) return readXmlDocument(delivery.body);
  if (isMultipart(delivery.body)) return readFormDocument(delivery.body);
  const json = readJsonDocument(delivery.body, parse);
  return json.ok || !/^[^\s{}[\]"<>=]+=/.test(start) ? json : readFormDocument(delivery.body);
}

function readXmlDocument(body: Uint8Array): Result<Document> {
  const decoded = readText(body);
  const parsed = decoded.ok ? xmlElements(decoded.value) : decoded;
  return parsed.ok ? ok({ elements: parsed.value, single: parsed.value.length === 1 }) : parsed;
}

/** The fields of one event in a form of either encoding. */
function readFormDocument(body: Uint8Array): Result<Document> {
  const read = readForm(body);
  if (!read.ok) return read;
  const { [TOKEN_PARAMETER]: _secret, ...fields } = read.value;
  return ok({ elements: [fields], single: true });
}

/** The elements of an array or of `{ "events": [...] }`, or the one object. */
function readJsonDocument(body: Uint8Array, parse?: (text: string) => unknown): Result<Document> {
  const json = readJson(body, parse);
  if (!json.ok) return json;
  const list = isObject(json.value) ? json.value["events"] : json.value;
  return ok(
    Array.isArray(list) ? { elements: list, single: false } : { elements: [json.value], single: true },
  );
}

function elementsOf(document: Result<Document>): Result<unknown[]> {
  return document.ok ? ok(document.value.elements) : document;
}

/** The message's id in Standard Webhooks, its idempotency key: every attempt repeats it. */
function webhookIdOf(delivery: Delivery): string | null {
  return text(delivery.headers.get("webhook-id") ?? delivery.headers.get("svix-id"), LONGEST.id);
}

interface Context {
  index: number;
  receivedAt: number;
  webhookId: string | null;
}

function readElement(element: JsonObject, { index, receivedAt, webhookId }: Context): ElementResult {
  const outer = byName(element);
  const { fields, mailId } = unwrapped(element, outer);
  const named = eventOf(fields);
  if (named?.type === "ping" || saysNothing(fields)) return PING;
  if (named === null) return fail("event is missing");
  const contacts = contactsOf(fields);
  if (!contacts.ok) return contacts;
  const occurredAt = firstTime(fields, NAMES.occurred_at);
  const { word } = named;
  const { type, ...details } = meaningOf({ word, type: named.type }, fields);
  const core = {
    element: index,
    type,
    message_id: firstText(fields, NAMES.message_id, LONGEST.id) ?? text(mailId, LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [
      word,
      details.url,
      details.ip,
      details.user_agent,
      details.campaign,
      details.custom_id,
      // A bare `id` may belong to the report or to the mail. So different ids mean different reports, but equal ids do
      // not mean the same report.
      identifier(outer, ["id"]),
    ],
    eventId: webhookId ?? identifier(fields, NAMES.event_id),
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

/** An id that distinguishes reports; 0 means that there is none. */
function identifier(fields: NamedFields, names: readonly string[]): string | null {
  return texts(fields, names, LONGEST.id).find((id) => id !== "0") ?? null;
}
