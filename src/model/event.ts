// The normalised event: the words in which every provider's reports are told. Providers produce ParsedEvents;
// storing one adds its id, its place in the feed and where it came from.

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

/** What of an event is stored beside its key fields; null, [] or {} where the provider does not tell. */
export interface EventDetails {
  /** Only for `bounced`: permanent or temporary; null where the provider does not say which. */
  bounce: "hard" | "soft" | null;
  reason: Reason | null;
  /** The provider's or the receiving server's words. */
  description: string | null;
  smtp: Smtp | null;
  campaign: string | null;
  custom_id: string | null;
  tags: string[];
  metadata: Record<string, unknown>;
  /** The link that was clicked. */
  url: string | null;
  ip: string | null;
  /** Where an open or click came from, as the provider says it: usually an ISO 3166 country code. */
  geo: string | null;
  user_agent: string | null;
  /** Whether a machine (scanner, privacy proxy) opened or clicked; null where the provider does not tell. */
  machine: boolean | null;
}

/** One event as a provider's parser gives it. */
export interface ParsedEvent extends EventDetails {
  type: EventType;
  /** The recipient's address, normalised (see address.ts). */
  contact: string;
  /** The provider's id of the mail, exact to the last digit. */
  message_id: string | null;
  /** When it happened by the provider, ms since the epoch; the time of receipt where the provider names none. */
  occurred_at: number;
  /** What makes this report itself, and nothing that may differ between two deliveries of it. */
  identity: string[];
  /** Index of the provider's element in the delivery that this event was read from. */
  element: number;
}
