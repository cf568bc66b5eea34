// What is known of a contact, as a pure function of the facts about it, so that the order in which they arrive does not
// matter: every permutation of a contact's events folds to the same suppressions.

import type { ParsedEvent } from "./event.ts";

export const SUPPRESSION_REASONS = ["hard_bounce", "complaint", "unsubscribed", "soft_bounces"] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** When soft bounces become a suppression. */
export interface SuppressionPolicy {
  /** This many soft bounces, ... */
  softBounces: number;
  /** on at least this many days (UTC), ... */
  softBounceDays: number;
  /** within this many days, with no delivery, open or click between. */
  softBounceWindowDays: number;
}

export const DEFAULT_POLICY: SuppressionPolicy = {
  softBounces: 3,
  softBounceDays: 2,
  softBounceWindowDays: 30,
};

/** An event that may bear on suppression. `at`: ms since the epoch, by the provider; `id`: the event's. */
export interface Fact {
  kind: "hard" | "soft" | "good" | "complaint" | "unsubscribed" | "subscribed";
  at: number;
  id: string;
  source: string;
}

/** A suppression and what became of it: in force while `lifted_at` is null. */
export interface Suppression {
  reason: SuppressionReason;
  /** Id of the event that is the evidence. */
  event: string;
  source: string;
  /** When the evidence happened, ms. */
  at: number;
  lifted_at: number | null;
  /** Id of the event that lifted it. */
  lifted_by: string | null;
}

/** What an event says about the contact, or null where it says nothing: `blocked` and `dropped` never do. */
export function factOf(
  event: Pick<ParsedEvent, "type" | "bounce" | "occurred_at">,
  id: string,
  source: string,
): Fact | null {
  const kind = kindOf(event);
  return kind === null ? null : { kind, at: event.occurred_at, id, source };
}

function kindOf({ type, bounce }: Pick<ParsedEvent, "type" | "bounce">): Fact["kind"] | null {
  switch (type) {
    case "bounced": // of unknown class: counted like soft ones, for a dead address bounces again
      return bounce === "hard" ? "hard" : "soft";
    case "delivered":
    case "opened":
    case "clicked":
      return "good";
    case "complained":
      return "complaint";
    case "unsubscribed":
    case "subscribed":
      return type;
    default:
      return null;
  }
}

/** The facts that matter, each list in order of time. Bounded, whatever a contact lives through. */
export interface Facts {
  /** The earliest of its kind. */
  hard: Fact | null;
  complaint: Fact | null;
  soft: Fact[];
  /** Times of deliveries, opens and clicks, ms. */
  good: number[];
  /** The latest good time that was dropped to stay bounded, ms. A soft bounce from before it can be judged no more. */
  forgotten: number;
  /** Unsubscribes and subscribes. */
  list: Fact[];
}

export const NO_FACTS: Readonly<Facts> = Object.freeze({
  hard: null,
  complaint: null,
  soft: [],
  good: [],
  forgotten: 0,
  list: [],
});

const MOST_SOFT = 64;
const MOST_GOOD = 64;
const MOST_LIST = 64;

/** `facts` with one more; a fact that is there already changes nothing. */
export function addFact(facts: Readonly<Facts>, fact: Fact): Facts {
  switch (fact.kind) {
    case "hard":
      return { ...facts, hard: earliest(facts.hard, fact) };
    case "complaint":
      return { ...facts, complaint: earliest(facts.complaint, fact) };
    case "soft":
      return fact.at <= facts.forgotten ? facts : { ...facts, soft: inserted(facts.soft, fact, MOST_SOFT) };
    case "good":
      return withGood(facts, fact.at);
    case "unsubscribed":
    case "subscribed":
      return { ...facts, list: inserted(facts.list, fact, MOST_LIST) };
  }
}

/** The list with the fact in its place; the latest `most` of them. */
function inserted(list: Fact[], fact: Fact, most: number): Fact[] {
  if (list.some(({ id }) => id === fact.id)) return list;
  return [...list, fact].sort(byTime).slice(-most);
}

function earliest(a: Fact | null, b: Fact): Fact {
  return a === null || byTime(b, a) < 0 ? b : a;
}

function byTime(a: Fact, b: Fact): number {
  return a.at - b.at || rankAtOnce(a) - rankAtOnce(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** At the very same time, a subscribe comes first: it lifts an unsubscribe only if it happened later. */
function rankAtOnce(fact: Fact): number {
  return fact.kind === "subscribed" ? 0 : 1;
}

/**
 * One more good time, of which at most MOST_GOOD are kept. The first to go are those with no soft bounce on either side
 * of them up to the next good time: they separate nothing.
 */
function withGood(facts: Readonly<Facts>, at: number): Facts {
  const good = [...facts.good, at].sort((a, b) => a - b);
  if (good.length <= MOST_GOOD) return { ...facts, good };
  const spare = Math.max(
    0,
    good.findIndex((_, i) => !separates(good, i, facts.soft)),
  );
  const forgotten = Math.max(facts.forgotten, good[spare] ?? 0);
  return { ...facts, good: good.toSpliced(spare, 1), forgotten };
}

function separates(good: readonly number[], index: number, soft: readonly Fact[]): boolean {
  const before = good[index - 1] ?? -Infinity;
  const after = good[index + 1] ?? Infinity;
  return soft.some(({ at }) => at >= before && at <= after);
}

/** All suppressions that the facts amount to, in order of their evidence. */
export function suppressionsOf(facts: Readonly<Facts>, policy: SuppressionPolicy): Suppression[] {
  const found: Suppression[] = [];
  if (facts.hard !== null) found.push(inForce("hard_bounce", facts.hard));
  if (facts.complaint !== null) found.push(inForce("complaint", facts.complaint));
  const soft = decidingSoftBounce(facts, policy);
  if (soft !== null) found.push(inForce("soft_bounces", soft));
  found.push(...unsubscribes(facts.list));
  return found.sort((a, b) => a.at - b.at || (a.event < b.event ? -1 : 1));
}

function inForce(reason: SuppressionReason, { id, source, at }: Fact): Suppression {
  return { reason, event: id, source, at, lifted_at: null, lifted_by: null };
}

/** An unsubscribe is in force until a later subscribe; repeats in between add nothing. */
function unsubscribes(list: readonly Fact[]): Suppression[] {
  const found: Suppression[] = [];
  let open: Suppression | null = null;
  for (const fact of list) {
    if (fact.kind === "unsubscribed" && open === null) {
      open = inForce("unsubscribed", fact);
      found.push(open);
    } else if (fact.kind === "subscribed" && open !== null) {
      open.lifted_at = fact.at;
      open.lifted_by = fact.id;
      open = null;
    }
  }
  return found;
}

const DAY = 86_400_000;

/** The soft bounce with which the policy was first met, or null. */
function decidingSoftBounce({ soft, good }: Readonly<Facts>, policy: SuppressionPolicy): Fact | null {
  let run: Fact[] = [];
  let last = -Infinity;
  for (const fact of soft) {
    const after = last;
    if (good.some((at) => at > after && at <= fact.at)) run = [];
    run = [...run.filter(({ at }) => at >= fact.at - policy.softBounceWindowDays * DAY), fact];
    const days = new Set(run.map(({ at }) => Math.floor(at / DAY))).size;
    if (run.length >= policy.softBounces && days >= policy.softBounceDays) return fact;
    last = fact.at;
  }
  return null;
}

const STRENGTH: readonly SuppressionReason[] = ["complaint", "unsubscribed", "hard_bounce", "soft_bounces"];

/** The strongest suppression in force, or null where the contact may be mailed. */
export function strongestOf<S extends Pick<Suppression, "reason" | "lifted_at">>(
  suppressions: readonly S[],
): S | null {
  const standing = suppressions.filter(({ lifted_at }) => lifted_at === null);
  for (const reason of STRENGTH) {
    const found = standing.find((one) => one.reason === reason);
    if (found !== undefined) return found;
  }
  return null;
}
