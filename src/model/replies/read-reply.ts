// Reads what a receiving server said: whose matter the refusal is, and why. All providers use this one reader, because
// the same reply must mean the same whoever passes it on.

import type { Reason } from "../event-words.ts";
import { CODE_RULES } from "./codes.ts";
import type { ReplyClass } from "./rule.ts";

export type { ReplyClass } from "./rule.ts";

/** A reply as far as it is known: its code (RFC 5321), enhanced code (RFC 3463) and text, which may contain both. */
export interface Reply {
  code: number | null;
  enhanced: string | null;
  text: string | null;
}

/** Whose matter the refusal is, why, and the name of the rule that says so; `unknown` has neither reason nor rule. */
export interface ReplyReading {
  class: ReplyClass;
  reason: Reason | null;
  rule: string | null;
}

const UNKNOWN: ReplyReading = { class: "unknown", reason: null, rule: null };

/** The reading of a reply. It takes time in proportion to the text's length. */
export function readReply(reply: Reply): ReplyReading {
  return readCode(reply.enhanced) ?? UNKNOWN;
}

function readCode(enhanced: string | null): ReplyReading | null {
  const subject = enhanced?.slice(2) ?? "";
  const rule = CODE_RULES.find(({ codes }) => codes.test(subject));
  return rule === undefined ? null : { class: rule.class, reason: rule.reason, rule: rule.name };
}
