// Events as filters see them, and short ways to ask a filter.

import { compileFilter, evaluate, type Lookups, type Filter } from "../../../src/pipes/filter/filter.ts";

/** An event as filters see it. */
export type Fields = Record<string, unknown>;

export const OPENED: Fields = {
  id: "3fj0dm8c01k5gqfp8w7h2m4n6q8s0tvwxy",
  seq: 7,
  source: "eu",
  provider: "mailjet",
  type: "opened",
  contact: "ann@gmail.com",
  message_id: "1152921521234567890",
  occurred_at: "2026-11-21T09:30:00.000Z",
  received_at: "2026-11-21T09:30:01.000Z",
  bounce: null,
  reason: null,
  description: null,
  smtp: null,
  campaign: "welcome",
  custom_id: null,
  tags: ["spring", "vip"],
  metadata: { plan: "pro", order: { total: 120.5 }, items: [1, 2], constructor: "c", none: null },
  url: null,
  ip: "203.0.113.9",
  geo: "DE",
  user_agent: "Mozilla/5.0 (iPhone)",
  machine: false,
};
export const BOUNCED: Fields = {
  ...OPENED,
  type: "bounced",
  contact: "bob@example.com",
  bounce: "hard",
  reason: "invalid",
  description: "550 5.1.1 No such user",
  smtp: { code: 550, enhanced: "5.1.1", response: "No such user" },
  campaign: null,
  tags: [],
  metadata: {},
  machine: null,
};
export const PAUSED: Fields = {
  type: "pipe.paused",
  id: "x",
  contact: null,
  occurred_at: "2026-11-21T09:30:00.000Z",
  data: { pipe: "crm" },
};

/** When these events happened, ms. */
export const at = Date.parse("2026-11-21T09:30:00.000Z");
export const HOUR = 3_600_000;
/** What a look-up tells about them. */
export const LOOKUPS: Lookups = {
  message: { sent_at: at - 2 * HOUR, delivered_at: null, status: "opened" },
  suppression: null,
};

/** The filter; an error if it is refused. */
export function compiled(text: string): Filter {
  const filter = compileFilter(text);
  if (!filter.ok) throw new Error(`${text}: ${filter.reason}`);
  return filter.value;
}

/** What a filter says about an event, or why it cannot be evaluated. */
export function ask(text: string, event: Fields, lookups: Lookups = LOOKUPS): boolean | string {
  const answer = evaluate(compiled(text), event, lookups);
  return answer.ok ? answer.value : answer.reason;
}

/** Why a filter is refused; an empty text if it is not. */
export function refusal(text: string): string {
  const filter = compileFilter(text);
  return filter.ok ? "" : filter.reason;
}
