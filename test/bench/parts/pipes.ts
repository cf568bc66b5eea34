// Pipes: how fast one catches up and reads, whether a dead one delays another, how fast one is whose destination refuses some
// events, and what passing an event on costs.

import type { Progress } from "../../../src/cli/progress.ts";
import { measureCatchUp } from "../pipes/catch-up.ts";
import { measureCost } from "../pipes/cost.ts";
import { measureIsolation } from "../pipes/isolation.ts";
import { measureReading } from "../pipes/reading.ts";
import { measureRefusing } from "../pipes/refusing.ts";
import type { PartResult } from "../results.ts";

const FULL = {
  catchUp: { behind: 1_000_000, rounds: 5, single: 5_000, batch: 100_000 },
  isolation: { rounds: 6, stores: 120 },
  reading: { rounds: 5, events: 100_000 },
  refusing: { rounds: 5, events: 10_000 },
  counted: 10_000,
};
const QUICK: typeof FULL = {
  catchUp: { behind: 30_000, rounds: 2, single: 1_000, batch: 4_000 },
  isolation: { rounds: 2, stores: 24 },
  reading: { rounds: 3, events: 20_000 },
  refusing: { rounds: 2, events: 2_000 },
  counted: 1_000,
};

export async function pipes(quick: boolean, progress: Progress): Promise<PartResult> {
  const { catchUp, reading, isolation, refusing, counted } = quick ? QUICK : FULL;
  const parts = [
    await measureCatchUp(catchUp, progress),
    await measureReading(reading, progress),
    await measureIsolation(isolation, progress),
    await measureRefusing(refusing, progress),
    await measureCost(counted, progress),
  ];
  const [first, second, third, fourth, fifth] = parts.map(({ data }) => data);
  return {
    tables: parts.flatMap(({ tables }) => tables),
    charts: parts.flatMap(({ charts }) => charts),
    targets: parts.flatMap(({ targets }) => targets),
    data: { catchUp: first, reading: second, isolation: third, refusing: fourth, cost: fifth },
  };
}
