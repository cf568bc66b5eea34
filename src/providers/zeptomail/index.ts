// ZeptoMail's webhooks: https://www.zoho.com/zeptomail/help/webhooks.html
// A post nests lists: event_message[] > event_data[] > details[], and the event's name is in a list as well. Every item
// of event_message is an element here. The body is JSON, or a form whose one field contains it. ZeptoMail reports only
// the first open. Its page shows bounces, opens, clicks and complaints; the names of anything else are guesses.

import { fail, ok, type Result } from "../../lib/result.ts";
import type { EventType, ParsedEvent } from "../../model/event.ts";
import { isBlank, parseElements, PING, verbatim, type ElementResult } from "../kit/elements.ts";
import { LONGEST, makeEvent, objectAt, recipients, table, text, time } from "../kit/fields.ts";
import { formPairs } from "../kit/form.ts";
import { isObject, readJson, readJsonText, type JsonObject } from "../kit/json.ts";
import { filled, plainName } from "../kit/loose-fields.ts";
import { LONGEST_SINGLE } from "../kit/proof.ts";
import type { Delivery, Provider } from "../provider.ts";
import { proof } from "./proof.ts";
import { judge } from "../kit/refusal.ts";
import { isSample as looksLikeSample } from "../kit/samples.ts";
import { findSmtp } from "../kit/smtp.ts";
import { typeOfWord } from "../kit/usual/types.ts";

/**
 * https://www.zoho.com/zeptomail/help/webhooks.html : event_name and `object`, which have the same meaning, as plain
 * names. Other words are read as other systems mean them.
 */
const TYPES = table<readonly [EventType, ("hard" | "soft")?]>({
  hardbounce: ["bounced", "hard"],
  softbounce: ["bounced", "soft"],
  emailopen: ["opened"],
  emaillinkclick: ["clicked"],
  feedbackloop: ["complained"],
});

export const zeptomail: Provider = {
  id: "zeptomail",
  headers: [],
  ...proof,
  longestSigned: LONGEST_SINGLE,
  parse: (delivery) => parseElements(delivery, elementsOf(delivery), readElement),
  elements: verbatim(elementsOf),
};

/**
 * The elements: one notification per message, each with the event names that all of them share, so that it is complete
 * by itself. A message that was erased leaves an empty element, so that the others keep their numbers.
 */
function elementsOf(delivery: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(delivery.body)) return ok([]);
  const json = readDocument(delivery.body, parse);
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

const MOST_FIELDS = 100;

/** The JSON of the body: all of it, or the first field of a form that contains JSON. */
function readDocument(body: Uint8Array, parse?: (text: string) => unknown): Result<unknown> {
  const start = new TextDecoder().decode(body.subarray(0, 256));
  if (!/^(?:[\w.%-]{1,100}=|--)/.test(start)) return readJson(body, parse);
  const fields = formPairs(body, MOST_FIELDS);
  if (!fields.ok) return fields;
  const json = fields.value.find(([, value]) => /^\s*[[{]/.test(value))?.[1];
  return json === undefined ? fail("no field of the form contains JSON") : readJsonText(json, parse);
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
  if (Object.keys(element).length === 0 || isEmptyList(element["event_message"])) return PING;
  const name = element["event_name"];
  const word = text(Array.isArray(name) ? name[0] : name);
  const messages = objects(element["event_message"]);
  if (messages === null) return fail("event_message is not a list of objects");
  const events: ParsedEvent[] = [];
  for (const message of messages) {
    const reports = reportsOf(word, message);
    if (!reports.ok) return reports;
    if (reports.value.every(isSample)) return PING;
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
  const to = addressesOf(email["to"]);
  const sentTo = recipients(to.length > 0 ? to : [...addressesOf(email["cc"]), ...addressesOf(email["bcc"])]);
  const data = objects(listed(message["event_data"]));
  if (data === null) return fail("event_data is not a list of objects");
  const reports: Report[] = [];
  for (const item of data) {
    const word = (text(item["object"]) ?? name)?.toLowerCase();
    if (word === undefined) return fail("event_name is missing");
    const occurrences = objects(listed(item["details"]));
    if (occurrences === null) return fail("details is not a list of objects");
    for (const details of occurrences) reports.push({ word, email, sentTo, message, details });
  }
  return ok(reports);
}

/** Recipients as a list of texts, of `{ address }` or of `{ email_address: { address } }`, or one of these alone. */
function addressesOf(to: unknown): unknown[] {
  const items: unknown[] = Array.isArray(to) ? to : to === undefined || to === null || to === "" ? [] : [to];
  return items.map((one) => {
    if (!isObject(one)) return one;
    const named = one["email_address"] ?? one;
    return isObject(named) ? named["address"] : named;
  });
}

/**
 * Whether the report is about the mail that the samples of ZeptoMail's pages and its "Send Test" describe: from and to
 * Zylker, the company that Zoho invented; or about an address and ids of the usual placeholders. That the button posts
 * those is a guess.
 */
function isSample({ email, details, message }: Report): boolean {
  const named = text(details["bounced_recipient"]);
  const parties = [...addressesOf(email["from"]), ...(named === null ? addressesOf(email["to"]) : [named])];
  const ids = [email["email_reference"], email["client_reference"], email["subject"], message["request_id"]];
  const [contact] = parties.slice(1).map((party) => text(party)?.toLowerCase());
  if (looksLikeSample(contact, () => ids.map((id) => text(id)))) return true;
  return parties.length > 1 && parties.every((party) => /@([a-z-]+\.)*zylker\.com$/i.test(text(party) ?? ""));
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The value of a list that may be absent or empty: then one object without fields stands for what it does not tell. */
function listed(value: unknown): unknown {
  return value === undefined || value === null || isEmptyList(value) ? {} : value;
}

function readReport(report: Report, index: number, delivery: Delivery): Result<ParsedEvent[]> {
  const { word, email, sentTo, message, details } = report;
  // A bounce names its recipient; opens, clicks and complaints name only the recipients of the mail.
  const own = text(filled(details, "bounced_recipient", "recipient", "email"), LONGEST.words);
  const contacts = own === null ? sentTo : recipients(own);
  if (!contacts.ok) return contacts;
  const occurredAt = time(details["time"]);
  const diagnostic = text(details["diagnostic_message"], LONGEST.words);
  const cause = text(details["reason"], LONGEST.words);
  const smtp = findSmtp(diagnostic) ?? findSmtp(cause);
  const [named, bounceClass = null] = meaningOf(word);
  const given = named === "complained" ? ("spam" as const) : null;
  const finding = { type: named, bounce: bounceClass, reason: given };
  const { type, bounce, reason } = judge(finding, smtp, diagnostic ?? cause);
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
    bounce,
    reason,
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

function meaningOf(word: string): readonly [EventType, ("hard" | "soft")?] {
  const usual = typeOfWord(word);
  return TYPES.get(plainName(word)) ?? [usual === "ping" ? "unknown" : usual];
}

/**
 * The objects of a list, or the one object in place of a list; null if the list is empty or an item is not an object.
 */
function objects(value: unknown): JsonObject[] | null {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  const valid = items.filter(isObject);
  return valid.length > 0 && valid.length === items.length ? valid : null;
}
