// Shares with their uncertainty, so that nobody reads noise: the interval in which a rate lies with 95 % confidence, and
// whether two rates can be told apart.

/** 97.5 % quantile of the normal distribution: two-sided 95 %. */
const Z = 1.959963984540054;

export interface Interval {
  low: number;
  high: number;
}

export type Proportion = Interval & { rate: number };

/**
 * Wilson's score interval for `hits` of `n` (E. B. Wilson, Probable inference, the law of succession, and statistical
 * inference, JASA 22, 1927): (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). Unlike p ± z·σ it holds for few and for
 * extreme cases, and never leaves 0 to 1. Null where it is no share: n is 0, or there are more hits than that.
 */
export function wilson(hits: number, n: number): Proportion | null {
  if (n <= 0 || hits < 0 || hits > n) return null;
  const rate = hits / n;
  const square = Z * Z;
  const center = rate + square / (2 * n);
  const spread = Z * Math.sqrt((rate * (1 - rate)) / n + square / (4 * n * n));
  const whole = 1 + square / n;
  // At the ends the formula gives 0 and 1, but rounding may miss them.
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

export const COMPARISONS = ["a is higher", "b is higher", "no difference can be told"] as const;

/** What the interval of a - b lets one say. */
export function comparisonOf({ low, high }: Interval): (typeof COMPARISONS)[number] {
  return low > 0 ? "a is higher" : high < 0 ? "b is higher" : "no difference can be told";
}
