// Storing: events per second from the queue to D1, in slices of 1,000 as a busy queue brings them: twenty POSTs of 50 for
// Tidings, ten batches of 100 messages for the tutorial. The candidates take turns in one runtime. Express stores while
// the sender waits, so its figure is what one gets by posting.

import type { Progress } from "../../../src/cli/progress.ts";
import { startExpress } from "../candidates.ts";
import { array, BEGAN, KINDS, mailjetJson, type EventPlan } from "../events.ts";
import { digits, figureOf, inTurns, ratioOf, spread } from "../figures.ts";
import { saturate } from "../load.ts";
import type { PartResult } from "../results.ts";
import { measureTogether } from "../store/together.ts";
import { startStoreLab, storeOnce } from "../store-lab.ts";
import { WORKS } from "../works.ts";

const CANDIDATES = ["floor", "tidings", "tutorial"] as const;
type Name = (typeof CANDIDATES)[number] | "express";

interface Shape {
  name: string;
  /** Events in a slice. */
  slice: number;
  /** Events of one contact in a slice. */
  perContact: number;
  /** Whether the contacts are new with every slice. */
  fresh: boolean;
  /** Share of a slice that was stored before. */
  repeats: number;
}

const ONE = { name: "1 event a contact, known", slice: 1_000, perContact: 1, fresh: false, repeats: 0 };
const FIVE = { ...ONE, name: "5 events a contact, known", perContact: 5 };
const SHAPES: readonly Shape[] = [
  ONE,
  FIVE,
  // Fewer at once, because locally each new object holds some files open for a while, and there is a limit to these.
  { ...ONE, name: "1 event a contact, new", slice: 100, fresh: true },
  { ...ONE, name: "1 event a contact, known, half repeats", repeats: 0.5 },
];

interface Line {
  shape: string;
  candidate: Name;
  perSecond: number[];
}

export async function store(quick: boolean, progress: Progress): Promise<PartResult> {
  const rounds = quick ? 3 : 11;
  const lines: Line[] = [];
  let done = 0;
  const total = SHAPES.length * (rounds + 1);
  for (const [place, shape] of SHAPES.entries()) {
    const lab = await startStoreLab();
    const own = CANDIDATES.map((candidate) => ({ shape: shape.name, candidate, perSecond: [] as number[] }));
    // Round -1 makes the contacts known and lets the compiler see it all.
    for (let round = -1; round < rounds; round++) {
      const plans = sliceOf(shape, place, round + 1);
      const repeats = round < 0 ? 0 : shape.repeats;
      for (const line of inTurns(own, round)) {
        const timing = await storeOnce(lab, line.candidate, plans, plans.length * (1 - repeats));
        if (round >= 0) line.perSecond.push((plans.length / timing.ms) * 1000);
      }
      progress.show(++done, total, shape.name);
    }
    lines.push(...own);
    await lab.stop();
  }
  lines.push(...(await postToExpress(quick, progress)));
  const [whole, together] = [resultOf(lines), await measureTogether(quick, progress)];
  return {
    tables: [...whole.tables, ...together.tables],
    charts: whole.charts,
    targets: [...whole.targets, ...together.targets],
    data: { lines, together: together.data },
  };
}

/** The events of a slice. With repeats, each slice begins with the last ones of the slice before. */
function sliceOf({ slice, perContact, fresh, repeats }: Shape, place: number, round: number): EventPlan[] {
  const began = round * slice * (1 - repeats);
  const contacts = slice / perContact;
  return Array.from({ length: slice }, (_, i) => {
    const n = began + i;
    const contact = fresh ? n : n % contacts;
    const kind = KINDS[Math.floor(n / contacts) % KINDS.length] ?? "sent";
    return { kind, mail: place * 1_000_000 + n, contact: place * 100_000 + contact, time: BEGAN + (n % 600) };
  });
}

async function postToExpress(quick: boolean, progress: Progress): Promise<Line[]> {
  const [rounds, duration] = quick ? [2, 400] : [5, 1_500];
  const express = await startExpress();
  const [, work] = WORKS;
  const lines: Line[] = [];
  let done = 0;
  if (work === undefined) return lines;
  const { headers } = work.make();
  for (const [place, shape] of SHAPES.entries()) {
    const line: Line = { shape: shape.name, candidate: "express", perSecond: [] };
    let made = 0;
    // The same slices, cut into POSTs of 50.
    const next = () => {
      const posts = shape.slice / work.events;
      const first = (made % posts) * work.events;
      const slice = sliceOf(shape, 10 + place, Math.floor(made / posts));
      const part = slice.slice(first, first + work.events);
      made += 1;
      return { body: Buffer.from(array(part.map(mailjetJson))) };
    };
    for (let round = 0; round < rounds; round++) {
      const url = new URL(work.path, express.url);
      const result = await saturate({ url, connections: work.connections, duration, headers, next });
      line.perSecond.push((result.acknowledged * work.events * 1000) / result.elapsed);
      progress.show(++done, SHAPES.length * rounds, `${shape.name}: Express`);
    }
    lines.push(line);
  }
  await express.stop();
  return lines;
}

function resultOf(lines: readonly Line[]): Omit<PartResult, "data"> {
  const perSecond = (shape: Shape, candidate: Name): number[] =>
    lines.find((line) => line.shape === shape.name && line.candidate === candidate)?.perSecond ?? [];
  const ratio = (shape: Shape, to: Name) => ratioOf(perSecond(shape, "tidings"), perSecond(shape, to));
  const names: Name[] = [...CANDIDATES, "express"];
  return {
    tables: [
      {
        title: "Storing: events per second from the queue to D1, slices of 1,000 (new contacts: 100)",
        columns: ["slice", ...names, "Tidings / floor", "Tidings / tutorial"],
        rows: SHAPES.map((shape) => [
          shape.name,
          ...names.map((name) => spread(figureOf(perSecond(shape, name)))),
          digits(ratio(shape, "floor").median),
          digits(ratio(shape, "tutorial").median),
        ]),
        notes: [
          "The floor neither parses nor decides: a bare call per contact that writes a row, and the same rows in bulk.",
          "Express: by HTTP, POSTs of 50, into a local file, answered before the disk has it.",
        ],
      },
    ],
    charts: [
      {
        name: "events",
        title: "Events per second from the queue to D1",
        axis: "events/s",
        log: true,
        groups: SHAPES.map((shape) => ({
          label: shape.name,
          bars: names.map((series) => {
            const { median, least, most } = figureOf(perSecond(shape, series));
            return { series, value: median, least, most };
          }),
        })),
      },
    ],
    targets: [
      {
        what: "events/s queue to D1, one event per contact, Tidings / tutorial",
        got: ratio(ONE, "tutorial").median,
        bound: { least: 3 },
        unit: "",
      },
      {
        what: "the same with five events per contact",
        got: ratio(FIVE, "tutorial").median,
        bound: { least: 8 },
        unit: "",
      },
      {
        what: "events/s queue to D1, Tidings / the floor",
        got: ratio(ONE, "floor").median,
        bound: { least: 0.6 },
        unit: "",
      },
    ],
  };
}
