// The configurable rules of suppression, for all sources or for one source: which events suppress a contact.

/** Why a contact may be suppressed. */
export const SUPPRESSION_REASONS = [
  "hard_bounce",
  "complaint",
  "unsubscribed",
  "soft_bounces",
  "manual",
] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** The reasons that events cause. The remaining one, manual, is a person's decision. */
export const EVENT_REASONS = ["hard_bounce", "complaint", "unsubscribed", "soft_bounces"] as const;

/** Which events of a source suppress a contact. */
export interface SuppressionPolicy {
  /** This many soft bounces, ... */
  softBounces: number;
  /** on at least this many days (UTC), ... */
  softBounceDays: number;
  /** within this many days, with no delivery, open or click between. */
  softBounceWindowDays: number;
  /** The reasons for which this source's events suppress. Events of other reasons do not suppress. */
  reasons: readonly SuppressionReason[];
  /** Whether an unsubscribe or complaint for a list that the provider names suppresses all mail or only that list. */
  scope: "global" | "list";
}

/**
 * Three soft bounces on two days within 30 days. Leaving one list suppresses all mail, because that is the safe choice.
 */
export const DEFAULT_POLICY: SuppressionPolicy = {
  softBounces: 3,
  softBounceDays: 2,
  softBounceWindowDays: 30,
  reasons: EVENT_REASONS,
  scope: "global",
};

/** The policies of all sources. Each event is judged by the policy of its own source. */
export interface Policies {
  of(source: string): SuppressionPolicy;
  /** The longest softBounceWindowDays of all policies. */
  longestWindowDays: number;
}

/** Policies with the same policy for every source. */
export function samePolicy(policy: SuppressionPolicy): Policies {
  return { of: () => policy, longestWindowDays: policy.softBounceWindowDays };
}

/** When a destination counts as refusing mail at large (see storm.ts), so that its bounces say nothing about addresses. */
export interface StormPolicy {
  /** More than this share of the outcomes were refusals, ... */
  share: number;
  /** of at least so many outcomes within 15 minutes. */
  outcomes: number;
}

/** More than 60 % of at least 50 outcomes. */
export const DEFAULT_STORM: StormPolicy = { share: 0.6, outcomes: 50 };
