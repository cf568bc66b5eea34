// Reads untrusted fields. Every value that is copied out is a string of bounded length that any store can hold; values
// that are cut stay whole in the archive.

import { NO_DETAILS, type ReportedDetails } from "../../model/event-fields.ts";
import type { ParsedEvent, EventType } from "../../model/event.ts";
import { normalizeAddress, readAddress } from "../../model/address.ts";
import { fail, ok, type Result } from "../../lib/result.ts";
import { DAY } from "../../lib/time.ts";
import { isObject, parseExact, type JsonObject } from "./json.ts";
import { LONGEST } from "../../model/field-lengths.ts";
import type { UnknownKind } from "../../model/unknown-word.ts";
import { noteKnownType, noteUnknown } from "./unknown-words.ts";

export { LONGEST };
const DEEPEST = 32; // levels of metadata

/**
 * A mapping table whose keys are a provider's words. A Map, because those words are untrusted ("constructor"). `kind`: of
 * which kind a word is that the table does not know, so that it is noted each time (see unknown-words.ts); left out for
 * tables in which a miss means nothing. `plain`: words that are known and mean nothing more.
 */
export function table<T>(
  entries: Record<string, T>,
  kind?: UnknownKind,
  plain: readonly string[] = [],
): ReadonlyMap<string, T> {
  const words = new Map(Object.entries(entries));
  if (kind === undefined) return words;
  const get = (word: string): T | undefined => {
    const known = words.get(word);
    if (known === undefined && !plain.includes(word)) noteUnknown(kind, word);
    else if (kind === "type") noteKnownType();
    return known;
  };
  return Object.assign(new Map(words), { get });
}

/** A string or finite number as text, trimmed and cut to `longest`; null if absent, blank or of another type. */
export function text(value: unknown, longest: number = LONGEST.short): string | null {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : null;
  if (typeof value !== "string") return null;
  const trimmed = value.trim();
  return trimmed === "" ? null : storable(trimmed.slice(0, longest));
}

/** The text with NUL and unpaired surrogates replaced, which SQLite and UTF-8 cannot hold. */
function storable(value: string): string {
  const formed = value.isWellFormed() ? value : value.toWellFormed();
  return formed.includes("\0") ? formed.replaceAll("\0", "\uFFFD") : formed;
}

/** The recipient's address, normalised; null if absent or not a valid address. */
export function address(value: unknown): string | null {
  return typeof value === "string" ? normalizeAddress(value) : null;
}

/** Why a field holds no address, as the reason of a dead letter: "<name> is missing", "<name> names several addresses". */
export function whyNoAddress(name: string, value: unknown): string {
  if (text(value) === null) return `${name} is missing`;
  const read = typeof value === "string" ? readAddress(value) : null;
  return `${name} ${read?.ok === false ? read.reason : "is not an address"}`;
}

const MOST_RECIPIENTS = 1_000;

/**
 * The distinct recipients in one address or a list of addresses; fails if there is none or if one of them is not a
 * valid address.
 */
export function recipients(value: unknown): Result<string[]> {
  const items = (Array.isArray(value) ? value : [value]).filter((item) => text(item) !== null);
  if (items.length === 0) return fail("the recipient is missing");
  if (items.length > MOST_RECIPIENTS) return fail(`more than ${MOST_RECIPIENTS} recipients`);
  const contacts = new Set<string>();
  for (const item of items) {
    const contact = readAddress(typeof item === "string" ? item : "");
    if (!contact.ok) return fail(`a recipient ${contact.reason}`);
    contacts.add(contact.value);
  }
  return ok([...contacts]);
}

const EARLIEST = Date.UTC(1990);
const LATEST = Date.UTC(2200);

/** How much of an unreadable time distinguishes two reports. */
const LONGEST_TIME = 64;

/**
 * A time as providers write it, in ms since the epoch: Unix seconds, milliseconds or microseconds (a number or digits,
 * distinguished by size), ISO 8601, RFC 5322 or US style (`1/15/2024 10:30:00 AM`). A missing zone means UTC. Null if
 * absent, blank or 0. Anything else comes back as a text of at most 64 characters, the same for the same value: it
 * tells nothing about when the event happened, but {@link makeEvent} distinguishes reports by it.
 */
export function time(value: unknown): number | string | null {
  if (value === undefined || value === null || value === 0) return null;
  const trimmed = typeof value === "string" ? value.trim() : value;
  if (trimmed === "" || trimmed === "0") return null;
  const ms =
    typeof trimmed === "number" ? fromNumber(trimmed) : typeof trimmed === "string" ? fromText(trimmed) : NaN;
  return ms >= EARLIEST && ms < LATEST ? ms : unreadable(trimmed);
}

/** Lists and objects are not written out, because they may be nested too deeply for that. */
function unreadable(value: unknown): string {
  const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return isPlain ? storable(String(value).slice(0, LONGEST_TIME)) : typeof value;
}

function fromNumber(value: number): number {
  if (value < 1e11) return Math.round(value * 1000);
  return Math.round(value < 1e14 ? value : value / 1000);
}

const MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}";
/** How a date may begin. Date.parse alone takes "hello 5" for a day of May 2001. */
const DATES = [
  /^\d{4}[-/]\d\d?[-/]\d\d?/,
  /^\d\d?[-/]\d\d?[-/]\d{4}/,
  new RegExp(`^([a-z]{3,9},? )?(\\d\\d? ${MONTH}|${MONTH} \\d\\d?),? .*\\d{4}`, "i"),
];
const ZONE = /:.*(z|[+-]\d\d(:?\d\d)?| (gmt|utc|[ecmp][sd]t))$/i;

function fromText(value: string): number {
  if (/^\d{1,20}(\.\d{1,20})?$/.test(value)) return fromNumber(Number(value));
  if (value.length > 64 || !DATES.some((date) => date.test(value))) return NaN;
  if (ZONE.test(value)) return Date.parse(value.replace(/(T.*[+-]\d\d)$/, "$1:00")); // "+02" is not ISO to V8
  // Any other word at the end is a zone that we do not know: no time is better than one that is hours off.
  if (!/(\d|am|pm)$/i.test(value)) return NaN;
  return Date.parse(/^\d{4}-\d\d-\d\dT/.test(value) ? `${value}Z` : `${value} UTC`);
}

/** A flag as providers write it: true, "True", 1, "1"; null if absent, "" or anything else. */
export function flag(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : value;
  if (word === 1 || word === "1" || word === "true") return true;
  return word === 0 || word === "0" || word === "false" ? false : null;
}

/**
 * Whether a bounce is permanent, by the usual words ("hard", "Permanent", "soft bounce", "transient", "temporary");
 * null if the words do not decide it.
 */
export function bounceClass(words: string | null): "hard" | "soft" | null {
  if (words === null) return null;
  if (/hard|permanent/i.test(words)) return "hard";
  return /soft|transient|tempor/i.test(words) ? "soft" : null;
}

/** An ISO 3166 country code in upper case; null for anything else ("Unknown", a country's name). */
export function countryCode(value: unknown): string | null {
  const code = text(value);
  return code !== null && /^[a-z]{2}$/i.test(code) ? code.toUpperCase() : null;
}

/** A list of short texts from an array or a single value. */
export function tags(value: unknown, longest?: number): string[] {
  const items = Array.isArray(value) ? value : [value];
  return items.slice(0, LONGEST.tags).flatMap((item) => text(item, longest) ?? []);
}

/** The object in a field; an empty object if the field is absent or not an object. */
export function objectAt(parent: JsonObject, name: string): JsonObject {
  const value = parent[name];
  return isObject(value) ? value : {};
}

/** The sender's own data: an object as it is, JSON text of one parsed, other text as `{ payload: text }`. */
export function metadata(value: unknown): JsonObject {
  const parsed = typeof value === "string" ? fromJsonText(value) : value;
  if (isObject(parsed) && within(parsed, LONGEST.metadata)) return parsed;
  const words = typeof value === "string" ? text(value, LONGEST.words) : null;
  return words === null ? {} : { payload: words };
}

function fromJsonText(value: string): unknown {
  if (!value.trimStart().startsWith("{")) return null;
  try {
    return parseExact(value);
  } catch {
    return null;
  }
}

/** Whether a store can hold the object: SQLite rejects JSON that is nested a thousand levels deep. */
function within(value: JsonObject, longest: number): boolean {
  if (!isShallow(value, DEEPEST)) return false;
  try {
    const json = JSON.stringify(value);
    return (
      json.length <= longest && !json.includes("\\u0000") && json.isWellFormed() && !/\\ud[89a-f]/i.test(json)
    );
  } catch {
    return false; // nested too deeply
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((item) => isShallow(item, levels - 1));
}

/** The fields that every event has, from which {@link makeEvent} builds it. */
export interface EventCore {
  element: number;
  type: EventType;
  contact: string;
  message_id: string | null;
  /**
   * When it happened, as {@link time} reads it: ms, a text if it cannot be read, or null if the provider reports no time.
   * A text or null stores the time of receipt, which is not part of the identity.
   */
  occurredAt: number | string | null;
  receivedAt: number;
  /** Values that distinguish two reports of one type, contact, message and time (url, ip, agent, list, ...). */
  distinguishing: readonly (string | null)[];
  /** The provider's id of the report, if every delivery of the report repeats it: then it is the identity. */
  eventId?: string | null;
}

/** How far a provider's clock may be ahead of the time of receipt, ms. */
const FURTHEST_AHEAD = DAY;

/**
 * An event with its identity: type, contact and the report's own id; or, for reports without an id, type, contact,
 * message id and provider's time, then the distinguishing fields.
 *
 * If the provider's time is missing, cannot be read or is more than a day ahead, the event has the time of receipt and
 * is `estimated`: one wrong field must not cost an unsubscribe, nor may it outlast what really happens later. The
 * identity keeps the time as it was written, so that the same report is one event whenever it arrives.
 */
export function makeEvent(core: EventCore, details: Partial<ReportedDetails>): ParsedEvent {
  const { element, type, contact, message_id, occurredAt, receivedAt } = core;
  const isKnown = typeof occurredAt === "number" && occurredAt <= receivedAt + FURTHEST_AHEAD;
  if (!isKnown && occurredAt !== null) noteUnknown("time", shapeOf(occurredAt));
  if (NEEDS_WORDS.has(type) && !hasWords(details)) noteUnknown("shape", `${type} without any words`);
  if (type === "clicked" && (details.url ?? null) === null) noteUnknown("shape", "clicked without a url");
  return {
    ...NO_DETAILS,
    tags: [],
    metadata: {},
    ...details,
    type,
    contact,
    message_id,
    occurred_at: isKnown ? occurredAt : receivedAt,
    estimated: !isKnown,
    identity: identityOf(core),
    element,
  };
}

/** Types that say why; without any words, the fields that contain them have probably moved. */
const NEEDS_WORDS: ReadonlySet<EventType> = new Set(["bounced", "blocked", "failed"]);

function hasWords({ reason, description, smtp }: Partial<ReportedDetails>): boolean {
  return [reason, description, smtp].some((value) => value !== undefined && value !== null);
}

/** How a time is written, with zeros for all digits, so that the same form is the same word. */
function shapeOf(occurredAt: number | string): string {
  return typeof occurredAt === "number" ? "more than a day ahead" : occurredAt.replaceAll(/\d+/g, "0");
}

function identityOf(core: EventCore): string[] {
  const { type, contact, occurredAt } = core;
  if (core.eventId !== undefined && core.eventId !== null) return [type, contact, core.eventId];
  const parts = [type, contact, core.message_id ?? "", occurredAt === null ? "" : String(occurredAt)];
  for (const part of core.distinguishing) parts.push(part ?? "");
  return parts;
}
