// The words in which every provider's reports are told: what happened, why, and what the receiving server answered.

/** What a report says happened. Order carries no meaning here; see message.ts for ranks. */
export const EVENT_TYPES = [
  "queued",
  "sent",
  "delivered",
  "deferred",
  "bounced",
  "blocked",
  "dropped",
  "failed",
  "opened",
  "clicked",
  "complained",
  "unsubscribed",
  "subscribed",
  "autoresponded",
  "unknown",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Why a mail did not arrive, where the provider tells. */
export const REASONS = [
  "invalid",
  "mailbox_full",
  "inactive",
  "suppressed",
  "reputation",
  "content",
  "policy",
  "spam",
  "unsubscribed",
  "timed_out",
  "technical",
  "duplicate",
  "other",
] as const;
export type Reason = (typeof REASONS)[number];

/** The receiving server's answer: reply code (RFC 5321, e.g. 550), enhanced code (RFC 3463, e.g. "5.1.1"), its words. */
export interface Smtp {
  code: number | null;
  enhanced: string | null;
  response: string | null;
}
