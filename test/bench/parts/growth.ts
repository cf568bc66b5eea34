// Growth: what storing an event costs when the database holds ten thousand and when it holds a million. The same slices go
// through the whole consumer into both, in turns.

import type { Progress } from "../../../src/cli/progress.ts";
import { BEGAN, KINDS, type EventPlan } from "../events.ts";
import { fill } from "../filled.ts";
import { figureOf, inTurns, ratioOf, spread } from "../figures.ts";
import type { PartResult } from "../results.ts";
import { startStoreLab, storeOnce } from "../store-lab.ts";

const SLICE = 1_000;
const CONTACTS = 100_000;
/** Contacts of the slices; they lie all over the index. */
const MEASURED = 2_000;

interface Line {
  name: "tidings" | "large";
  /** µs an event, a round each: in the consumer, and of these in the database. */
  consumer: number[];
  database: number[];
}

export async function growth(quick: boolean, progress: Progress): Promise<PartResult> {
  const [small, large] = quick ? [2_000, 20_000] : [10_000, 1_000_000];
  const rounds = quick ? 4 : 60;
  const lab = await startStoreLab();
  await fill(lab, "small", small, small, progress);
  await fill(lab, "large", large, Math.min(CONTACTS, large / 10), progress);
  const lines: Line[] = (["tidings", "large"] as const).map((name) => ({
    name,
    consumer: [],
    database: [],
  }));
  for (let round = -2; round < rounds; round++) {
    for (const [place, line] of inTurns([...lines.entries()], round)) {
      const timing = await storeOnce(lab, line.name, sliceOf(place, round + 2), SLICE);
      if (round < 0) continue; // makes the contacts known
      line.consumer.push((timing.ms * 1000) / SLICE);
      line.database.push((timing.database * 1000) / SLICE);
    }
    progress.show(round + 3, rounds + 2, "storing slices");
  }
  await lab.stop();
  return resultOf(lines, [small, large]);
}

function sliceOf(place: number, round: number): EventPlan[] {
  return Array.from({ length: SLICE }, (_, i) => {
    const n = round * SLICE + i;
    const contact = (n % MEASURED) * Math.floor(CONTACTS / MEASURED);
    return {
      kind: KINDS[n % KINDS.length] ?? "sent",
      mail: (place + 5) * 1_000_000 + n,
      contact,
      time: BEGAN + (n % 600),
    };
  });
}

function resultOf([small, large]: Line[], sizes: readonly number[]): PartResult {
  if (small === undefined || large === undefined) throw new Error("nothing was measured");
  const grown = ratioOf(large.consumer, small.consumer);
  const inDatabase = ratioOf(large.database, small.database);
  return {
    tables: [
      {
        title: "Growth: µs an event in slices of 1,000, contacts known",
        columns: ["events stored", "consumer", "of these in D1"],
        rows: [
          ...[small, large].map(({ consumer, database }, i) => [
            (sizes[i] ?? 0).toLocaleString("en-US"),
            spread(figureOf(consumer)),
            spread(figureOf(database)),
          ]),
          ["ratio", spread(grown), spread(inDatabase)],
        ],
      },
    ],
    charts: [
      {
        name: "cost",
        title: "Storing an event, by how many are stored",
        axis: "µs an event",
        groups: [small, large].map((line, i) => ({
          label: `${(sizes[i] ?? 0).toLocaleString("en-US")} stored`,
          bars: (["consumer", "database"] as const).map((series) => {
            const { median, least, most } = figureOf(line[series]);
            return { series, value: median, least, most };
          }),
        })),
      },
    ],
    targets: [
      {
        what: `cost per event at ${sizes[1]?.toLocaleString("en-US")} stored / at ${sizes[0]?.toLocaleString("en-US")}`,
        got: grown.median,
        bound: { most: 1.15 },
        unit: "",
      },
    ],
    data: { lines: [small, large] },
  };
}
