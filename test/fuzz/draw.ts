// Draws from lists that the compiler cannot prove to be non-empty.

import type { Random } from "../../src/demo/traffic/random.ts";

/** A random item of the list. Throws if the list is empty. */
export function draw<T>(random: Random, items: readonly T[]): T {
  const [first, ...rest] = items;
  if (first === undefined) throw new Error("nothing to draw from");
  return random.pick([first, ...rest]);
}
