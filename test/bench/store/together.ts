// What it makes of storing how many events come together: a thousand, as a busy queue brings them, ten, or each alone. It
// tells the time in D1 as D1 itself tells it, and the rows that it would bill, with the counters, which are written once
// for a thousand events however they come.

import type { Progress } from "../../../src/cli/progress.ts";
import { BEGAN, KINDS, type EventPlan } from "../events.ts";
import { digits, figureOf, inTurns, ratioOf, spread, type Figure } from "../figures.ts";
import type { Timing } from "../labs/store.ts";
import type { PartResult } from "../results.ts";
import { startStoreLab, storeOnce } from "../store-lab.ts";

const CANDIDATES = ["floor", "tidings"] as const;
type Name = (typeof CANDIDATES)[number];

interface Way {
  name: string;
  together: number;
  /** Events of a round. */
  round: number;
  /** D1 rows that an event may write. */
  rows: number;
}

const WAYS: readonly Way[] = [
  { name: "a thousand together", together: 1_000, round: 1_000, rows: 1.5 },
  { name: "ten together", together: 10, round: 250, rows: 1.8 },
  { name: "each alone", together: 1, round: 100, rows: 3.7 },
];

/** Whole thousands of each kind of report, so that their messages and what is counted are whole, too. */
const STORED = { full: 6_000, quick: 3_000 };

interface Line {
  way: Way;
  /** A value each round. */
  rounds: Record<Name, Timing[]>;
}

export async function measureTogether(quick: boolean, progress: Progress): Promise<PartResult> {
  const stored = quick ? STORED.quick : STORED.full;
  const lines: Line[] = [];
  for (const way of WAYS) {
    const lab = await startStoreLab();
    const line: Line = { way, rounds: { floor: [], tidings: [] } };
    // The first thousand makes the contacts known and lets the compiler see it all.
    const [first, last] = [-1_000 / way.round, stored / way.round];
    for (let round = first; round < last; round++) {
      const plans = plansOf(way, round - first);
      for (const candidate of inTurns(CANDIDATES, Math.abs(round))) {
        const timing = await storeOnce(lab, candidate, plans, plans.length, way.together);
        if (round >= 0) line.rounds[candidate].push(timing);
      }
      progress.show(round - first + 1, last - first, way.name);
    }
    lines.push(line);
    await lab.stop();
  }
  return resultOf(lines, stored);
}

/** The reports of as many mails as a round has events, a kind after the other and an hour apart: three rounds for all. */
function plansOf({ round: size }: Way, round: number): EventPlan[] {
  const day = Math.floor(round / KINDS.length);
  const kind = round % KINDS.length;
  return Array.from({ length: size }, (_, i) => ({
    kind: KINDS[kind] ?? "sent",
    mail: 70_000_000 + day * size + i,
    contact: 900_000 + i,
    time: BEGAN + day * 600 + kind * 3_600 + (i % 600),
  }));
}

function resultOf(lines: readonly Line[], stored: number): PartResult {
  const all = lines.map((line) => ({ ...line, ...figuresOf(line) }));
  return {
    tables: [
      {
        title: "Storing, by how many events come together: three events a mail, contacts known",
        columns: [
          "events",
          "events/s",
          "the floor's",
          "Tidings / floor",
          "ms inside of D1 for 1,000",
          "the floor's",
          "Tidings / floor",
          "D1 rows an event",
        ],
        rows: all.map(({ way, perSecond, inside, rows }) => [
          way.name,
          spread(figureOf(perSecond.tidings)),
          spread(figureOf(perSecond.floor)),
          digits(perSecond.ratio.median),
          digits(figureOf(inside.tidings).median),
          digits(figureOf(inside.floor).median),
          digits(inside.ratio.median),
          rows.toFixed(2),
        ]),
        notes: [
          `From the queue to D1, ${stored.toLocaleString("en-US")} events a way; a call of the consumer for as many as come together.`,
          "The floor: a bare call per contact that writes a row, and the same rows of events and messages in bulk.",
        ],
      },
    ],
    charts: [],
    targets: [
      ...all.map(({ way, rows }) => ({
        what: `D1 rows written an event, ${way.name}`,
        got: rows,
        bound: { most: way.rows },
        unit: "",
      })),
      ...all.slice(0, 1).map(({ way, inside }) => ({
        what: `time inside of D1, ${way.name}, Tidings / floor`,
        got: inside.ratio.median,
        bound: { most: 2 },
        unit: "",
      })),
    ],
    data: { lines },
  };
}

type Compared = Record<Name, number[]> & { ratio: Figure };

function figuresOf({ way, rounds }: Line): { perSecond: Compared; inside: Compared; rows: number } {
  const compare = (of: (timing: Timing) => number): Compared => {
    const [floor, tidings] = [rounds.floor.map(of), rounds.tidings.map(of)];
    return { floor, tidings, ratio: ratioOf(tidings, floor) };
  };
  const written = rounds.tidings.reduce((sum, { rows }) => sum + rows, 0);
  return {
    perSecond: compare(({ ms }) => (way.round * 1_000) / ms),
    inside: compare(({ duration }) => (duration * 1_000) / way.round),
    rows: written / (rounds.tidings.length * way.round),
  };
}
