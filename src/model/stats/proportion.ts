// Rates with their uncertainty, so that readers do not take noise for a difference: the 95 % confidence interval of a
// rate, and whether two rates differ significantly.

/** The 97.5 % quantile of the normal distribution, for a two-sided interval of 95 %. */
const Z = 1.959963984540054;

/** A 95 % confidence interval. */
export interface Interval {
  low: number;
  high: number;
}

/** A rate from 0 to 1 with its interval. */
export type Proportion = Interval & { rate: number };

/**
 * Wilson's score interval for `hits` of `n` (E. B. Wilson, Probable inference, the law of succession, and statistical
 * inference, JASA 22, 1927): (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). Unlike p ± z·σ it is accurate for small
 * samples and extreme rates, and it stays within 0 to 1. Null if `hits` of `n` is not a proportion: n is 0, or hits is
 * negative or greater than n.
 */
export function wilson(hits: number, n: number): Proportion | null {
  if (n <= 0 || hits < 0 || hits > n) return null;
  const rate = hits / n;
  const square = Z * Z;
  const center = rate + square / (2 * n);
  const spread = Z * Math.sqrt((rate * (1 - rate)) / n + square / (4 * n * n));
  const whole = 1 + square / n;
  // At the extremes the formula's exact results are 0 and 1, but rounding may miss them.
  const low = hits === 0 ? 0 : Math.max(0, (center - spread) / whole);
  const high = hits === n ? 1 : Math.min(1, (center + spread) / whole);
  return { rate, low, high };
}

/**
 * The interval of a - b from the intervals of both (R. G. Newcombe, Interval estimation for the difference between
 * independent proportions, Statistics in Medicine 17, 1998, method 10).
 */
export function newcombe(a: Proportion, b: Proportion): Interval & { difference: number } {
  const difference = a.rate - b.rate;
  return {
    difference,
    low: difference - Math.hypot(a.rate - a.low, b.high - b.rate),
    high: difference + Math.hypot(a.high - a.rate, b.rate - b.low),
  };
}

/** All results of a comparison. */
export const COMPARISONS = ["a is higher", "b is higher", "no difference can be told"] as const;

/** The result of a comparison, from the interval of a - b. */
export function comparisonOf({ low, high }: Interval): (typeof COMPARISONS)[number] {
  return low > 0 ? "a is higher" : high < 0 ? "b is higher" : "no difference can be told";
}
