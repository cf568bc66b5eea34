// Reproducible random numbers: the same seed gives the same traffic, so that a wrong figure can be investigated.

/** A source of numbers from 0 to below 1, and of values drawn with them. */
export interface Random {
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  /** `count` decimal digits, the first not 0. */
  digits(count: number): string;
}

/** mulberry32 (public domain, Tommy Ettinger): 32 bits of state are enough for a demo. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (items) => items[between(0, items.length - 1)] ?? items[0],
    digits: (count) =>
      String(between(1, 9)) + Array.from({ length: count - 1 }, () => between(0, 9)).join(""),
  };
}

/** Sorts by keys; each item's key is computed once, so that it may be random. */
export function sortBy<T>(items: readonly T[], keyOf: (item: T, index: number) => number): T[] {
  const keyed = items.map((item, index) => ({ item, key: keyOf(item, index) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
