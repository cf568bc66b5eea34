// Which suppressions must be in force, by rules written down a second time.

import { bounceOf } from "./reference-counters.ts";
import type { Deed, EventRow } from "./witness.ts";

const DAY = 86_400_000;

/** Evidence about a contact: its kind and its time. */
export interface Fact {
  kind: "hard" | "soft" | "good" | "complaint" | "unsubscribed" | "entry";
  at: number;
  id: string;
}

export function factsOf(contact: string, events: readonly EventRow[]): Fact[] {
  const facts = events.flatMap((event): Fact[] => {
    const { type, at, id, details } = event;
    if (event.contact !== contact) return [];
    if (type === "bounced") return [{ kind: bounceOf(details) === "hard" ? "hard" : "soft", at, id }];
    if (type === "delivered" || type === "opened" || type === "clicked") return [{ kind: "good", at, id }];
    if (type === "complained") return [{ kind: "complaint", at, id }];
    return type === "unsubscribed" ? [{ kind: "unsubscribed", at, id }] : [];
  });
  return facts.sort((a, b) => a.at - b.at);
}

/** An expected suppression. `lifted`: when it was lifted, ms. */
export interface Wanted {
  reason: string;
  at: number;
  lifted: number | null;
}

/**
 * A lift ends suppressions by evidence from before it or known by then; of several lifts the earliest counts. A
 * suppression without a lift is in force.
 */
export function suppressionsOf(facts: readonly Fact[], lifts: readonly Deed[]): Wanted[] {
  const good = facts.filter(({ kind }) => kind === "good").map(({ at }) => at);
  const inOrder = lifts.toSorted((a, b) => a.at - b.at);
  const ended = Map.groupBy(
    facts.filter(({ kind }) => kind !== "good"),
    ({ at, id }) => inOrder.find((lift) => at <= lift.at || lift.known.includes(id)),
  );
  return [...ended].flatMap(([lift, some]) =>
    [...reasonsOf(some, good)].map(([reason, at]) => ({ reason, at, lifted: lift?.at ?? null })),
  );
}

/** Reason -> time of the evidence, for evidence without a lift in between. */
function reasonsOf(facts: readonly Fact[], good: readonly number[]): Map<string, number> {
  const found = new Map<string, number>();
  const first = (kind: Fact["kind"], reason: string): void => {
    const evidence = facts.find((one) => one.kind === kind);
    if (evidence !== undefined) found.set(reason, evidence.at);
  };
  first("hard", "hard_bounce");
  first("complaint", "complaint");
  first("unsubscribed", "unsubscribed");
  first("entry", "manual");
  const soft = facts.filter(({ kind }) => kind === "soft");
  const met = soft.find(({ at }) => {
    const lastGood = Math.max(-Infinity, ...good.filter((one) => one <= at));
    const run = soft.filter((one) => one.at <= at && one.at > lastGood && one.at >= at - 30 * DAY);
    return run.length >= 3 && new Set(run.map((one) => Math.floor(one.at / DAY))).size >= 2;
  });
  if (met !== undefined) found.set("soft_bounces", met.at);
  return found;
}

/** The reasons of suppressions, the strongest first. */
export const STRENGTH = ["complaint", "unsubscribed", "manual", "hard_bounce", "soft_bounces"];
