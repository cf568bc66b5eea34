// What a rule of the reader of replies is: phrases that servers say, and whose matter a refusal with them is.

import type { Reason } from "../event-words.ts";

/**
 * Whose matter a refusal is. `address`: nobody can be reached there. `mailbox`: it takes nothing more for now.
 * `sender`: who sends, or from where. `content`: what was sent. `rate`: how much at once. `passing`: a moment's
 * trouble. `unknown`: the reply does not say.
 */
export const REPLY_CLASSES = [
  "address",
  "mailbox",
  "sender",
  "content",
  "rate",
  "passing",
  "unknown",
] as const;
export type ReplyClass = (typeof REPLY_CLASSES)[number];

/** The meaning of replies that contain one of some phrases. */
export interface Rule {
  name: string;
  class: Exclude<ReplyClass, "unknown">;
  reason: Reason;
  /**
   * What such replies say: words in their order, with choices "(a|b|)" and ".." for up to three other words. Words with
   * one meaning count as one (vocabulary.ts), so "user unknown" reads "e-mail account not known" too.
   */
  phrases: readonly string[];
  /** A reply that this rule reads, in our own words. */
  example: string;
  /** Where such replies come from. */
  seen: string;
}
