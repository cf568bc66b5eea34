// Extracts reply codes from a receiving server's text: "550 5.1.1 User unknown", "sent (250 2.0.0 OK)", "smtp; 421
// 4.7.0 ...". Some providers report the parts of a reply in fields of their own, and write those loosely: a code may be
// a number or a text, and a reply code may stand where an enhanced code belongs.

import type { EventType, Reason, Smtp } from "../../model/event.ts";
import { readReply } from "../../model/replies/read-reply.ts";
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

/** The parts of a reply as a provider reports them; any of them may be absent, blank, 0 or of another type. */
export interface ReplyFields {
  /** RFC 5321 section 4.2, such as 550 or "550" */
  code?: unknown;
  /** RFC 3463, such as "5.1.1"; some providers repeat the reply code here. */
  status?: unknown;
  /** The server's words, which may begin with both codes. */
  words?: unknown;
}

/** Words that begin with the reply code, with or without the type that RFC 3464 puts before it ("smtp; 550 ..."). */
const BEGINS_WITH_CODE = /^(?:[a-z-]{1,20};\s{0,5})?[245]\d\d(?:[\s-]|$)/i;

/**
 * The reply. The words have the last say about the enhanced code, because the field often contains only the code's
 * class (5.0.0), and about the reply code if they begin with it; codes inside of the words may be quoted numbers. Null
 * if the fields contain nothing.
 */
export function replyOf({ code, status, words }: ReplyFields): Smtp | null {
  const [told, codeField, statusField] = [readSmtp(words), readSmtp(text(code)), readSmtp(text(status))];
  const fields = [told, statusField, codeField].flatMap((smtp) => smtp?.enhanced ?? []);
  const isFirst = BEGINS_WITH_CODE.test(told?.response ?? "");
  const codes = isFirst ? [told, codeField, statusField] : [codeField, told, statusField];
  const reply: Smtp = {
    code: codes.flatMap((smtp) => smtp?.code ?? [])[0] ?? null,
    enhanced: fields.find((one) => !one.endsWith(".0.0")) ?? fields[0] ?? null,
    response: told?.response ?? null,
  };
  return reply.code === null && reply.enhanced === null && reply.response === null ? null : reply;
}

/** The same where words alone may not come from a server: null if neither they nor the fields contain a code. */
export function smtpOf(fields: ReplyFields): Smtp | null {
  const reply = replyOf(fields);
  return reply?.code === null && reply.enhanced === null ? null : reply;
}

const REFUSALS: ReadonlySet<EventType> = new Set(["bounced", "blocked", "dropped", "deferred", "failed"]);

/**
 * Why a mail did not arrive, if the report contains only text: by the reply in it, else `other`. Null for types
 * that are no refusal, whose text gives no reason ("250 OK").
 */
export function reasonOfWords(type: EventType, words: string | null): Reason | null {
  if (words === null || !REFUSALS.has(type)) return null;
  const { code = null, enhanced = null } = readSmtp(words) ?? {};
  return readReply({ code, enhanced, text: words }).reason ?? "other";
}

const SENDERS: ReadonlySet<Reason> = new Set(["reputation", "content", "policy"]);

/** Whether the reason is the sender, the content or a policy: then the refusal is no evidence about the address. */
export function isSenders(reason: Reason | null): boolean {
  return reason !== null && SENDERS.has(reason);
}
