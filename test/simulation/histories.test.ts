// A small share of `npm run simulate`: histories that must keep every promise, and be the same in every run.

import { describe, expect, it } from "vitest";
import { MUTANTS } from "./mutants/index.ts";
import { simulate } from "./simulate.ts";
import { worldOf } from "./world.ts";

// The first ones, one in which a source's data are removed, one with an outage in which everybody is called unknown, one
// with a pipe that leads back, and one that showed how a repeat was counted twice.
const SEEDS = [...Array.from({ length: 12 }, (_, i) => i + 1), 37, 74, 139, 349];

describe("simulated histories", () => {
  it.each(SEEDS)("of seed %i keep every promise", async (seed) => {
    const { violations } = await simulate(worldOf(seed));
    expect(violations, `npm run simulate -- --seed ${seed}`).toEqual([]);
  });

  it("of one seed are the same in every run", async () => {
    const first = await simulate(worldOf(7));
    expect((await simulate(worldOf(7))).log).toEqual(first.log);
    expect((await simulate(worldOf(8))).log).not.toEqual(first.log);
    const piped = await simulate(worldOf(5));
    expect(worldOf(5).pipes).not.toEqual([]);
    expect((await simulate(worldOf(5))).log).toEqual(piped.log);
  });
});

it("each mutant changes exactly one place of the present source", () => {
  const sources = import.meta.glob("../../src/**/*.ts", { query: "?raw", import: "default", eager: true });
  for (const { name, file, from, to } of MUTANTS) {
    expect(sources[`../../src/${file}`]?.split(from), name).toHaveLength(2);
    expect(to, name).not.toBe(from);
  }
});
