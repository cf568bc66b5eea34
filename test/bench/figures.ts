// What repeated measurements come to: the median, and the spread from the least to the greatest, because on a machine that
// does other things, too, a mean says little.

export interface Figure {
  median: number;
  least: number;
  most: number;
}

export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: middle(sorted), least: sorted[0] ?? NaN, most: sorted.at(-1) ?? NaN };
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? NaN) + upper) / 2;
}

/** The value below which `share` (0 to 1) of them lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/**
 * How many times `b` the `a` is: both lists hold one value per round, and each round is compared with itself, so that
 * what slows down the machine for a while slows down both.
 */
export function ratioOf(a: readonly number[], b: readonly number[]): Figure {
  return figureOf(a.map((value, round) => value / (b[round] ?? NaN)));
}

/** Three significant digits, thousands with commas. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const places = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toPrecision(3)).toLocaleString("en-US", {
    minimumFractionDigits: Math.min(places, 4),
    maximumFractionDigits: Math.min(places, 4),
  });
}

/** The median and, in brackets, the spread. */
export function spread({ median, least, most }: Figure): string {
  return `${digits(median)} (${digits(least)}…${digits(most)})`;
}

/** `items` in turns, there and back (A B C, C B A, ...), so that no place in the round is anybody's own. */
export function inTurns<T>(items: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? items : items.toReversed();
}
