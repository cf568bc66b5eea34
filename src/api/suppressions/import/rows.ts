// Makes a suppression of a row, or says why there is none: what is wrong with it, or why it suppresses nobody.

import type { ImportedSuppression } from "../../../contact/import.ts";
import type { SuppressionReason } from "../../../model/suppression/policy.ts";
import { readListed } from "../../../model/whole-domain.ts";
import type { Result } from "../../../lib/result.ts";
import { DAY } from "../../../lib/time.ts";
import { scope as scopeSchema } from "../parameters.ts";
import { NAMES } from "./columns.ts";
import { first, textOf, type Fields, type Row } from "./fields.ts";
import { findReason, type Finding } from "./reason-of.ts";
import { readTime, type DateOrder } from "./times.ts";

/** What the caller says about all rows that do not say it themselves. `scope`: "" for all mail; `now`: ms. */
export interface Given {
  reason: SuppressionReason | null;
  scope: string;
  note: string | null;
  dates: DateOrder;
  now: number;
}

/** What a row becomes. `estimated`: why it applies from now; null if its time was read or it has none. */
export type Reading =
  | {
      kind: "taken";
      suppression: ImportedSuppression;
      estimated: string | null;
      said: "row" | "caller" | "nobody";
    }
  | { kind: "skipped" | "rejected"; reason: string };

const rejected = (reason: string): Reading => ({ kind: "rejected", reason });
const skipped = (reason: string): Reading => ({ kind: "skipped", reason });

/** Reads a row. */
export function readRow({ fields, list }: Row, given: Given): Reading {
  if (fields === null) return rejected("is not an object");
  const over = overOf(fields, given);
  if (over !== null) return skipped(over);
  const address = textOf(first(fields, NAMES.address));
  if (address === undefined) return rejected("address: is missing");
  const contact = readListed(address);
  if (!contact.ok) return rejected(`address: ${contact.reason}`);
  const scope = scopeOf(fields, given);
  if (scope === null)
    return rejected('scope: must be "global" or a list as <provider>:<list>, such as mailjet:12');
  const finding = findReason(fields, list);
  if (!finding.ok && given.reason === null) return rejected(finding.reason);
  const { verdict, ofContact }: Finding = finding.ok ? finding.value : { verdict: null, ofContact: null };
  if (verdict === "mailable") return skipped("is not suppressed in the list that it comes from");
  if (verdict === "block" && given.reason === null)
    return skipped(
      "was a refusal of the sender or of a mail (a block), which suppresses nobody; reason= takes it",
    );
  const own = verdict === "block" ? null : verdict;
  const since = sinceOf(fields, ofContact, given);
  const ends = endOf(fields, given);
  return {
    kind: "taken",
    suppression: {
      contact: contact.value,
      reason: own ?? given.reason ?? "manual",
      scope,
      note: noteOf(fields) ?? given.note,
      since: since.at,
      ...(ends.ok ? { expires: ends.value } : {}),
    },
    estimated: since.problem,
    said: own !== null ? "row" : given.reason !== null ? "caller" : "nobody",
  };
}

/** Why the row is not in force where it comes from; null if it is. */
function overOf(fields: Fields, given: Given): string | null {
  if (fields.has("liftedat")) return "was lifted";
  const isTrue = (name: string): boolean =>
    fields.get(name) === true || /^(true|1)$/i.test(textOf(fields.get(name)) ?? "");
  if (isTrue("held")) return "is held";
  const ends = endOf(fields, given);
  return isTrue("expired") || (ends.ok && ends.value <= given.now) ? "has ended" : null;
}

/** When the suppression ends by itself, ms. Fails if the row does not say it, or not as a time. */
const endOf = (fields: Fields, { dates }: Given): Result<number> =>
  readTime(first(fields, NAMES.ends), dates);

/** Scopes by which providers mean all of an account's mail. */
const ALL_MAIL = /^(global|team|project|route|account|all|\*)$/i;

/** Null if it is no scope. */
function scopeOf(fields: Fields, given: Given): string | null {
  const text = textOf(first(fields, NAMES.scope));
  if (text === undefined) return given.scope;
  if (ALL_MAIL.test(text)) return "";
  const scope = scopeSchema.safeParse(text);
  return scope.success ? scope.data : null;
}

const LONGEST_NOTE = 500;

/** The row's note, else what the receiving server or the provider said, cut to the length of notes. */
function noteOf(fields: Fields): string | null {
  const own = first(fields, NAMES.notes);
  const text = typeof own === "string" && own.trim() !== "" ? own : textOf(replyWords(fields));
  if (text === undefined) return null;
  return text.length <= LONGEST_NOTE ? text : `${text.slice(0, LONGEST_NOTE - 1)}…`;
}

function replyWords(fields: Fields): unknown {
  const reason = textOf(fields.get("reason"));
  return reason !== undefined && /\s/.test(reason) ? reason : first(fields, NAMES.replies);
}

/**
 * When the row's suppression began; null for now. A wrong time must not leave a person in the mailing, so the row then
 * applies from now. As with events, a time may be up to a day ahead; our own export has been checked before.
 */
function sinceOf(
  fields: Fields,
  ofContact: Finding["ofContact"],
  { dates, now }: Given,
): { at: number | null; problem: string | null } {
  const names = { flag: NAMES.changes, state: NAMES.changesFirst, none: NAMES.times }[ofContact ?? "none"];
  const name = names.find((one) => fields.has(one) && !isNoTime(fields.get(one)));
  if (name === undefined) return { at: null, problem: null };
  const time = readTime(fields.get(name), dates);
  if (!time.ok) return { at: null, problem: `${name}: ${time.reason}` };
  if (time.value > now + DAY && !isOurs(fields))
    return { at: null, problem: `${name}: is more than a day ahead` };
  return { at: time.value, problem: null };
}

/** Empty times are written as zeros by some. */
const isNoTime = (value: unknown): boolean =>
  value === 0 || /^(0+([-: ./]0+)*|-|null|n\/a)?$/i.test(textOf(value) ?? "");

/** Whether the row is of an export of Tidings. */
const isOurs = (fields: Fields): boolean =>
  fields.has("event") && fields.has("source") && fields.has("destination");
