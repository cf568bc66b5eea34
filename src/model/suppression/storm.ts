// What a storm is: one mailbox provider refuses far more than usual for a while, so its bounces say more about the moment
// than about the addresses. This is the only definition. Whatever warns of storms must use it, too.
//
// In most storms a destination blocks mail or answers with temporary errors. In some it calls everybody unknown, as
// Gmail did on 14 and 15 December 2020, and every address looks dead. The second kind is told from an old list, whose
// addresses are dead indeed, by two comparisons: with what is usual at this destination, and with what happens
// elsewhere at the same time. An old list bounces everywhere.

import type { StormPolicy } from "./policy.ts";

/** A destination that refused far more than usual at the time of a bounce. Times in ms since the epoch. */
export interface Storm {
  destination: string;
  /** Blocks and soft bounces in the 15 minutes before `at`. */
  refused: number;
  /** Hard bounces in the same 15 minutes; left out if they were not counted. */
  hard?: number;
  /** Deliveries, bounces and blocks in the same 15 minutes. */
  outcomes: number;
  /** The end of the 15 minutes that were counted. */
  at: number;
}

/** Counts of outcomes. `outcomes`: deliveries, bounces and blocks; `refused`: blocks and bounces that are not hard. */
export interface OutcomeCounts {
  outcomes: number;
  refused: number;
  hard: number;
}

/** Nothing counted. */
export const NO_OUTCOMES: Readonly<OutcomeCounts> = Object.freeze({ outcomes: 0, refused: 0, hard: 0 });

/** The counts that decide about a bounce. */
export interface StormCounts {
  /** At the destination, in the bounce's five minutes and the ten before. */
  window: OutcomeCounts;
  /** At the destination, in the bounce's five minutes. */
  latest: OutcomeCounts;
  /** At all other destinations, in the same 15 minutes. */
  elsewhere: OutcomeCounts;
  /** At the destination, in the two weeks before. */
  usual: OutcomeCounts;
}

/** A usual share is known from this many outcomes on. */
const KNOWN_FROM = 500;
/** The share of hard bounces that is no more normal: where the usual share is known, and where it is not. */
const HARD_SHARE = { known: 0.2, unknown: 0.5 } as const;
/** ... and at least so many times the usual share, and the share elsewhere. */
const TIMES_USUAL = 5;
const TIMES_ELSEWHERE = 2;
/** However many hard bounces are usual, this share of them is a storm. */
const NEARLY_ALL = 0.9;

/** The two sums of counts. */
export function addCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return { outcomes: a.outcomes + b.outcomes, refused: a.refused + b.refused, hard: a.hard + b.hard };
}

/** Whether these 15 minutes may be a storm, so that it is worth reading what is usual. */
export function maybeStorm(window: OutcomeCounts, policy: StormPolicy): boolean {
  return window.outcomes >= policy.outcomes && refusesMuch(window, policy);
}

/** Whether a large share of the outcomes are refusals of any kind. */
export function refusesMuch({ outcomes, refused, hard }: OutcomeCounts, policy: StormPolicy): boolean {
  return refused + hard > policy.share * outcomes || hard > HARD_SHARE.known * outcomes;
}

/** Whether the destination refuses far more than usual, so that its bounces prove nothing about single addresses. */
export function isStorm(counts: StormCounts, policy: StormPolicy): boolean {
  const { window, latest } = counts;
  if (!maybeStorm(window, policy)) return false;
  const isRefusing = window.refused > policy.share * window.outcomes;
  const normal = normalShareOf(counts, policy);
  const isUnknowing = ({ hard, outcomes }: OutcomeCounts): boolean => hard > normal.most * outcomes;
  const isBoth = ({ refused, hard, outcomes }: OutcomeCounts): boolean =>
    refused + Math.max(0, hard - normal.expected * outcomes) > policy.share * outcomes;
  // The last five minutes count alone, too, so that a dead address after the storm suppresses at once.
  return isRefusing || [window, latest].every(isUnknowing) || [window, latest].every(isBoth);
}

/** The share of hard bounces that is expected, and the most that is no storm. */
function normalShareOf(
  { elsewhere, usual }: StormCounts,
  { outcomes }: StormPolicy,
): { expected: number; most: number } {
  const isKnown = usual.outcomes >= KNOWN_FROM;
  const own = isKnown ? usual.hard / usual.outcomes : 0;
  const others = elsewhere.outcomes >= outcomes ? elsewhere.hard / elsewhere.outcomes : 0;
  const least = isKnown ? HARD_SHARE.known : HARD_SHARE.unknown;
  const most = Math.max(least, TIMES_USUAL * own, TIMES_ELSEWHERE * others);
  return { expected: Math.max(own, others), most: Math.min(most, NEARLY_ALL) };
}

/** A description of the storm, for people. */
export function describeStorm({ destination, refused, hard = 0, outcomes, at }: Storm): string {
  const until = new Date(at).toISOString().slice(0, 16);
  const all = refused + hard;
  const share = Math.round((100 * all) / outcomes);
  const unknown = hard === 0 ? "" : `, ${hard} of them as unknown addresses,`;
  return `${destination} refused ${all} of ${outcomes} mails (${share} %)${unknown} in the 15 minutes before ${until}Z`;
}
