// The common vocabulary to which every provider's reports are mapped: event types, reasons and SMTP replies.

/** What happened, according to the report. The order has no meaning here; message.ts ranks the types. */
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

/** Why a mail did not arrive, if the provider reports it. */
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

/** The receiving server's reply: reply code (RFC 5321, e.g. 550), enhanced code (RFC 3463, e.g. "5.1.1") and text. */
export interface Smtp {
  code: number | null;
  enhanced: string | null;
  response: string | null;
}
