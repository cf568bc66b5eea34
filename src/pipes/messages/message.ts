// An event as people read it, in no product's format yet: what happened, to whom, why, how bad that is, and whether it
// begins or ends something that lasts. Each kind that writes to people renders it in its own format.

import { objectOf, textOf } from "../../lib/json.ts";
import type { Outgoing } from "../kinds/kind.ts";
import { orderKey } from "../transport/batches.ts";
import { mask, tidy, type Addresses } from "./text.ts";

/** How bad something is, from the least to the worst: PagerDuty's words. */
export const SEVERITIES = ["info", "warning", "error", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Most characters of a message's parts. */
export interface Lengths {
  address: number;
  message: number;
  /** Of a reason or a summary. */
  text: number;
}

/** How events become messages. */
export interface Wording {
  addresses: Addresses;
  lengths: Lengths;
}

/** One thing that a message says. A `labelled` one does not explain itself: `message 4711`. */
export interface Detail {
  name: string;
  value: string;
  labelled: boolean;
}

/** An event for people. None of its texts is escaped for a product yet. */
export interface Message {
  id: string;
  /** The event's type. */
  type: string;
  /** What qualifies the type: `hard` of a bounce, an alert's severity; null if nothing does. */
  note: string | null;
  details: Detail[];
  severity: Severity;
  /** Whether it begins (or goes on with) something that lasts, or ends it; null if it happened, and that was all. */
  phase: "begins" | "ends" | null;
  /** The same for all messages about one thing that lasts; never an address. */
  key: string;
  /** When it happened, ms since the epoch. */
  at: number;
  /** Where people see more: an http(s) URL; null if there is no such place. */
  link: string | null;
}

/** The event as a message. */
export function messageOf(out: Outgoing, { addresses, lengths }: Wording): Message {
  const { id, type, contact, at, event } = out;
  const data = objectOf(event["data"]);
  const words = (text: string | null, most = lengths.text): string | null =>
    text === null ? null : tidy(text, { most, addresses, contact }) || null;
  const details: Detail[] = [];
  const add = (name: string, value: string | null, labelled: boolean): void => {
    if (value !== null) details.push({ name, value, labelled });
  };
  if (contact !== null) {
    const shown = addresses === "masked" ? mask(contact) : contact;
    add("address", tidy(shown, { most: lengths.address, addresses: "full", contact: null }), false);
  }
  add("message", words(textOf(event["message_id"]), lengths.message), true);
  if (isAbout(type, "pipe")) add("pipe", words(textOf(data["name"]), lengths.message), true);
  add("summary", words(textOf(data["summary"])), false);
  add("reason", words(reasonOf(event)), false);
  return {
    id,
    type: tidy(type, { most: 60, addresses, contact }),
    note: words(textOf(event["bounce"]) ?? textOf(data["severity"]), 20),
    details,
    severity: severityOf(type, event),
    phase: phaseOf(type, event),
    key: keyOf(out),
    at,
    link: linkOf(data["link"]),
  };
}

function isAbout(type: string, what: "alert" | "contact" | "pipe"): boolean {
  return type.startsWith(`${what}.`);
}

/** Why it happened, in short: the reason code and the description, from the event or from a system event's data. */
function reasonOf(event: Outgoing["event"]): string | null {
  const data = objectOf(event["data"]);
  const word = textOf(event["reason"]) ?? textOf(data["reason"]);
  const said =
    textOf(event["description"]) ?? textOf(objectOf(event["smtp"])["response"]) ?? textOf(data["note"]);
  return [word, said].filter((part) => part !== null).join(": ") || null;
}

/** Types that are worse than `info`. */
const WORSE: Readonly<Record<string, Severity>> = {
  blocked: "warning",
  complained: "warning",
  dropped: "warning",
  failed: "warning",
  "pipe.paused": "error",
};

function severityOf(type: string, event: Outgoing["event"]): Severity {
  const given = objectOf(event["data"])["severity"];
  const own = SEVERITIES.find((severity) => severity === given);
  if (own !== undefined) return own;
  if (event["bounce"] === "hard" || isAbout(type, "alert")) return "warning";
  return Object.hasOwn(WORSE, type) ? (WORSE[type] ?? "info") : "info";
}

/** Types that begin, go on with, or end something that lasts. */
const PHASES: Readonly<Record<string, "begins" | "ends">> = {
  "alert.firing": "begins",
  "alert.updated": "begins",
  "alert.resolved": "ends",
  "contact.suppressed": "begins",
  "contact.lifted": "ends",
  "contact.erased": "ends",
  "pipe.paused": "begins",
  "pipe.resumed": "ends",
};

function phaseOf(type: string, event: Outgoing["event"]): Message["phase"] {
  // One of several suppressions was lifted, and others are in force.
  if (type === "contact.lifted" && objectOf(event["data"])["suppressed"] === true) return "begins";
  return Object.hasOwn(PHASES, type) ? (PHASES[type] ?? null) : null;
}

function keyOf(out: Outgoing): string {
  const { id, type, event } = out;
  const data = objectOf(event["data"]);
  const known = isAbout(type, "alert") ? textOf(data["fingerprint"]) : textOf(data["pipe"]);
  if (isAbout(type, "alert") && known !== null) return `alert/${known}`;
  if (isAbout(type, "pipe") && known !== null) return `pipe/${known}`;
  return isAbout(type, "contact") ? `contact/${orderKey(out)}` : `event/${id}`;
}

const LONGEST_LINK = 500;

function linkOf(given: unknown): string | null {
  const text = textOf(given);
  if (text === null || text.length > LONGEST_LINK || !/^https?:\/\//.test(text) || !URL.canParse(text))
    return null;
  return new URL(text).href;
}

/** The message in one line: "[critical] gmail refuses 64 of 80 mails", "bounced (hard): a***@example.com". */
export function headlineOf({ type, note, details, phase }: Message): string {
  const first = details[0]?.value;
  if (isAbout(type, "alert") && first !== undefined)
    return `[${phase === "ends" ? "resolved" : (note ?? "alert")}] ${first}`;
  const what = note === null ? type : `${type} (${note})`;
  return first === undefined ? what : `${what}: ${first}`;
}

/** "3 events: 2 bounced, 1 complained", the most frequent first; of a single one its headline. */
export function summaryOf(messages: readonly Message[]): string {
  const [only] = messages;
  if (only !== undefined && messages.length === 1) return headlineOf(only);
  const counts = new Map<string, number>();
  for (const { type } of messages) counts.set(type, (counts.get(type) ?? 0) + 1);
  const told = [...counts].toSorted(([, a], [, b]) => b - a).map(([type, n]) => `${n} ${type}`);
  return `${messages.length} events: ${told.join(", ")}`;
}

/** What a detail says in a line of details. */
export function wordsOf({ name, value, labelled }: Detail): string {
  return labelled ? `${name} ${value}` : value;
}

/** How a message looks in products with colours: by its severity, or `good` if it ends something. */
export function toneOf({ severity, phase }: Message): "good" | Severity {
  return phase === "ends" ? "good" : severity;
}

/** Colours of tones, as RGB. */
export const COLOURS: Readonly<Record<"good" | Severity, number>> = {
  good: 0x2eb67d,
  info: 0x36_8b_d6,
  warning: 0xec_b2_2e,
  error: 0xe0_1e_5a,
  critical: 0x9c_0b_0b,
};
