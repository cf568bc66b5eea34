// Reads what a receiving server said: whose matter the refusal is, and why. All providers use this one reader, because
// the same reply must mean the same whoever passes it on. Words count before codes, which servers choose carelessly.

import { memoize } from "../../lib/memoize.ts";
import type { Reason } from "../event-words.ts";
import { CODE_RULES, type CodeRule } from "./codes.ts";
import { firstRule, treeOf, type Tree } from "./phrases.ts";
import type { ReplyClass, Rule } from "./rule.ts";
import { PLAIN_RULES, WEAK_RULES } from "./rules.ts";
import { wordsOf } from "./words.ts";

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

const RULES = [...PLAIN_RULES, ...WEAK_RULES];
/** Built when the first reply is read, because most requests carry none. */
let tree: Tree | null = null;

/** The reading of a reply. It takes time in proportion to the text's length. */
export function readReply(reply: Reply): ReplyReading {
  if (reply.code !== null && reply.code < 400) return UNKNOWN;
  const { words, enhanced } = wordsOf(reply.text ?? "");
  tree ??= treeOf(RULES.map(({ phrases }) => phrases));
  const place = firstRule(tree, words);
  const rule = RULES[place];
  const code = ruleOfCodes(enhanced) ?? ruleOfCodes(reply.enhanced === null ? [] : [reply.enhanced]);
  return readingOf(rule === undefined || prefersCode(rule, place, code) ? (code ?? rule) : rule);
}

/** Whether the code says more than the words. */
function prefersCode(rule: Rule, place: number, code: CodeRule | null): boolean {
  if (code === null) return false;
  // "Invalid address" may be the sender's, and only the code says so.
  if (code.name === SENDERS_ADDRESS) return rule.class === "address";
  // A full mailbox may be shut or locked for that.
  if (code.class === "mailbox") return rule.class === "address" && rule.reason === "inactive";
  return place >= PLAIN_RULES.length && code.class !== "address" && code.reason !== "technical";
}

const SENDERS_ADDRESS = "code: the sender's address";

/** The first rule that knows one of the codes. */
function ruleOfCodes(enhanced: readonly string[]): CodeRule | null {
  let first = Infinity;
  for (const code of enhanced) first = Math.min(first, placeOfCode(code));
  return CODE_RULES[first] ?? null;
}

/** The place of the first rule that knows the code; Infinity if none does. Replies have few codes, so they are kept. */
const placeOfCode = memoize((enhanced): number => {
  const place = CODE_RULES.findIndex(({ codes }) => codes.test(enhanced.slice(2)));
  return place < 0 ? Infinity : place;
});

function readingOf(rule: Rule | CodeRule | undefined): ReplyReading {
  return rule === undefined ? UNKNOWN : { class: rule.class, reason: rule.reason, rule: rule.name };
}
