// The words in which the reader of replies speaks: whose matter a refusal is (design: one reader for all providers).

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
