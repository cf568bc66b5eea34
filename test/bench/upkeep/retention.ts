// Ending what is old enough: scheduled runs, each of which ends a bounded share, until nothing old is left.

import type { Progress } from "../../../src/cli/progress.ts";
import { digits, figureOf, inTurns } from "../figures.ts";
import type { PartResult } from "../results.ts";
import { askLab } from "../runtime.ts";
import { KEPT_DAYS, msStored, RETAINED_AT, SLICE, STORES, type Lab } from "./lab.ts";
import type { Running, Store, Taken } from "./questions.ts";
import { tablesOf } from "./tables.ts";

type Run = Taken & { ended: number };

/** What a run ends at most, whatever there is: a hundred events a second. */
const MOST_A_RUN = 6_000;
const DAY = 86_400_000;

interface Line {
  store: Store;
  runs: Run[];
  /** A run in which all that the store is filled with is old: events that lie thinly in time. */
  thin: Run[];
}

export async function measureRetention(all: Lab, progress: Progress): Promise<PartResult> {
  const old = all.scale.old * SLICE;
  const lines = STORES.map((store): Line => ({ store, runs: [], thin: [] }));
  const runs = Math.ceil(old / MOST_A_RUN);
  for (let round = 0; round < runs; round++) {
    for (const { store, runs } of inTurns(lines, round)) runs.push(await run(all, store, RETAINED_AT));
    progress.show(round + 1, runs + 1, "ending what is old");
  }
  for (const { store, runs, thin } of lines) {
    const ended = endedBy(runs);
    if (ended !== old) throw new Error(`${ended} events ended of ${old}`);
    thin.push(await run(all, store, RETAINED_AT + 100 * DAY));
  }
  progress.show(runs + 1, runs + 1, "ending what is old");
  return resultOf(all, lines);
}

async function run({ lab }: Lab, store: Store, now: number): Promise<Run> {
  return await askLab<Run>(lab, "/run", { store, now, eventsDays: KEPT_DAYS } satisfies Running);
}

const DENSE = "a thousand events in ten minutes";
const THIN = "all in a month";

const nameOf = (all: Lab, store: Store, words: string): string =>
  `${all.scale.filled[store].toLocaleString("en-US")} stored, ${words}`;

const endedBy = (runs: readonly Run[]): number => runs.reduce((sum, { ended }) => sum + ended, 0);

function resultOf(all: Lab, lines: readonly Line[]): PartResult {
  const each = (runs: readonly Run[], figure: (run: Run) => number): number =>
    runs.reduce((sum, run) => sum + figure(run), 0) / endedBy(runs);
  const written = (runs: readonly Run[]): number => each(runs, ({ counts }) => counts.d1RowsWritten);
  const read = (runs: readonly Run[]): number => each(runs, ({ counts }) => counts.d1RowsRead);
  const time = ({ store }: Line, runs: readonly Run[]): number =>
    each(runs, ({ ms }) => ms) / figureOf(msStored(all, store)).median;
  const [small, large] = lines;
  if (small === undefined || large === undefined) throw new Error("nothing was measured");
  const most = Math.max(...lines.flatMap(({ runs, thin }) => [...runs, ...thin].map(({ ended }) => ended)));
  const row = (line: Line, words: string, runs: readonly Run[]): string[] => [
    nameOf(all, line.store, words),
    digits(runs.length),
    runs.map(({ ended }) => ended.toLocaleString("en-US")).join(" "),
    digits(written(runs)),
    digits(read(runs)),
    digits(time(line, runs)),
  ];
  return {
    tables: [
      {
        title: "Ending what was kept for long enough, by scheduled runs",
        columns: [
          "store",
          "runs",
          "events ended by each",
          "D1 rows written per event",
          "D1 rows read per event",
          "time / storing an event",
        ],
        rows: lines.flatMap((line) => [row(line, DENSE, line.runs), row(line, THIN, line.thin)]),
        notes: [
          "How thinly events lie in time decides how many of them share a counter's cell, when they are stored as when they end.",
        ],
      },
      tablesOf(
        "D1 rows written per event that ends, by table",
        lines.flatMap(({ store, runs, thin }) => [
          { name: nameOf(all, store, DENSE), taken: runs, events: endedBy(runs) },
          { name: nameOf(all, store, THIN), taken: thin, events: endedBy(thin) },
        ]),
      ),
    ],
    charts: [],
    targets: [
      {
        what: "D1 rows written per event that ends",
        got: written(large.runs),
        bound: { most: 1.4 },
        unit: "",
      },
      {
        what: "ending an event / storing one",
        got: time(large, large.runs),
        bound: { most: 0.5 },
        unit: "",
      },
      {
        what: "D1 rows read per event that ends, large store / small",
        got: read(large.runs) / read(small.runs),
        bound: { most: 1.1 },
        unit: "",
      },
      { what: "events that one run ends", got: most, bound: { most: MOST_A_RUN }, unit: "" },
    ],
    data: { lines },
  };
}
