// A destination that refuses one event of ten, each by itself: how fast a pipe goes through new events, against the same
// pipe where none is refused. Refused events are tried again meanwhile, which costs requests of its own, and each try is
// logged. Both ways take turns in one runtime, each with a pipe of its own that begins at the beginning.

import type { Progress } from "../../../src/cli/progress.ts";
import { fill } from "../filled.ts";
import { digits, figureOf, inTurns, ratioOf, spread } from "../figures.ts";
import type { PartResult } from "../results.ts";
import { healthOf, makePipe, removePipe, startPipeLab } from "./lab.ts";
import { startReceiver, type Taken } from "./receiver.ts";

/** Events that are not timed: as many as a pipe reads at once. */
const FIRST = 1_000;
const CONCURRENCY = 4;
/** One in so many events is refused. */
const REFUSED = 10;

interface Line {
  name: string;
  refuses: boolean;
  /** New events a second, a round each. */
  rates: number[];
  /** Further tries of refused events for each new event, a round each. */
  again: number[];
}

/** `events`: how many are timed in a round. */
export async function measureRefusing(
  { rounds, events }: { rounds: number; events: number },
  progress: Progress,
): Promise<PartResult> {
  const lab = await startPipeLab({ counted: false });
  await fill(lab, "small", 2 * (FIRST + events), FIRST, progress);
  const lines: Line[] = [
    { name: "takes all", refuses: false, rates: [], again: [] },
    { name: `refuses one in ${REFUSED}`, refuses: true, rates: [], again: [] },
  ];
  // The first round lets the compiler see it all.
  for (let round = -1; round < rounds; round++) {
    for (const line of inTurns(lines, round)) {
      const seen = new Set<string>();
      let again = 0;
      const isNew = (taken: Taken): boolean => {
        const id = idOf(taken);
        if (seen.has(id)) again += 1;
        return seen.size < seen.add(id).size;
      };
      const status = (taken: Taken): number => (line.refuses && isRefused(idOf(taken)) ? 422 : 204);
      const receiver = await startReceiver({ isNew, status });
      const timed = receiver.time(FIRST, events);
      const wish = { name: "refused", url: receiver.url, batch: false, concurrency: CONCURRENCY } as const;
      const id = await makePipe(lab, { ...wish, start: "beginning" });
      const rate = (events * 1000) / (await timed);
      const { waiting } = await healthOf(lab, id);
      if (line.refuses && waiting < events / REFUSED / 2) throw new Error(`only ${waiting} events wait`);
      await removePipe(lab, id);
      await receiver.stop();
      progress.show(round + 2, rounds + 1, line.name);
      if (round < 0) continue;
      line.rates.push(rate);
      line.again.push(again / seen.size);
    }
  }
  await lab.stop();
  return resultOf(lines);
}

function idOf({ headers }: Taken): string {
  return String(headers["webhook-id"]);
}

/** By the sum of its characters, which is as good as chance. */
function isRefused(id: string): boolean {
  let sum = 0;
  for (let i = 0; i < id.length; i++) sum += id.charCodeAt(i);
  return sum % REFUSED === 0;
}

function resultOf([all, refusing]: readonly Line[]): PartResult {
  if (all === undefined || refusing === undefined) throw new Error("nothing was measured");
  const ratio = ratioOf(refusing.rates, all.rates);
  return {
    tables: [
      {
        title: "Refused one by one: new events a second",
        columns: ["destination", "events/s", "further tries an event", "/ takes all"],
        rows: [all, refusing].map((line) => [
          line.name,
          spread(figureOf(line.rates)),
          digits(figureOf(line.again).median),
          line === all ? "1" : spread(ratio),
        ]),
        notes: [`One event a POST, ${CONCURRENCY} at once.`],
      },
    ],
    charts: [],
    targets: [
      {
        what: `new events a second, where one in ${REFUSED} is refused / where none is`,
        got: ratio.median,
        bound: { least: 0.85 },
        unit: "",
      },
    ],
    data: { lines: [all, refusing] },
  };
}
