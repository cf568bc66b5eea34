// Drawing from lists that may be empty as far as the compiler knows.

import type { Random } from "../../src/demo/traffic/random.ts";

/** A random item of the list. Throws if the list is empty. */
export function draw<T>(random: Random, items: readonly T[]): T {
  const [first, ...rest] = items;
  if (first === undefined) throw new Error("nothing to draw from");
  return random.pick([first, ...rest]);
}
