// Isolation: how long an event takes from being stored to being received, while another pipe's destination is well and while
// it is dead in some way. The ways take turns, in one runtime; each time the other destination dies as the turn begins, so
// that all that its pipe does before it gives up for a while is within.

import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../../src/local/progress.ts";
import { BEGAN, type EventPlan } from "../events.ts";
import { digits, figureOf, inTurns, quantile, ratioOf, spread } from "../figures.ts";
import type { Storing } from "../labs/pipes.ts";
import type { PartResult } from "../results.ts";
import { askLab, type Running } from "../runtime.ts";
import { healthOf, makePipe, resumePipe, startPipeLab } from "./lab.ts";
import { startMortal, startReceiver, type Death } from "./receiver.ts";

/** Events that are stored together, and ms between two such. */
const TOGETHER = 5;
const EVERY = 100;
const CONTACTS = 200;
const STILL = 1_000; // ms

interface Line {
  name: string;
  /** How the other pipe's destination dies; null where it stays well. */
  death: Death | null;
  p50: number[];
  p99: number[];
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
  const line = (name: string, death: Death | null): Line => ({ name, death, p50: [], p99: [] });
  const lines = [
    line("none is dead", null),
    line("one refuses connections", "refuses"),
    line("one hangs", "hangs"),
    line("one answers 503", "fails"),
  ];
  let turn = 0;
  // The first round makes the contacts known and lets the compiler see it all.
  for (let round = -1; round < rounds; round++) {
    for (const one of inTurns(lines, round)) {
      await other.revive();
      await resumePipe(lab, pipe);
      await caughtUp(lab, pipe);
      if (one.death !== null) await other.die(one.death);
      const took = await storeAll(lab, received, stores, turn++);
      progress.show(turn, (rounds + 1) * lines.length, one.name);
      if (round < 0) continue;
      one.p50.push(quantile(took, 0.5));
      one.p99.push(quantile(took, 0.99));
    }
  }
  await lab.stop();
  return resultOf(lines, stores * TOGETHER);
}

/** Resolves when the pipe has nothing left to be passed on, and some time after. */
async function caughtUp(lab: Running, pipe: string): Promise<void> {
  for (let looks = 0; looks < 100; looks++) {
    await sleep(EVERY);
    const { behind, waiting } = await healthOf(lab, pipe);
    if (behind === 0 && waiting === 0) return await sleep(STILL);
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

function resultOf(lines: readonly Line[], events: number): PartResult {
  const [none, ...dead] = lines;
  if (none === undefined) throw new Error("nothing was measured");
  return {
    tables: [
      {
        title: "Isolation: ms from stored to received, by another pipe's destination",
        columns: ["destination", "p50", "p99", "p99 / none"],
        rows: lines.map(({ name, p50, p99 }) => [
          name,
          spread(figureOf(p50)),
          spread(figureOf(p99)),
          digits(ratioOf(p99, none.p99).median),
        ]),
        notes: [
          `${TOGETHER} events stored every ${EVERY} ms, ${events} in a turn; the other pipe gets the same events.`,
        ],
      },
    ],
    charts: [],
    targets: dead.map(({ name, p99 }) => ({
      what: `p99 stored to received, where ${name} / none`,
      got: ratioOf(p99, none.p99).median,
      bound: { most: 1.2 },
      unit: "",
    })),
    data: { lines },
  };
}
