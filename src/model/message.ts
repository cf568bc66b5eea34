// What became of one mail: the highest of its events, so that it never goes backwards, in whatever order they arrive.

import type { EventType } from "./event.ts";

/** Ranks by what an event proves. A bounce ranks by its class; `unknown` and the like prove nothing about the mail. */
const RANK: Readonly<Record<EventType, number>> = {
  unknown: 0,
  subscribed: 0,
  autoresponded: 0,
  queued: 1,
  sent: 2,
  deferred: 3,
  bounced: 4,
  blocked: 4,
  dropped: 4,
  failed: 4,
  delivered: 5,
  opened: 7,
  clicked: 8,
  unsubscribed: 9,
  complained: 10,
};
const HARD_BOUNCE = 6;

interface Ranked {
  type: EventType;
  bounce: "hard" | "soft" | null;
  occurred_at: number;
  id: string;
}

/** How much an event proves: the higher decides. */
export function rankOf(event: Pick<Ranked, "type" | "bounce">): number {
  return event.type === "bounced" && event.bounce === "hard" ? HARD_BOUNCE : RANK[event.type];
}

/** The event that decides a message's status: highest rank, then latest, then greatest id. Null for none. */
export function decidingEvent<E extends Ranked>(events: readonly E[]): E | null {
  let best: E | null = null;
  for (const event of events) if (best === null || outranks(event, best)) best = event;
  return best;
}

function outranks(a: Ranked, b: Ranked): boolean {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank > 0;
  return a.occurred_at === b.occurred_at ? a.id > b.id : a.occurred_at > b.occurred_at;
}
