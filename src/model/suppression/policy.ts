// What suppresses a contact, as far as people may choose: for everything, or for one source.

export const SUPPRESSION_REASONS = [
  "hard_bounce",
  "complaint",
  "unsubscribed",
  "soft_bounces",
  "manual",
] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** Reasons that come of events; the other one is a person. */
export const EVENT_REASONS = ["hard_bounce", "complaint", "unsubscribed", "soft_bounces"] as const;

/** What of a source's events suppresses whom. */
export interface SuppressionPolicy {
  /** This many soft bounces, ... */
  softBounces: number;
  /** on at least this many days (UTC), ... */
  softBounceDays: number;
  /** within this many days, with no delivery, open or click between. */
  softBounceWindowDays: number;
  /** Which reasons count at all. */
  reasons: readonly SuppressionReason[];
  /** Whether an unsubscribe or complaint for a list that the provider names holds for that list alone. */
  scope: "global" | "list";
}

/** Three soft bounces in 30 days; and who leaves one list is not mailed at all, for that is never wrong. */
export const DEFAULT_POLICY: SuppressionPolicy = {
  softBounces: 3,
  softBounceDays: 2,
  softBounceWindowDays: 30,
  reasons: EVENT_REASONS,
  scope: "global",
};

/** The policies of all sources: each event is judged by that of its own. */
export interface Policies {
  of(source: string): SuppressionPolicy;
  /** The longest softBounceWindowDays of any. */
  longestWindowDays: number;
}

/** One policy for every source. */
export function samePolicy(policy: SuppressionPolicy): Policies {
  return { of: () => policy, longestWindowDays: policy.softBounceWindowDays };
}

/** When a destination counts as refusing everybody, so that its soft bounces say nothing about single addresses. */
export interface StormPolicy {
  /** More than this share of the outcomes were blocks and soft bounces, ... */
  share: number;
  /** of at least so many outcomes within 15 minutes. */
  outcomes: number;
}

export const DEFAULT_STORM: StormPolicy = { share: 0.6, outcomes: 50 };
