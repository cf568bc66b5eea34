// The fill levels of several databases as one.

import type { Fill } from "./level.ts";

/** All databases together. What is free is known if it is known of each. */
export function sumOfFills(fills: readonly Fill[]): Fill {
  const sum = (of: (fill: Fill) => number): number => fills.reduce((all, fill) => all + of(fill), 0);
  const isMarked = fills.every(({ mark }) => mark.events !== null);
  return {
    size: sum(({ size }) => size),
    events: sum(({ events }) => events),
    limit: sum(({ limit }) => limit),
    empty: sum(({ empty }) => empty),
    mark: {
      size: sum(({ mark }) => mark.size),
      events: isMarked ? sum(({ mark }) => mark.events ?? 0) : null,
    },
  };
}

/** The rates of all databases together; null if none has one. `days`: over how many the longest was measured. */
export function sumOfRates(
  rates: readonly ({ perDay: number; days: number } | null)[],
): { perDay: number; days: number } | null {
  const known = rates.filter((rate) => rate !== null);
  if (known.length === 0) return null;
  return {
    perDay: known.reduce((all, { perDay }) => all + perDay, 0),
    days: Math.max(...known.map(({ days }) => days)),
  };
}
