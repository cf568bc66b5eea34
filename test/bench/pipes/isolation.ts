// Isolation: how long an event takes from being stored to being received, while there is no other pipe at work, and while
// another one's destination is well or dead in some way. The ways take turns, in one runtime; each time the other destination
// dies as the turn begins, so that all that its pipe does before it gives up for a while is within. All turns of a way count
// as one: of a single turn the slowest hundredth would be what the machine did in one moment.

import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../../src/cli/progress.ts";
import { BEGAN, type EventPlan } from "../events.ts";
import { digits, inTurns, quantile } from "../figures.ts";
import type { Storing } from "../labs/pipes.ts";
import type { PartResult } from "../results.ts";
import { askLab, type Running } from "../runtime.ts";
import { healthOf, makePipe, pausePipe, resumePipe, startPipeLab } from "./lab.ts";
import { startMortal, startReceiver, type Death } from "./receiver.ts";

/** Events that are stored together, and ms between two such. */
const TOGETHER = 5;
const EVERY = 50;
const CONTACTS = 200;
const STILL = 1_000; // ms

interface Line {
  name: string;
  /** What becomes of the other pipe's destination, or of the pipe. */
  other: Death | "paused" | "well";
  /** ms of each event. */
  took: number[];
}

export async function measureIsolation(
  { rounds, stores }: { rounds: number; stores: number },
  progress: Progress,
): Promise<PartResult> {
  const lab = await startPipeLab({ counted: false });
  const received = new Map<string, number>();
  const healthy = await startReceiver({
    take: ({ body, at }) => {
      const { data } = JSON.parse(body.toString()) as { data: { message_id?: string } };
      const mail = data.message_id ?? "";
      if (!received.has(mail)) received.set(mail, at);
    },
  });
  const other = await startMortal();
  const make = async (name: string, url: string): Promise<string> =>
    await makePipe(lab, { name, url, batch: false, concurrency: 4, start: "now" });
  await make("healthy", healthy.url);
  const pipe = await make("other", other.url);
  const lines: Line[] = [
    { name: "no other", other: "paused", took: [] },
    { name: "another is well", other: "well", took: [] },
    { name: "another refuses connections", other: "refuses", took: [] },
    { name: "another hangs", other: "hangs", took: [] },
    { name: "another answers 503", other: "fails", took: [] },
  ];
  let turn = 0;
  // The first round makes the contacts known and lets the compiler see it all.
  for (let round = -1; round < rounds; round++) {
    for (const one of inTurns(lines, round)) {
      await other.revive();
      await resumePipe(lab, pipe);
      await caughtUp(lab, pipe);
      if (one.other === "paused") await pausePipe(lab, pipe);
      else if (one.other !== "well") await other.die(one.other);
      await sleep(STILL);
      const took = await storeAll(lab, received, stores, turn++);
      progress.show(turn, (rounds + 1) * lines.length, one.name);
      if (round >= 0) one.took.push(...took);
    }
  }
  await lab.stop();
  return resultOf(lines);
}

/** Resolves when the pipe has nothing left to be passed on. */
async function caughtUp(lab: Running, pipe: string): Promise<void> {
  for (let looks = 0; looks < 100; looks++) {
    await sleep(EVERY);
    const { behind, waiting } = await healthOf(lab, pipe);
    if (behind === 0 && waiting === 0) return;
    if (waiting > 0) await resumePipe(lab, pipe); // they may be due in hours only
  }
  throw new Error("the other pipe did not catch up");
}

/** ms from being stored to being received, of each event. */
async function storeAll(
  lab: Running,
  received: Map<string, number>,
  stores: number,
  turn: number,
): Promise<number[]> {
  received.clear();
  const stored = new Map<string, number>();
  for (let store = 0; store < stores; store++) {
    const plans = Array.from({ length: TOGETHER }, (_, i): EventPlan => {
      const n = (turn * stores + store) * TOGETHER + i;
      return { kind: "sent", mail: n, contact: n % CONTACTS, time: BEGAN + n };
    });
    const [, at] = await Promise.all([
      sleep(EVERY),
      askLab<number>(lab, "/store", { stretch: turn, plans } satisfies Storing),
    ]);
    for (const { mail } of plans) stored.set(`194217773${String(mail).padStart(8, "0")}`, at);
  }
  for (let wait = 0; received.size < stored.size; wait++) {
    if (wait > 100)
      throw new Error(`${stored.size - received.size} of ${stored.size} events were not received`);
    await sleep(100);
  }
  return [...stored].map(([mail, at]) => (received.get(mail) ?? Infinity) - at);
}

function resultOf(lines: readonly Line[]): PartResult {
  const [alone, well, ...dead] = lines;
  if (alone === undefined || well === undefined) throw new Error("nothing was measured");
  const p50 = ({ took }: Line): number => quantile(took, 0.5);
  const p99 = ({ took }: Line): number => quantile(took, 0.99);
  return {
    tables: [
      {
        title: "Isolation: ms from stored to received, by another pipe's destination",
        columns: ["destination", "p50", "p99", "p99 / no other", "p99 / a well one"],
        rows: lines.map((line) => [
          line.name,
          digits(p50(line)),
          digits(p99(line)),
          digits(p99(line) / p99(alone)),
          digits(p99(line) / p99(well)),
        ]),
        notes: [
          `${TOGETHER} events stored every ${EVERY} ms, ${alone.took.length} in all turns of a way; the other pipe gets the same events.`,
        ],
      },
    ],
    charts: [],
    targets: dead.map((line) => ({
      what: `p99 stored to received, where ${line.name} / where it is well`,
      got: p99(line) / p99(well),
      bound: { most: 1.2 },
      unit: "",
    })),
    data: { lines: lines.map(({ name, took }) => ({ name, took: took.toSorted((a, b) => a - b) })) },
  };
}
