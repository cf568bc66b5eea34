// ZeptoMail's webhooks: https://www.zoho.com/zeptomail/help/webhooks.html
// A post nests lists: event_message[] > event_data[] > details[], and the event's name is in a list as well. Every item
// of event_message is an element here. ZeptoMail reports only the first open.

import { fail, ok, type Result } from "../lib/result.ts";
import type { EventType, ParsedEvent } from "../model/event.ts";
import { verifySecretOrHeader } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { isBlank, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { LONGEST, makeEvent, objectAt, recipients, table, text, time } from "./kit/fields.ts";
import { isObject, parseVerbatim, readJson, type JsonObject } from "./kit/json.ts";
import type { Delivery, Provider } from "./provider.ts";
import { findSmtp, isSenders, smtpReason } from "./kit/smtp.ts";

/** https://www.zoho.com/zeptomail/help/webhooks.html : event_name and `object`, which have the same meaning. */
const TYPES = table<readonly [EventType, ("hard" | "soft")?]>({
  hardbounce: ["bounced", "hard"],
  softbounce: ["bounced", "soft"],
  email_open: ["opened"],
  open: ["opened"],
  email_link_click: ["clicked"],
  click: ["clicked"],
  feedback_loop: ["complained"],
  feedbackloop: ["complained"],
});

export const zeptomail: Provider = {
  id: "zeptomail",
  headers: [],
  /**
   * Credentials: `user:password` for basic auth, else a token (bearer, `?token=`, or alone in the header that
   * `settings.secret_header` names: ZeptoMail sends an authentication key in a header of the customer's choice). How
   * its `producer-signature` is made is not confirmed, so that header neither proves nor refutes anything here.
   */
  ...provenByHead(verifySecretOrHeader),
  parse: (delivery) =>
    parseElements(delivery, elementsOf(delivery), (element, index) => readElement(element, index, delivery)),
  elements: (delivery) => {
    const elements = elementsOf(delivery, parseVerbatim);
    return elements.ok ? elements.value : [];
  },
};

/**
 * The elements: one notification per message, each with the event names that all of them share, so that it is complete
 * by itself. A message that was erased leaves an empty element, so that the others keep their numbers.
 */
function elementsOf(delivery: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(delivery.body)) return ok([]);
  const json = readJson(delivery.body, parse);
  if (!json.ok) return json;
  const document = json.value;
  if (Array.isArray(document)) return ok(document);
  const messages = isObject(document) ? document["event_message"] : null;
  if (!isObject(document) || !Array.isArray(messages) || messages.length < 2) return ok([document]);
  const { event_name, mailagent_key, webhook_request_id } = document;
  return ok(
    messages.map((message: unknown) =>
      message === null ? null : { event_name, event_message: [message], mailagent_key, webhook_request_id },
    ),
  );
}

/** The parts of a report: the mail and its recipients, the event's name, the details of one occurrence. */
interface Report {
  word: string;
  email: JsonObject;
  sentTo: Result<string[]>;
  message: JsonObject;
  details: JsonObject;
}

/** The most events of one element. Occurrences times recipients could be more than fit into memory. */
const MOST_EVENTS = 1_000;

/** Reads one element completely or not at all: if a part cannot be read, the whole element becomes a reject. */
function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  if (Object.keys(element).length === 0) return PING;
  const name = element["event_name"];
  const word = text(Array.isArray(name) ? name[0] : name);
  const messages = objects(element["event_message"]);
  if (messages === null) return fail("event_message is not a list of objects");
  const events: ParsedEvent[] = [];
  for (const message of messages) {
    const reports = reportsOf(word, message);
    if (!reports.ok) return reports;
    for (const report of reports.value) {
      const read = readReport(report, index, delivery);
      if (!read.ok) return read;
      events.push(...read.value);
      if (events.length > MOST_EVENTS) return fail(`more than ${MOST_EVENTS} events in one element`);
    }
  }
  return ok(events);
}

function reportsOf(name: string | null, message: JsonObject): Result<Report[]> {
  const email = objectAt(message, "email_info");
  const sentTo = recipients(addressesOf(email["to"]));
  const data = objects(message["event_data"] ?? {});
  if (data === null) return fail("event_data is not a list of objects");
  const reports: Report[] = [];
  for (const item of data) {
    const word = (text(item["object"]) ?? name)?.toLowerCase();
    if (word === undefined) return fail("event_name is missing");
    const occurrences = objects(item["details"] ?? {});
    if (occurrences === null) return fail("details is not a list of objects");
    for (const details of occurrences) reports.push({ word, email, sentTo, message, details });
  }
  return ok(reports);
}

function addressesOf(to: unknown): unknown[] {
  return (Array.isArray(to) ? to : []).map((one: unknown) =>
    isObject(one) ? objectAt(one, "email_address")["address"] : one,
  );
}

function readReport(report: Report, index: number, delivery: Delivery): Result<ParsedEvent[]> {
  const { word, email, sentTo, message, details } = report;
  // A bounce names its recipient; opens, clicks and complaints name only the recipients of the mail.
  const bounced = text(details["bounced_recipient"], LONGEST.words);
  const contacts = bounced === null ? sentTo : recipients(bounced);
  if (!contacts.ok) return contacts;
  const occurredAt = time(details["time"]);
  const [named, bounce = null] = TYPES.get(word) ?? (["unknown"] as const);
  const diagnostic = text(details["diagnostic_message"], LONGEST.words);
  const cause = text(details["reason"], LONGEST.words);
  const smtp = findSmtp(diagnostic) ?? findSmtp(cause);
  // Only the server's answer shows whether a bounce refused the address.
  const refusal = named === "bounced" ? smtpReason(smtp) : null;
  const type = isSenders(refusal) ? "blocked" : named;
  const url = text(details["clicked_link"], LONGEST.url);
  const ip = text(details["ip_address"]);
  const user_agent = text(details["user_agent"], LONGEST.words);
  const core = {
    element: index,
    type,
    message_id: text(email["email_reference"], LONGEST.id) ?? text(message["request_id"], LONGEST.id),
    occurredAt,
    receivedAt: delivery.receivedAt,
    distinguishing: [word, url, ip, user_agent],
  };
  const eventDetails = {
    bounce: type === "bounced" ? bounce : null,
    reason: type === "complained" ? ("spam" as const) : refusal,
    description: diagnostic ?? cause,
    smtp,
    custom_id: text(email["client_reference"], LONGEST.id),
    url,
    ip,
    geo: text(objectAt(details, "ip_location_info")["country_code"]),
    user_agent,
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, eventDetails)));
}

/**
 * The objects of a list, or the one object in place of a list; null if the list is empty or an item is not an object.
 */
function objects(value: unknown): JsonObject[] | null {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  const valid = items.filter(isObject);
  return valid.length > 0 && valid.length === items.length ? valid : null;
}
