// The names that the fields of a plain JSON event may have, and how these fields are read.

import { fail, ok, type Result } from "../../lib/result.ts";
import type { ReportedDetails } from "../../model/event-fields.ts";
import type { EventType } from "../../model/event.ts";
import { address, bounceClass, flag, LONGEST, metadata, tags, text } from "./fields.ts";
import { typeOfWord } from "./usual-types.ts";
import { isObject, type JsonObject } from "./json.ts";
import { byName, firstText, firstValue, texts, type NamedFields } from "./loose-fields.ts";
import { findSmtp } from "./smtp.ts";

/** Field names, as plain names (compared without case and separators), the most specific first. */
export const NAMES = {
  event: ["event", "eventtype", "eventname", "type"],
  contact: [
    "email",
    "recipient",
    "recipientemail",
    "recipients",
    "emailaddress",
    "to",
    "toemail",
    "rcptto",
    "address",
    "contact",
  ],
  occurred_at: ["timestamp", "occurredat", "eventtime", "time", "createdat", "datetime", "date", "ts"],
  event_id: ["eventid"],
  message_id: ["messageid", "mailid", "emailid", "smtpid", "msgid", "messageguid", "messageuuid"],
  bounce: ["bouncetype", "bounceclass", "severity", "bounce", "type"],
  hard: ["hardbounce", "permanent"],
  description: [
    "description",
    "error",
    "errormessage",
    "diagnostic",
    "diagnosticcode",
    "smtpresponse",
    "reason",
  ],
  campaign: ["campaignid", "campaign", "campaignname"],
  custom_id: ["customid", "reference", "externalid"],
  tags: ["tags", "tag", "categories", "category"],
  metadata: [
    "metadata",
    "customargs",
    "uniqueargs",
    "customdata",
    "uservariables",
    "variables",
    "payload",
    "data",
  ],
  url: ["linkurl", "url", "link", "clickedurl"],
  ip: ["ipaddress", "ip", "clientip"],
  geo: ["geo", "country", "countrycode", "location"],
  user_agent: ["useragent", "agent"],
  machine: ["machine", "ismachine", "bot", "isbot"],
} as const satisfies Record<string, readonly string[]>;

/** The fields in which some systems wrap their events; Standard Webhooks recommends `{ type, timestamp, data }`. */
const WRAPPERS = ["data", "eventdata", "payload"] as const;

/** The element's fields. If they name no recipient, the fields of the object that the element wraps are added. */
export function unwrapped(element: JsonObject, outer: NamedFields): NamedFields {
  const inner = firstValue(outer, WRAPPERS);
  if (!isObject(inner) || texts(outer, NAMES.contact).length > 0) return outer;
  const around = Object.entries(element).filter(([, value]) => value !== inner);
  return byName(Object.fromEntries(around), inner);
}

/**
 * The event's word and type: the first word that is known, else the first word, so `{ "type": "message", "event":
 * "opened" }` is an open. Null if there is no word.
 */
export function eventOf(fields: NamedFields): { word: string; type: EventType | "ping" } | null {
  const words = texts(fields, NAMES.event);
  if (words.length === 0) words.push(...texts(fields, ["name"])); // last, because it may be the recipient's name
  const [first] = words;
  if (first === undefined) return null;
  const word = typeOfWord(first) === "ping" ? first : (words.find(isEvent) ?? first);
  return { word: word.toLowerCase(), type: typeOfWord(word) };
}

function isEvent(word: string): boolean {
  const type = typeOfWord(word);
  return type !== "unknown" && type !== "ping";
}

/** Whether the element carries no data: `{}`, `{ "test": true }` and the like. */
export function saysNothing(fields: NamedFields): boolean {
  return [...fields.keys()].every((name) => name === "test" || name === "ping");
}

const MOST_RECIPIENTS = 1_000;

/**
 * The recipients, from the first field with a valid address or a list of valid addresses; fails if no field has one.
 */
export function contactsOf(fields: NamedFields): Result<string[]> {
  let named = false;
  for (const name of NAMES.contact) {
    const value = fields.get(name);
    if (value === undefined) continue;
    named = true;
    const single = address(value);
    if (single !== null) return ok([single]);
    if (!Array.isArray(value) || value.length === 0) continue;
    const usable = new Set(value.map(address));
    if (usable.size > MOST_RECIPIENTS) return fail(`more than ${MOST_RECIPIENTS} recipients`);
    if (!usable.has(null)) return ok([...usable].filter((contact) => contact !== null));
  }
  return fail(named ? "email is not an address" : "email is missing");
}

/** The details of an event, read from the usual field names; `word` is the event's own word. */
export function detailsOf(type: EventType, word: string, fields: NamedFields): ReportedDetails {
  const description = firstText(fields, NAMES.description, LONGEST.words);
  const failed = type === "bounced" || type === "blocked" || type === "deferred" || type === "failed";
  return {
    bounce: type === "bounced" ? bounceOf(word, fields) : null,
    reason: type === "complained" ? "spam" : null,
    description,
    smtp: failed ? findSmtp(description) : null,
    campaign: firstText(fields, NAMES.campaign),
    custom_id: firstText(fields, NAMES.custom_id, LONGEST.id),
    tags: tags(firstValue(fields, NAMES.tags)),
    metadata: metadata(firstValue(fields, NAMES.metadata)),
    url: firstText(fields, NAMES.url, LONGEST.url),
    ip: firstText(fields, NAMES.ip),
    geo: geoOf(firstValue(fields, NAMES.geo)),
    user_agent: firstText(fields, NAMES.user_agent, LONGEST.words),
    machine: flag(firstValue(fields, NAMES.machine)),
  };
}

/** Hard or soft, by the event's own word, else by a flag, else by the word in a field. */
function bounceOf(word: string, fields: NamedFields): "hard" | "soft" | null {
  const hard = flag(firstValue(fields, NAMES.hard));
  const flagged = hard === null ? null : hard ? "hard" : "soft";
  return bounceClass(word) ?? flagged ?? bounceClass(texts(fields, NAMES.bounce).join(" "));
}

function geoOf(value: unknown): string | null {
  if (!isObject(value)) return text(value);
  return firstText(byName(value), ["country", "countrycode", "countryiso"]);
}
