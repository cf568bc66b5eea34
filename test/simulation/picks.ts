// Picks from lists.

import type { Random } from "../../src/demo/traffic/random.ts";

/** Different items, as many as there are, at most `count`. */
export function pickSome<T>(random: Random, items: readonly T[], count: number): T[] {
  const left = [...items];
  const picked: T[] = [];
  while (picked.length < count && left.length > 0)
    picked.push(...left.splice(random.between(0, left.length - 1), 1));
  return picked;
}
