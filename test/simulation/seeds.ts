// One process of `npm run simulate`: runs seed after seed until one fails, and reports to the command by marked lines.

import { expect, inject, it } from "vitest";
import { MARK, type Line } from "./lines.ts";
import { shrink, tell } from "./shrink.ts";
import { simulate } from "./simulate.ts";
import { worldOf } from "./world.ts";

declare module "vitest" {
  interface ProvidedContext {
    simulation: { from: number; count: number; told: boolean; cut: boolean };
  }
}

it("keeps every promise", async () => {
  const { from, count, told, cut } = inject("simulation");
  const say = (line: Line): void => console.log(MARK + JSON.stringify(line));
  for (let seed = from; seed < from + count; seed += 1) {
    const world = worldOf(seed);
    const verdict = await simulate(world);
    if (told) say({ told: tell(world, verdict) });
    if (verdict.violations.length === 0) {
      say({ clean: seed, steps: verdict.log.length });
      continue;
    }
    // For a mutant only the seed matters.
    const [smallest, found] = cut ? await shrink(world, verdict, simulate) : [world, verdict];
    say({ failed: seed, violation: verdict.violations[0], told: tell(smallest, found) });
    expect(verdict.violations).toEqual([]);
  }
});
