// How the fields of a plain JSON event are read, whatever they are called.

import { fail, ok, type Result } from "../../../lib/result.ts";
import type { ReportedDetails } from "../../../model/event-fields.ts";
import type { EventType, Smtp } from "../../../model/event.ts";
import { address, bounceClass, flag, LONGEST, metadata, tags, text, whyNoAddress } from "../fields.ts";
import { typeOfWord } from "./types.ts";
import { findingOfCategory } from "../bounce-words.ts";
import { isObject } from "../json.ts";
import { byName, firstText, firstValue, texts, type NamedFields } from "../loose-fields.ts";
import { judge, type Finding } from "../refusal.ts";
import { smtpOf } from "../smtp.ts";
import { ADDRESS_NAMES, NAMES } from "./names.ts";

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
 * The recipients, from the first field with a valid address or a list of valid addresses; an address may also be in an
 * object. Fails if no field has one.
 */
export function contactsOf(fields: NamedFields): Result<string[]> {
  let problem = whyNoAddress("email", null);
  for (const name of NAMES.contact) {
    const value = fields.get(name);
    if (value === undefined) continue;
    problem = typeof value === "string" ? whyNoAddress("email", value) : "email is not an address";
    const single = addressOf(value);
    if (single !== null) return ok([single]);
    if (!Array.isArray(value) || value.length === 0) continue;
    const usable = new Set(value.map(addressOf));
    if (usable.size > MOST_RECIPIENTS) return fail(`more than ${MOST_RECIPIENTS} recipients`);
    if (!usable.has(null)) return ok([...usable].filter((contact) => contact !== null));
  }
  return fail(problem);
}

/** An address, bare or as `{ email, name }`. */
function addressOf(value: unknown): string | null {
  return address(isObject(value) ? firstText(byName(value), ADDRESS_NAMES, LONGEST.words) : value);
}

/** The type by the event's own word and the server's reply, and the details, read from the usual field names. */
export function meaningOf(
  { word, type }: { word: string; type: EventType },
  fields: NamedFields,
): { type: EventType } & ReportedDetails {
  const description = firstText(fields, NAMES.description, LONGEST.words);
  const failed = FAILED.has(type);
  const smtp = failed ? replyOf(fields, description) : null;
  return {
    ...judge(findingOf(word, type, fields), smtp, failed ? description : null),
    description,
    smtp,
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

function replyOf(fields: NamedFields, words: string | null): Smtp | null {
  const [code, status] = [firstValue(fields, NAMES.code), firstValue(fields, NAMES.enhanced)];
  return smtpOf({ code, status, words });
}

const FAILED: ReadonlySet<EventType> = new Set(["bounced", "blocked", "deferred", "failed"]);

/** What the sender itself says of the mail. */
function findingOf(word: string, type: EventType, fields: NamedFields): Finding {
  if (type !== "bounced") return { type, bounce: null, reason: type === "complained" ? "spam" : null };
  const bounce = bounceOf(word, fields);
  const found = findingOfCategory(firstText(fields, NAMES.category));
  return found === null || (bounce === "soft" && found.bounce === "hard")
    ? { type, bounce, reason: found?.reason ?? null }
    : found;
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
