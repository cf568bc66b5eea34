// The status of one mail: its event of the highest rank. So the status never goes back, in whatever order events
// arrive.

import type { EventType } from "./event.ts";

/** Ranks by how much an event proves. A hard bounce has a rank of its own. Rank 0 proves nothing about the mail. */
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

/** The rank of an event: the event with the highest rank decides the status of its message. */
export function rankOf(event: Pick<Ranked, "type" | "bounce">): number {
  return event.type === "bounced" && event.bounce === "hard" ? HARD_BOUNCE : RANK[event.type];
}

/** The event that decides a message's status: highest rank, then latest, then greatest id. Null for an empty list. */
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
