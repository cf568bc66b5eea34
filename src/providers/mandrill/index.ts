// Mandrill's (Mailchimp Transactional's) webhooks: https://mailchimp.com/developer/transactional/docs/webhooks/
// A form with one field, `mandrill_events`, that contains a JSON array. Beside reports on mails, it contains reports on
// the account's own lists of addresses ("sync events"), which name no event.

import { fail, ok, type Result } from "../../lib/result.ts";
import { isBlank, parseElements, PING, verbatim, type ElementResult } from "../kit/elements.ts";
import { address, LONGEST, makeEvent, objectAt, text, time, whyNoAddress } from "../kit/fields.ts";
import { formPairs } from "../kit/form.ts";
import { isObject, readJsonText, type JsonObject } from "../kit/json.ts";
import { listDetail, listEntry, readDetails, syncWord } from "./mapping.ts";
import type { Delivery, InboundRequest, Provider, VerifyContext, VerifyResult } from "../provider.ts";
import { keyUnlessPair, LONGEST_TEST, needsHeader, provenBySignature } from "../kit/proof.ts";
import { verifyHmac } from "../kit/signatures.ts";

const FIELD = "mandrill_events";
const MOST_FIELDS = 100;
/** The key of the empty post that checks a new webhook, before the webhook's own key is shown. */
const TEST_KEY = "test-webhook";

export const mandrill: Provider = {
  id: "mandrill",
  headers: [],
  ...provenBySignature({ kindOf: keyUnlessPair, lacking: needsHeader("x-mandrill-signature"), verifyKey }),
  parse: (delivery) => {
    const elements = elementsOf(delivery);
    const parsed = parseElements(delivery, elements, readElement);
    return isEmptyForm(delivery.body, elements) ? { ...parsed, pings: 1 } : parsed;
  },
  elements: verbatim(elementsOf),
  /**
   * https://mailchimp.com/developer/transactional/docs/tags-metadata/#subaccounts : a subaccount has its own list of
   * rejected addresses, and what its recipients wish holds for its mail. That reports name it in `msg.subaccount` was
   * seen; that they never name the main account there is a guess.
   */
  scopeOf: (element) => (isObject(element) ? text(objectAt(element, "msg")["subaccount"]) : null),
};

/**
 * https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/#authenticating-webhook-requests
 * : `X-Mandrill-Signature`, the base64 of an HMAC-SHA1 over the URL and the form's decoded names and values, sorted by
 * name. The URL is exactly the one that Mandrill was given, including user and password, which no request contains:
 * hence `settings.url`. The URL of the request is tried, too. Credentials: webhook keys (as they are shown, or after
 * `hmac:`), or `user:password` for shared secrets. A source that has a key also accepts the empty test post.
 */
async function verifyKey(
  request: InboundRequest,
  key: string,
  { settings }: VerifyContext,
): Promise<VerifyResult> {
  const presented = request.headers.get("x-mandrill-signature") ?? "";
  if (presented === "") return fail("the signature header is missing");
  const form = signedForm(request.body);
  if (form === null) return fail("the body is no form, or has too many fields");
  const urls = [text(settings["url"], LONGEST.url), request.url].filter((url) => url !== null);
  const matches = async (secret: string): Promise<VerifyResult> => {
    let result: VerifyResult = fail("the signature does not match");
    for (const url of urls) {
      const signed = new TextEncoder().encode(url + form);
      result = await verifyHmac(new TextEncoder().encode(secret), signed, presented, "SHA-1");
      if (result.ok) return result;
    }
    return result;
  };
  const result = key === TEST_KEY ? fail("the test key signs empty posts only") : await matches(key);
  if (result.ok || !isTestPost(request.body)) return result;
  return (await matches(TEST_KEY)).ok ? { ok: true, isTest: true } : result;
}

/** Whether the body is a form with the events' field alone, which contains an empty array. */
function isTestPost(body: Uint8Array): boolean {
  if (body.length > LONGEST_TEST || isJson(body)) return false;
  const fields = formPairs(body, MOST_FIELDS);
  const [field, ...others] = fields.ok ? fields.value : [];
  return field?.[0] === FIELD && others.length === 0 && /^\s*\[\s*\]\s*$/.test(field[1]);
}

/**
 * The signed text: names and values in sequence, sorted by name. No separator stands between them, so the signed body
 * must be read as the form that it is: null for JSON, and for more fields than are worth sorting for an unauthenticated
 * sender.
 */
function signedForm(body: Uint8Array): string | null {
  const read = isJson(body) ? null : formPairs(body, MOST_FIELDS);
  if (read?.ok !== true) return null;
  const fields = read.value;
  fields.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  return fields.flat().join("");
}

/** Whether the body is Mandrill's test: a form whose array is empty. */
function isEmptyForm(body: Uint8Array, elements: Result<unknown[]>): boolean {
  return !isBlank(body) && !isJson(body) && elements.ok && elements.value.length === 0;
}

/**
 * Whether the body begins like JSON. Only a relay between Mandrill and us sends JSON, with a shared secret and
 * unsigned.
 */
function isJson(body: Uint8Array): boolean {
  return /^\s*[[{]/.test(new TextDecoder().decode(body.subarray(0, 1024)));
}

function elementsOf({ body }: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(body)) return ok([]);
  const events = isJson(body) ? ok(new TextDecoder().decode(body)) : eventsField(body);
  if (!events.ok) return events;
  const json = readJsonText(events.value, parse);
  if (!json.ok) return json;
  return ok(Array.isArray(json.value) ? json.value : [json.value]);
}

function eventsField(body: Uint8Array): Result<string> {
  const fields = formPairs(body, MOST_FIELDS);
  if (!fields.ok) return fields;
  const events = fields.value.find(([name]) => name === FIELD)?.[1];
  return events === undefined ? fail(`${FIELD} is missing`) : ok(events);
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const msg = objectAt(element, "msg");
  const word = text(element["event"])?.toLowerCase() ?? syncWord(element);
  if (word === null) return fail("event is missing");
  const id = text(element["_id"], LONGEST.id) ?? text(msg["_id"], LONGEST.id);
  const email = msg["email"] ?? listEntry(element)["email"];
  if (isSample(id, email)) return PING;
  const contact = address(email);
  if (contact === null) return fail(whyNoAddress("email", email));
  const occurredAt = time(element["ts"]); // `msg.ts` is when the mail was sent

  const { type, details } = readDetails(word, element);
  const core = {
    element: index,
    type,
    contact,
    // Inbound mails have only their own id.
    message_id: id ?? text(objectAt(msg, "headers")["Message-Id"], LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [word, details.url, details.ip, details.user_agent, listDetail(listEntry(element))],
  };
  return ok([makeEvent(core, details)]);
}

/** Whether the report is a sample: the "Send Test" button posts one of each kind, about one invented mail. */
function isSample(id: string | null, email: unknown): boolean {
  return email === "example.webhook@mandrillapp.com" || (id !== null && /^examplea{20}/.test(id));
}
