// Puts a receiving server's reply together where a provider reports its parts in fields of their own. Those fields are
// written loosely: a code may be a number or a text, and a reply code may stand where an enhanced code belongs.

import type { Smtp } from "../../model/event.ts";
import { text } from "./fields.ts";
import { readSmtp } from "./smtp.ts";

/** The parts of a reply as a provider reports them; any of them may be absent, blank, 0 or of another type. */
export interface ReplyFields {
  /** RFC 5321 section 4.2, such as 550 or "550" */
  code?: unknown;
  /** RFC 3463, such as "5.1.1" */
  enhanced?: unknown;
  /** The server's words, which may begin with both codes. */
  response?: unknown;
}

/** Words that begin with the reply code, with or without the type that RFC 3464 puts before it ("smtp; 550 ..."). */
const BEGINS_WITH_CODE = /^(?:[a-z-]{1,20};\s{0,5})?[245]\d\d(?:[\s-]|$)/i;

/**
 * The reply. The words have the last say about the enhanced code, because the field often contains only the code's
 * class (5.0.0), and about the reply code if they begin with it; codes inside of the words may be quoted numbers. Null
 * if the fields contain nothing.
 */
export function replyOf({ code, enhanced, response }: ReplyFields): Smtp | null {
  const words = readSmtp(response);
  const [codeField, enhancedField] = [readSmtp(text(code)), readSmtp(text(enhanced))];
  const fields = [words, enhancedField, codeField].flatMap((smtp) => smtp?.enhanced ?? []);
  const isFirst = BEGINS_WITH_CODE.test(words?.response ?? "");
  const codes = isFirst ? [words, codeField, enhancedField] : [codeField, words, enhancedField];
  const reply: Smtp = {
    code: codes.flatMap((smtp) => smtp?.code ?? [])[0] ?? null,
    enhanced: fields.find((one) => !one.endsWith(".0.0")) ?? fields[0] ?? null,
    response: words?.response ?? null,
  };
  return reply.code === null && reply.enhanced === null && reply.response === null ? null : reply;
}

/** The same where words alone may not come from a server: null if neither they nor the fields contain a code. */
export function findReply(fields: ReplyFields): Smtp | null {
  const reply = replyOf(fields);
  return reply?.code === null && reply.enhanced === null ? null : reply;
}
