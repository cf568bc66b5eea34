// Azure Communication Services' e-mail, whose reports Event Grid posts in arrays:
// https://learn.microsoft.com/azure/event-grid/communication-services-email-events
// Event Grid signs nothing, but it can send a secret in the URL or in a header.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { verifySecretOrHeader } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { address, LONGEST, makeEvent, objectAt, table, text, time, whyNoAddress } from "./kit/fields.ts";
import { isObject, readJson, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstValue } from "./kit/loose-fields.ts";
import type { Delivery, Handshake, Provider, RequestHead, VerifyResult } from "./provider.ts";
import { judge, type Finding } from "./kit/refusal.ts";
import { smtpOf } from "./kit/smtp.ts";

/**
 * https://learn.microsoft.com/azure/event-grid/communication-services-email-events : `status` of a delivery report.
 * `Expanded`, of a distribution list, contains nothing about its members and stays unknown.
 */
const STATUSES = table<readonly [EventType, Reason?]>(
  {
    delivered: ["delivered"],
    outfordelivery: ["sent"],
    bounced: ["bounced"],
    suppressed: ["dropped", "suppressed"],
    quarantined: ["blocked", "content"],
    filteredspam: ["blocked", "content"],
    failed: ["failed"],
  },
  "type",
);

/** The same page: `engagementType`. */
const ENGAGEMENTS = table<EventType>({ view: "opened", click: "clicked" }, "type");

const DELIVERY = "microsoft.communication.emaildeliveryreportreceived";
const ENGAGEMENT = "microsoft.communication.emailengagementtrackingreportreceived";
const VALIDATION = "microsoft.eventgrid.subscriptionvalidationevent";
const DELETION = "microsoft.eventgrid.subscriptiondeletedevent";

export const azure: Provider = {
  id: "azure",
  headers: [],
  /** Credentials: shared secrets, in the URL or alone in the header that `settings.secret_header` names. */
  ...provenByHead(verifyAzure),
  consent,
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
  handshake,
};

/**
 * The handshake of CloudEvents (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection),
 * which Event Grid uses for subscriptions in that schema: we allow the origin that asks.
 */
function consent({ headers }: RequestHead): Record<string, string> | null {
  const origin = headers.get("webhook-request-origin") ?? "";
  if (!/^[\w.:*-]{1,253}$/.test(origin)) return null;
  return { "webhook-allowed-origin": origin, "webhook-allowed-rate": "*" };
}

/**
 * Deliveries prove themselves by a shared secret. So does the handshake if the secret is in the URL; whether it carries
 * a secret that Event Grid sends as a header is undocumented, so there it may come without one.
 */
function verifyAzure(
  head: RequestHead,
  credentials: readonly string[],
  settings: Record<string, unknown>,
): VerifyResult {
  const result = verifySecretOrHeader(head, credentials, settings);
  const isBareHandshake = !result.ok && result.isBare === true && head.method === "OPTIONS";
  return isBareHandshake && text(settings["secret_header"]) !== null ? { ok: true } : result;
}

/** In bytes. A validation has about one thousand; longer bodies need not be parsed twice. */
const LONGEST_VALIDATION = 16_384;

/**
 * https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema : a new URL must answer
 * with the code. This applies only if the request contains nothing else, because nothing of a handshake is stored.
 */
function handshake(_request: unknown, { body }: Delivery): Handshake | null {
  if (body.length > LONGEST_VALIDATION) return null;
  const json = readJson(body);
  if (!json.ok) return null;
  const [event, ...others] = Array.isArray(json.value) ? (json.value as unknown[]) : [json.value];
  if (!isObject(event) || others.length > 0 || kindOf(event) !== VALIDATION) return null;
  const validationResponse = text(objectAt(event, "data")["validationCode"]);
  if (validationResponse === null) return null;
  return { respond: JSON.stringify({ validationResponse }), contentType: "application/json" };
}

/** The event's kind: `eventType` in Event Grid's schema, `type` in the schema of CloudEvents. */
function kindOf(element: JsonObject): string | undefined {
  return text(element["eventType"] ?? element["type"])?.toLowerCase();
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const kind = kindOf(element);
  if (kind === undefined) return fail("eventType is missing");
  if (kind === VALIDATION || kind === DELETION) return PING;
  const data = objectAt(element, "data");
  const email = text(data["recipient"], LONGEST.words);
  // Engagement is reported for the mail, and only newer reports name the recipient.
  if (email === null)
    return fail(
      kind === ENGAGEMENT ? "an engagement report that names no recipient" : "recipient is missing",
    );
  const contact = address(email);
  if (contact === null) return fail(whyNoAddress("recipient", email));
  const occurredAt = timeOf(element, data);
  const { type, ...details } = meaningOf(kind, data);
  const core = {
    element: index,
    type,
    contact,
    message_id: text(data["messageId"], LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [kind, text(data["status"] ?? data["engagementType"]), details.url, details.user_agent],
    eventId: text(element["id"], LONGEST.id),
  };
  return ok([makeEvent(core, details)]);
}

/**
 * The documentation spells the field `TimeStamp`, the SDKs read `Timestamp`; the envelope's time is the last resort.
 */
function timeOf(element: JsonObject, data: JsonObject): number | string | null {
  for (const name of ["deliveryAttemptTime", "userActionTime"]) {
    const value = data[`${name}Stamp`] ?? data[`${name}stamp`];
    if (value !== undefined && value !== null) return time(value);
  }
  return time(element["eventTime"] ?? element["time"]);
}

type Meaning = { type: EventType } & Partial<EventDetails> & Pick<EventDetails, "url" | "user_agent">;

function meaningOf(kind: string, data: JsonObject): Meaning {
  if (kind === DELIVERY) return { ...delivered(data), url: null, user_agent: null };
  return {
    type:
      (kind === ENGAGEMENT && ENGAGEMENTS.get(text(data["engagementType"])?.toLowerCase() ?? "")) ||
      "unknown",
    url: text(data["engagementContext"], LONGEST.url), // of a click
    user_agent: text(data["userAgent"], LONGEST.words),
  };
}

/** What becomes of the status, by the server's words in `statusMessage`. The names of codes are Azure's logs'. */
function delivered(data: JsonObject): { type: EventType } & Partial<EventDetails> {
  const status =
    text(data["status"])
      ?.toLowerCase()
      .replaceAll(/[\s_-]/g, "") ?? "";
  const [type, reason = null] = STATUSES.get(status) ?? (["unknown"] as const);
  const fields = byName(objectAt(data, "deliveryStatusDetails"));
  const description =
    firstText(fields, ["statusmessage", "failuremessage"], LONGEST.words) ??
    text(data["deliveryStatusDetails"], LONGEST.words);
  const codes = {
    code: firstValue(fields, ["smtpstatuscode", "smtpcode"]),
    status: firstValue(fields, ["enhancedsmtpstatuscode", "enhancedcode"]),
  };
  const smtp = smtpOf({ ...codes, words: description });
  const found: Finding = { type, bounce: type === "bounced" ? "hard" : null, reason };
  const custom_id = text(data["internetMessageId"], LONGEST.id);
  return { ...judge(found, smtp, description), description, smtp, custom_id };
}
