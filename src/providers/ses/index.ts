// Amazon SES, whose reports SNS posts:
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
// Two shapes, with the same objects inside: events of a configuration set (`eventType`) and notifications of an
// identity (`notificationType`). If both are enabled, each report arrives twice and is one event, because the identity
// leaves out SNS's ids. EventBridge wraps the first shape once more, by itself or inside of SNS's message.

import { fail, ok, type Result } from "../../lib/result.ts";
import type { EventDetails } from "../../model/event.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "../kit/elements.ts";
import { address, LONGEST, makeEvent, metadata, objectAt, text, time, whyNoAddress } from "../kit/fields.ts";
import { isObject, readText, toJson, type JsonObject } from "../kit/json.ts";
import { plainName } from "../kit/loose-fields.ts";
import { provenBySignature, type Credential } from "../kit/proof.ts";
import { looksPublic } from "../kit/keys/public-keys.ts";
import type { Delivery, Provider } from "../provider.ts";
import { KINDS, listOf, listOfChoice, meaningOf, type Kind } from "./mapping.ts";
import {
  amazonUrl,
  isTopic,
  LONGEST_MESSAGE,
  namesAnotherTopic,
  verifySns,
} from "../kit/keys/sns-signatures.ts";
import { confirmationOf, isGreeting, openEnvelope, withoutLinks, type Published } from "../kit/sns.ts";

export const ses: Provider = {
  id: "ses",
  headers: [],
  ...provenBySignature({ kindOf, lacking: namesAnotherTopic, verifyKey: verifySns }),
  longestSigned: LONGEST_MESSAGE,
  withoutProof: withoutLinks,
  parse: (delivery) =>
    isRawGreeting(delivery)
      ? { events: [], rejects: [], pings: 1 }
      : parseElements(delivery, jsonElements(delivery), readElement),
  handshake: (_request, delivery) => confirmationOf(delivery, subscribeUrl),
  scopeOf: (element) => {
    const opened = isObject(element) ? open(element) : null;
    if (opened?.ok !== true || opened.value === "ping") return null;
    return listOfChoice(objectAt(opened.value.report, "subscription"));
  },
};

/**
 * Credentials: the ARNs of the topics that may post (`arn:aws:sns:...`), whose messages SNS signs; anything else is a
 * shared secret in the URL, the only proof that raw message delivery offers.
 */
function kindOf(credential: string): Credential {
  if (isTopic(credential)) return { key: credential.trim() };
  return looksPublic(credential) ? "unusable" : { secret: credential };
}

function subscribeUrl(message: JsonObject): string | null {
  const url = amazonUrl(message["SubscribeURL"]);
  return url?.searchParams.get("Action") === "ConfirmSubscription" ? url.href : null;
}

/** Whether the body is the greeting of a new event destination, which is not JSON under raw message delivery. */
function isRawGreeting({ body }: Delivery): boolean {
  const start = readText(body.subarray(0, 64));
  return start.ok && isGreeting(start.value);
}

/**
 * The report, without the envelopes of SNS and EventBridge:
 * https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html . An event of the bus has its own id and time,
 * and the report in `detail`. No sample of one was seen here; the names are those of EventBridge's envelope, and the
 * content of `detail` is that of event publishing, by the page.
 */
function open(element: JsonObject): Result<Published | "ping"> {
  const opened = openEnvelope(element, subscribeUrl);
  if (!opened.ok || opened.value === "ping") return opened;
  const { detail, id, time: publishedAt } = opened.value.report;
  return isObject(detail) && !isObject(opened.value.report["mail"])
    ? ok({ report: detail, id: id ?? opened.value.id, publishedAt: publishedAt ?? opened.value.publishedAt })
    : opened;
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const opened = open(element);
  if (!opened.ok) return opened;
  if (opened.value === "ping") return PING;
  const { report, id } = opened.value;
  const word = text(report["eventType"]) ?? text(report["notificationType"]);
  if (word === null) return fail("eventType is missing");
  const name = plainName(word);
  if (name === "amazonsnssubscriptionsucceeded") return PING; // a topic was assigned to an identity
  const kind = KINDS.get(name) ?? (["unknown", word[0]?.toLowerCase() + word.slice(1)] satisfies Kind);
  const eventObject = objectAt(report, kind[1]);
  const mail = objectAt(report, "mail");
  const recipients = recipientsOf(kind, eventObject, mail);
  if (!recipients.ok) return recipients;
  const occurredAt = timeOf(eventObject, mail, opened.value, kind);
  const acts = actOf(eventObject, kind);
  const given = sendersOf(mail);
  const core = {
    element: index,
    message_id: text(mail["messageId"], LONGEST.id),
    occurredAt,
    receivedAt,
    eventId: text(eventObject["feedbackId"], LONGEST.id), // of bounces and complaints
    distinguishing: [
      name,
      acts.url,
      acts.ip,
      acts.user_agent,
      written(eventObject["linkTags"]),
      written(eventObject["newTopicPreferences"]),
      kind[0] === "unknown" ? text(id, LONGEST.id) : null,
    ],
  };
  return ok(
    recipients.value.map(({ contact, entry }) => {
      const { type, ...details } = meaningOf(kind, eventObject, entry);
      // The contact list is reported as campaign only if there is no other: it must not hide the campaign in the mail's
      // tags.
      const campaign = given.campaign ?? details.campaign ?? null;
      return makeEvent({ ...core, type, contact }, { ...given, ...acts, ...details, campaign });
    }),
  );
}

interface Recipient {
  contact: string;
  /** The report's entry for this recipient. */
  entry: JsonObject;
}

const MOST_RECIPIENTS = 1_000;

/**
 * Each recipient once. Opens, clicks and complaints name all recipients of the mail (or of its copy to one domain),
 * because SES does not know which of them acted; so they become events of all of them.
 */
function recipientsOf(kind: Kind, eventObject: JsonObject, mail: JsonObject): Result<Recipient[]> {
  const named = kind[2] === undefined ? [] : listOf(eventObject[kind[2]]);
  const sent = listOf(mail["destination"]);
  // A report that should name its own recipients, but does not, may be about any of several recipients of the mail.
  const items = named.length > 0 || (kind[2] !== undefined && sent.length > 1) ? named : sent;
  if (items.length === 0) return fail("it names no recipient");
  if (items.length > MOST_RECIPIENTS) return fail(`more than ${MOST_RECIPIENTS} recipients`);
  const recipients = new Map<string, Recipient>();
  for (const item of items) {
    const entry = isObject(item) ? item : { emailAddress: item };
    const contact = address(entry["emailAddress"]);
    if (contact === null) return fail(whyNoAddress("a recipient", entry["emailAddress"]));
    if (!recipients.has(contact)) recipients.set(contact, { contact, entry });
  }
  return ok([...recipients.values()]);
}

/**
 * The event's own time. Sends and drops without one happened when SES accepted the mail; the last resort is the
 * envelope's time, which is the time of posting.
 */
function timeOf(eventObject: JsonObject, mail: JsonObject, { publishedAt }: Published, [type]: Kind) {
  const atOnce = type === "sent" || type === "dropped";
  return time(eventObject["timestamp"] ?? (atOnce ? mail["timestamp"] : undefined) ?? publishedAt);
}

/** The link, address and program of an open or click. A complaint's userAgent is the program that reported it. */
function actOf(eventObject: JsonObject, [type]: Kind) {
  const acted = type === "complained" ? {} : eventObject;
  return {
    url: text(acted["link"], LONGEST.url),
    ip: text(acted["ipAddress"]),
    user_agent: text(acted["userAgent"], LONGEST.words),
  } satisfies Partial<EventDetails>;
}

function written(value: unknown): string | null {
  return isObject(value) ? text(toJson(value), LONGEST.url) : null;
}

/**
 * The sender's own data: the tags of the mail (only `eventType` contains them) without SES's own tags, and its
 * Message-ID.
 */
function sendersOf(mail: JsonObject): Partial<EventDetails> {
  const senderTags = Object.entries(objectAt(mail, "tags"))
    .filter(([name]) => !name.startsWith("ses:"))
    .map(([name, values]) => [name, Array.isArray(values) && values.length === 1 ? values[0] : values]);
  const tags: JsonObject = Object.fromEntries(senderTags);
  const header = text(objectAt(mail, "commonHeaders")["messageId"], LONGEST.id);
  const id = text(mail["messageId"], LONGEST.id);
  return {
    campaign: text(tags["campaign"]),
    // Most mails get SES's id as their Message-ID; only a Message-ID of the sender's own adds information.
    custom_id: header !== null && id !== null && header.includes(id) ? null : header,
    metadata: metadata(tags),
  };
}
