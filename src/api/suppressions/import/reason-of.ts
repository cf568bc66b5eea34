// Finds out why a row is on its list: from a word, a flag, the receiving server's reply, the name of the list or of a
// column. Each way is tried only if those before it say nothing.

import { readReply } from "../../../model/replies/read-reply.ts";
import type { SuppressionReason } from "../../../model/suppression/policy.ts";
import { fail, ok, type Result } from "../../../lib/result.ts";
import { FLAGS, NAMES, TIMES_OF } from "./columns.ts";
import { first, textOf, type Fields } from "./fields.ts";
import { verdictOf, type Verdict } from "./reasons.ts";

/** Why a row is on its list. */
export interface Finding {
  /** Null if the row does not say. */
  verdict: Exclude<Verdict, "nothing"> | null;
  /** Whether the row is a contact, by a flag or by a word for its state. Its creation is no time of a suppression then. */
  ofContact: "flag" | "state" | null;
}

/** Words of contacts' states, which stand beside the time at which the contact was made. */
const STATES = new Set(["cleaned", "unsubscribed", "subscribed", "pending", "bounced", "active"]);

/** `list`: the name of the list that the row was in. Fails with a word that is no reason, by column and what is wrong. */
export function findReason(fields: Fields, list: string | null): Result<Finding> {
  const flagged = flagOf(fields);
  if (typeof flagged === "string" && flagged !== "mailable") return found(flagged, "flag");
  const word = wordOf(fields);
  if (word.verdict !== null) return found(word.verdict, word.ofContact);
  const reply = replyOf(fields);
  if (reply !== null) return found(reply);
  const listed = list === null ? null : verdictOf(list);
  if (listed !== null && listed !== "nothing") return found(listed);
  for (const [name, reason] of TIMES_OF) if (reason !== null && fields.has(name)) return found(reason);
  const tags = fields.get("tags");
  if (tags === "*" || (Array.isArray(tags) && tags.includes("*"))) return found("unsubscribed");
  if (flagged !== null || isFalse(fields.get("inactive"))) return found("mailable");
  return word.unknown === null
    ? ok({ verdict: null, ofContact: null })
    : fail(
        `${word.unknown}: is no word for a reason; use hard_bounce, complaint, unsubscribed, soft_bounces or manual`,
      );
}

function found(verdict: Verdict, ofContact: Finding["ofContact"] = null): Result<Finding> {
  return ok({ verdict: verdict === "nothing" ? null : verdict, ofContact });
}

const TRUE = /^(true|yes|y|1|x|ja|oui|si|sí)$/i;
const FALSE = /^(false|no|n|0|nein|non)$/i;

const isFalse = (value: unknown): boolean => value === false || FALSE.test(textOf(value) ?? "");

/** The reason of the first flag that is set; "mailable" if there are flags and none is; null without flags. */
function flagOf(fields: Fields): SuppressionReason | "mailable" | null {
  let isUnset = false;
  for (const [name, reason] of FLAGS) {
    const value = fields.get(name);
    if (value === true || TRUE.test(textOf(value) ?? "") || /^\d{4}-\d\d-\d\d/.test(textOf(value) ?? ""))
      return reason;
    if (isFalse(value)) isUnset = true;
  }
  return isUnset ? "mailable" : null;
}

/** The verdict of the first column with a known word, and a column whose word is unknown. */
function wordOf(fields: Fields): {
  verdict: Verdict | null;
  ofContact: Finding["ofContact"];
  unknown: string | null;
} {
  let unknown: string | null = null;
  for (const name of [...NAMES.strong, ...NAMES.weak]) {
    const text = textOf(fields.get(name));
    if (text === undefined) continue;
    const verdict = verdictOf(text);
    if (verdict === null) {
      if (unknown === null && !NAMES.weak.includes(name)) unknown = name;
      continue;
    }
    if (verdict === "nothing") continue;
    const isState = (name === "status" || name === "subscriptionstatus") && STATES.has(text.toLowerCase());
    return { verdict: ofRecipient(text, fields) ?? verdict, ofContact: isState ? "state" : null, unknown };
  }
  return { verdict: null, ofContact: null, unknown };
}

/** Postmark calls an unsubscribe a manual suppression whose origin is the recipient. */
function ofRecipient(text: string, fields: Fields): Verdict | null {
  const isManual = text.toLowerCase() === "manualsuppression";
  return isManual && textOf(fields.get("origin"))?.toLowerCase() === "recipient" ? "unsubscribed" : null;
}

const ENHANCED = /\b[245]\.\d{1,3}\.\d{1,3}\b/;

/**
 * The verdict of a receiving server's reply. The list is of addresses that the provider gave up, so a reply that nobody
 * can read counts as hard; one that plainly refuses the sender, the content or the rate is a block.
 */
function replyOf(fields: Fields): Verdict | null {
  const texts = [
    fields.get("suppressionreason"),
    fields.get("reason"),
    ...NAMES.replies.map((name) => fields.get(name)),
  ];
  const text = texts.flatMap((value) => textOf(value) ?? []).join(" ");
  const code = textOf(first(fields, ["code", "smtpcode", "errorcode", "status"]));
  const enhanced = ENHANCED.exec(textOf(first(fields, ["status", "enhancedstatus", "enhancedcode"])) ?? "");
  const number = code !== undefined && /^[45]\d\d$/.test(code) ? Number(code) : null;
  if (text === "" && number === null && enhanced === null) return null;
  const reading = readReply({
    code: number,
    enhanced: enhanced?.[0] ?? null,
    text: text === "" ? null : text,
  });
  switch (reading.class) {
    case "address":
      return "hard_bounce";
    case "mailbox":
    case "passing":
      return "soft_bounces";
    case "sender":
    case "content":
    case "rate":
      return "block";
    case "unknown":
      return number !== null || enhanced !== null || /^\s*[45]\d\d\b/.test(text) || ENHANCED.test(text)
        ? "hard_bounce"
        : null;
  }
}
