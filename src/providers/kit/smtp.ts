// Extracts reply codes from a receiving server's text: "550 5.1.1 User unknown", "sent (250 2.0.0 OK)", "smtp; 421
// 4.7.0 ...".

import type { EventType, Reason, Smtp } from "../../model/event.ts";
import { LONGEST, text } from "./fields.ts";

const REPLY = /(?:^|[^\d.])([245]\d\d)(?=[\s-]|$)/; // RFC 5321 section 4.2
const ENHANCED = /(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)/; // RFC 3463

/**
 * Code, enhanced code and text of a reply, each code null if the text does not contain it; null if `words` is empty.
 */
export function readSmtp(words: unknown): Smtp | null {
  const response = text(words, LONGEST.words);
  if (response === null) return null;
  const code = REPLY.exec(response)?.[1];
  return {
    code: code === undefined ? null : Number(code),
    enhanced: ENHANCED.exec(response)?.[1] ?? null,
    response,
  };
}

/** The same for text that may not come from a server: null if it contains no reply code. */
export function findSmtp(words: unknown): Smtp | null {
  const smtp = readSmtp(words);
  return smtp?.code === null && smtp.enhanced === null ? null : smtp;
}

/** A reply in the fields of a provider, any of which may be absent. */
export interface ReplyFields {
  code?: unknown;
  /** The enhanced code; some providers repeat the reply code here. */
  status?: unknown;
  words?: unknown;
}

/**
 * The reply from its fields; what they lack is looked for in the words. Null if there is no code of either kind.
 */
export function smtpOf({ code, status, words }: ReplyFields): Smtp | null {
  const read = readSmtp(words);
  const fields = [text(code) ?? "", text(status) ?? ""];
  const replyCode = fields.find((field) => /^[245]\d\d$/.test(field));
  const enhanced = fields.find((field) => /^[245]\.\d{1,3}\.\d{1,3}$/.test(field));
  const smtp = {
    code: replyCode === undefined ? (read?.code ?? null) : Number(replyCode),
    enhanced: enhanced ?? read?.enhanced ?? null,
    response: read?.response ?? null,
  };
  return smtp.code === null && smtp.enhanced === null ? null : smtp;
}

/**
 * Reasons by the enhanced code's subject and detail (https://www.rfc-editor.org/rfc/rfc3463#section-3), the more
 * specific ones first.
 */
const REASONS: readonly [RegExp, Reason][] = [
  [/^\d\.1\.[78]$/, "policy"], // the sender's address
  [/^\d\.1\./, "invalid"],
  [/^\d\.2\.1$/, "inactive"],
  [/^\d\.2\.2$/, "mailbox_full"],
  [/^\d\.4\.7$/, "timed_out"],
  [/^\d\.[345]\./, "technical"],
  [/^\d\.6\./, "content"],
  [/^\d\.7\./, "policy"],
];

/** Why a mail was refused, by the receiving server's enhanced code; null if the code gives no reason or is missing. */
export function smtpReason(smtp: Smtp | null): Reason | null {
  const enhanced = smtp?.enhanced ?? "";
  return REASONS.find(([codes]) => codes.test(enhanced))?.[1] ?? null;
}

const REFUSALS: ReadonlySet<EventType> = new Set(["bounced", "blocked", "dropped", "deferred", "failed"]);

/**
 * Why a mail did not arrive, if the report contains only text: by the enhanced code in it, else `other`. Null for types
 * that are no refusal, whose text gives no reason ("250 OK").
 */
export function reasonOfWords(type: EventType, words: string | null): Reason | null {
  if (words === null || !REFUSALS.has(type)) return null;
  return smtpReason(readSmtp(words)) ?? "other";
}

const SENDERS: ReadonlySet<Reason> = new Set(["reputation", "content", "policy"]);

/** Whether the reason is the sender, the content or a policy: then the refusal is no evidence about the address. */
export function isSenders(reason: Reason | null): boolean {
  return reason !== null && SENDERS.has(reason);
}
