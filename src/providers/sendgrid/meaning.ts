// What became of a mail, by SendGrid's words and by what the receiving server said.

import type { EventDetails, EventType, Reason, Smtp } from "../../model/event.ts";
import { LONGEST, text } from "../kit/fields.ts";
import type { JsonObject } from "../kit/json.ts";
import { filled } from "../kit/loose-fields.ts";
import { judge, type Judgement } from "../kit/refusal.ts";
import { smtpOf, isSenders, replyOf } from "../kit/smtp.ts";
import { classOf, dropOf, TYPES } from "./mapping.ts";

/** The type and the fields that depend on it. */
export type Meaning = Judgement & Pick<EventDetails, "description" | "smtp">;

/** The meaning of an event; `event` is its word in lower case. */
export function meaningOf(event: string, element: JsonObject): Meaning {
  const type = TYPES.get(event) ?? "unknown";
  const smtp = serverReply(type, element);
  const description = text(filled(element, "reason", "response"), LONGEST.words);
  return { ...judged(type, element, smtp, description), description, smtp };
}

function judged(
  type: EventType,
  element: JsonObject,
  smtp: Smtp | null,
  description: string | null,
): Judgement {
  if (type === "bounced" || type === "blocked") return bounced(type, element, smtp, description);
  if (type === "deferred") return judge({ type, bounce: null, reason: null }, smtp, description);
  return { type, bounce: null, reason: reasonOf(type, element) };
}

/**
 * `bounce` has three kinds. "blocked" is no evidence about the address, and SendGrid keeps sending to it; "expired"
 * means that SendGrid gave up after three days of trying.
 */
function bounced(
  type: "bounced" | "blocked",
  element: JsonObject,
  smtp: Smtp | null,
  description: string | null,
): Judgement {
  const kind = text(element["type"])?.toLowerCase() ?? null;
  const reason = classOf(text(element["bounce_classification"]));
  if (kind === "expired") return expired(smtp, description);
  const isReply = smtp !== null && smtp.code !== null;
  if (type === "blocked" || kind === "blocked") {
    // Without a reply no server refused the mail: the domain has none, or none could be reached.
    const noServer = { type: "blocked", bounce: null, reason: reason ?? "technical" } as const;
    return isReply ? judge({ type: "blocked", bounce: null, reason }, smtp, description) : noServer;
  }
  const isEvidence = reason === "invalid";
  const bounce = kind !== "bounce" ? null : reason === "technical" ? "soft" : "hard";
  // Words without a reply code are SendGrid's own and do not contradict what it found out about the address.
  if (isEvidence && !isReply) return { type: "bounced", bounce, reason };
  const finding = isSenders(reason)
    ? ({ type: "blocked", bounce: null, reason } as const)
    : ({ type: "bounced", bounce, reason, isEvidence } as const);
  return judge(finding, smtp, description);
}

/** SendGrid gave up; a reply that only explains the delay is no better reason. */
function expired(smtp: Smtp | null, description: string | null): Judgement {
  const judged = judge({ type: "bounced", bounce: "soft", reason: "timed_out" }, smtp, description);
  return judged.reason === "technical" ? { ...judged, reason: "timed_out" } : judged;
}

/** The receiving server's reply, from `response` or `reason`; a drop's `reason` and `status` are SendGrid's own. */
function serverReply(type: EventType, element: JsonObject): Smtp | null {
  const response = filled(element, "response", "reason");
  if (type === "dropped") return smtpOf({ words: element["reason"] });
  const refused = type === "bounced" || type === "blocked" || type === "deferred";
  return replyOf({ words: response, status: refused ? element["status"] : null });
}

function reasonOf(type: EventType, element: JsonObject): Reason | null {
  if (type === "complained") return "spam";
  const words = text(element["reason"]);
  return type === "dropped" && words !== null ? dropOf(words) : null;
}
