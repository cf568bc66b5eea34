// Isolation: how long an event takes from being stored to being received, while another pipe's destination is dead in some
// way and while there is none. The ways take turns, in one runtime; whoever is dead begins each of its turns anew, so that
// all that its pipe does before it gives up for a while is within.

import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../../src/local/progress.ts";
import { BEGAN, type EventPlan } from "../events.ts";
import { digits, figureOf, inTurns, quantile, ratioOf, spread } from "../figures.ts";
import type { Storing } from "../labs/pipes.ts";
import type { PartResult } from "../results.ts";
import { askLab, type Running } from "../runtime.ts";
import { makePipe, pausePipe, resumePipe, startPipeLab } from "./lab.ts";
import { refusing, startHanging, startReceiver } from "./receiver.ts";

/** Events that are stored together, and ms between two such. */
const TOGETHER = 5;
const EVERY = 100;
const CONTACTS = 200;

interface Line {
  name: string;
  /** The dead pipe; null for none. */
  pipe: string | null;
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
  const failing = await startReceiver({ status: 503 });
  const make = async (name: string, url: string): Promise<string> =>
    await makePipe(lab, { name, url, batch: false, concurrency: 4, start: "now" });
  await make("healthy", healthy.url);
  const line = (name: string, pipe: string | null): Line => ({ name, pipe, p50: [], p99: [] });
  const lines = [
    line("none is dead", null),
    line("one refuses connections", await make("refusing", await refusing())),
    line("one hangs", await make("hanging", await startHanging())),
    line("one answers 503", await make("failing", failing.url)),
  ];
  for (const { pipe } of lines) if (pipe !== null) await pausePipe(lab, pipe);
  let turn = 0;
  // The first round makes the contacts known and lets the compiler see it all.
  for (let round = -1; round < rounds; round++) {
    for (const one of inTurns(lines, round)) {
      if (one.pipe !== null) await resumePipe(lab, one.pipe);
      const took = await storeAll(lab, received, stores, turn++);
      if (one.pipe !== null) await pausePipe(lab, one.pipe);
      progress.show(turn, (rounds + 1) * lines.length, one.name);
      if (round < 0) continue;
      one.p50.push(quantile(took, 0.5));
      one.p99.push(quantile(took, 0.99));
    }
  }
  await lab.stop();
  return resultOf(lines, stores * TOGETHER);
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
          `${TOGETHER} events stored every ${EVERY} ms, ${events} in a turn; the dead pipe gets the same events.`,
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
