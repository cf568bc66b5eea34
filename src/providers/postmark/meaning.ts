// What a report of Postmark means: by its record, its type, and what the receiving server said.

import type { EventDetails, EventType, Reason } from "../../model/event.ts";
import { flag, LONGEST, table, text } from "../kit/fields.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { judge, type Judgement } from "../kit/refusal.ts";
import { findSmtp } from "../kit/smtp.ts";
import { BOUNCES, RECORDS, SUPPRESSIONS, TYPE_CODES, UNKNOWN, type Listed } from "./mapping.ts";

/** The type and the fields that depend on it. */
export type Meaning = Judgement & Pick<EventDetails, "description" | "smtp">;

/** A word of Postmark's in lower case, without the spaces that its pages write ("SMTP API Error"). */
export function wordOf(value: unknown): string | null {
  return text(value)?.toLowerCase().replaceAll(" ", "") ?? null;
}

/** Fields that only one kind of record has, for webhooks without RecordType. */
const TELLING: readonly (readonly [field: string, record: string])[] = [
  ["SuppressSending", "subscriptionchange"],
  ["DeliveredAt", "delivery"],
  ["BouncedAt", "bounce"],
  ["OriginalLink", "click"],
  ["ClickLocation", "click"],
  ["FirstOpen", "open"],
  ["ReadSeconds", "open"],
];

/** The kind of record: by RecordType, else by its fields; null if neither shows it, or if it is an inbound mail. */
export function recordOf(element: JsonObject): string | null {
  const named = wordOf(element["RecordType"]);
  if (named !== null) return named;
  if (isObject(element["FromFull"])) return null;
  return TELLING.find(([field]) => element[field] !== undefined && element[field] !== null)?.[1] ?? null;
}

/** The meaning of a report. */
export function meaningOf(record: string, element: JsonObject): Meaning {
  const details = text(element["Details"], LONGEST.words); // the receiving server's words, if there are any
  const description = details ?? text(element["Description"], LONGEST.words) ?? text(element["Name"]);
  const word = bounceTypeOf(record, element);
  if (word === "smtpapierror") return { ...apiErrorOf(details), bounce: null, description, smtp: null };
  const smtp = findSmtp(details);
  const [type, bounce = null, reason = null] = listedOf(record, word, element);
  const finding = { type, bounce, reason, isEvidence: bounce === "hard" };
  return { ...judge(finding, smtp, details), description, smtp };
}

/** The type of a bounce: by its name, or by its number where the name is missing; null for other records. */
function bounceTypeOf(record: string, element: JsonObject): string | null {
  if (record === "smtpapierror") return record;
  if (record !== "bounce") return null;
  return wordOf(element["Type"]) ?? TYPE_CODES.get(text(element["TypeCode"]) ?? "") ?? null;
}

function listedOf(record: string, bounceType: string | null, element: JsonObject): Listed {
  if (record === "bounce") return BOUNCES.get(bounceType ?? "") ?? UNKNOWN;
  if (record !== "subscriptionchange") return RECORDS.get(record) ?? UNKNOWN;
  if (flag(element["SuppressSending"]) === false) return ["subscribed"];
  return SUPPRESSIONS.get(wordOf(element["SuppressionReason"]) ?? "") ?? UNKNOWN;
}

/**
 * https://postmarkapp.com/developer/api/overview#error-codes : the codes of Postmark's API with which it refuses a mail
 * that was handed over by SMTP. They look like codes of a server, but none was asked.
 */
const API_ERRORS = table<{ type: EventType; reason: Reason }>(
  {
    "406": { type: "dropped", reason: "suppressed" }, // the recipient is inactive
    "400": { type: "failed", reason: "policy" }, // the sender is not known
    "401": { type: "failed", reason: "policy" }, // the sender is not confirmed
    "405": { type: "failed", reason: "policy" }, // the credits are used up
    "412": { type: "failed", reason: "policy" }, // the account is not approved yet
  },
  "reason",
);

function apiErrorOf(details: string | null): { type: EventType; reason: Reason } {
  const code = /(?:^|\D)(\d{3})(?!\d)/.exec(details ?? "")?.[1] ?? "";
  const isInactive = /\binactive (address|recipient)/i.test(details ?? "");
  return API_ERRORS.get(isInactive ? "406" : code) ?? { type: "failed", reason: "technical" };
}
