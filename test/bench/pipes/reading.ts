// Reading: how fast a pipe goes through events of which its filter passes none on, so that it does nothing but read them
// slice by slice and look at each; against reading as many rows of text that are kept ready.

import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../../src/cli/progress.ts";
import { fill } from "../filled.ts";
import { digits, figureOf, inTurns, ratioOf, spread } from "../figures.ts";
import { makeReady } from "../ready.ts";
import type { PartResult } from "../results.ts";
import { askLab, type Running } from "../runtime.ts";
import { healthOf, makePipe, removePipe, startPipeLab } from "./lab.ts";
import { startReceiver } from "./receiver.ts";

const LOOK_EVERY = 5; // ms
const MOST_LOOKS = 20_000;
/** No event of the filled database is of this type. */
const FILTER = 'type == "complained"';

/** `events`: how many there are to read. */
export async function measureReading(
  { rounds, events }: { rounds: number; events: number },
  progress: Progress,
): Promise<PartResult> {
  const lab = await startPipeLab({ counted: false });
  await fill(lab, "small", events, events / 100, progress);
  await makeReady(lab, events, progress);
  const receiver = await startReceiver({});
  const perSecond: Record<"pipe" | "ready", number[]> = { pipe: [], ready: [] };
  // The first round lets the compiler see it all.
  for (let round = -1; round < rounds; round++) {
    for (const way of inTurns(["pipe", "ready"] as const, Math.abs(round))) {
      const ms = await (way === "pipe" ? readByPipe(lab, receiver.url) : walk(lab, events));
      if (round >= 0) perSecond[way].push((events * 1_000) / ms);
    }
    progress.show(round + 2, rounds + 1, "reading slices");
  }
  if (receiver.requests() > 0) throw new Error("an event was passed on, and none should have been");
  await receiver.stop();
  await lab.stop();
  return resultOf(events, perSecond);
}

/** ms from the pipe's making to its being through. */
async function readByPipe(lab: Running, url: string): Promise<number> {
  const wish = {
    name: "reads",
    url,
    batch: true,
    concurrency: 4,
    start: "beginning",
    filter: FILTER,
  } as const;
  const began = performance.now();
  const id = await makePipe(lab, wish);
  for (let looks = 0; (await healthOf(lab, id)).behind > 0; looks++) {
    if (looks === MOST_LOOKS) throw new Error("the pipe did not get through");
    await sleep(LOOK_EVERY);
  }
  const ms = performance.now() - began;
  await removePipe(lab, id);
  return ms;
}

async function walk(lab: Running, events: number): Promise<number> {
  const began = performance.now();
  const read = await askLab<number>(lab, "/walk", null);
  if (read !== events) throw new Error(`read ${read} rows of ${events}`);
  return performance.now() - began;
}

function resultOf(events: number, { pipe, ready }: Record<"pipe" | "ready", number[]>): PartResult {
  const ratio = ratioOf(pipe, ready);
  return {
    tables: [
      {
        title: `A pipe that passes nothing on: events a second that it reads, of ${events.toLocaleString("en-US")}`,
        columns: ["", "pipe", "rows that are kept ready", "pipe / rows"],
        rows: [["slices of 1,000", spread(figureOf(pipe)), spread(figureOf(ready)), digits(ratio.median)]],
        notes: ["From the pipe's making until nothing is left, its filter's look at each event included."],
      },
    ],
    charts: [],
    targets: [
      {
        what: "events a second that a pipe reads / rows that are kept ready",
        got: ratio.median,
        bound: { least: 0.2 },
        unit: "",
      },
    ],
    data: { events, perSecond: { pipe, ready } },
  };
}
