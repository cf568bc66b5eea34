// Reply codes out of a receiving server's words: "550 5.1.1 User unknown", "sent (250 2.0.0 OK)", "smtp; 421 4.7.0 ...".

import type { Smtp } from "../model/event.ts";
import { LONGEST, text } from "./fields.ts";

const REPLY = /(?:^|[^\d.])([245]\d\d)(?=[\s-]|$)/; // RFC 5321 section 4.2
const ENHANCED = /(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/; // RFC 3463

/** Code, enhanced code and words of a reply; null where `words` is empty. */
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

/** The same for words that need not be a server's: null where they hold no reply code. */
export function findSmtp(words: unknown): Smtp | null {
  const smtp = readSmtp(words);
  return smtp?.code === null && smtp.enhanced === null ? null : smtp;
}
