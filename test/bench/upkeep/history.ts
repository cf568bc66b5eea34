// Reading history anew: how fast the archive is read and compared, what a change costs that a mended parser brings, and
// whether a walk takes more memory the longer it goes on.

import type { Progress } from "../../../src/cli/progress.ts";
import { digits, figureOf, inTurns } from "../figures.ts";
import { heldMemory, watchMemory } from "../memory.ts";
import type { PartResult } from "../results.ts";
import { askLab } from "../runtime.ts";
import { msStored, SLICE, STORES, type Lab } from "./lab.ts";
import type { Mending, Reading, Step, Store, Taken } from "./questions.ts";

type Read = Taken & { result: Step };

/** What a mended parser may come to, written as other bodies; `rows`: D1 rows that a changed event may write. */
const CHANGES = [
  { name: "other details", find: '"geo":"CH"', replace: '"geo":"LI"', rows: 1.2 },
  { name: "another type", find: '"event":"open"', replace: '"event":"click"', rows: 1.2 },
  // The event, the contact, its suppression, and that in order of time.
  { name: "a complaint", find: '"event":"sent"', replace: '"event":"spam"', rows: 4.2 },
] as const;

interface Applied {
  name: string;
  store: Store;
  read: Read;
}

export async function measureHistory(all: Lab, seconds: number, progress: Progress): Promise<PartResult> {
  const { lab, readAt } = all;
  const range = { from: readAt - 1, to: readAt + 1 };
  const walked: Record<Store, number[]> = { small: [], large: [] };
  const total = all.scale.read * SLICE;
  if (lab.inspector === null) throw new Error("the runtime listens to no debugger");
  const read = async (store: Store, apply: boolean): Promise<Read> => {
    const answer = await askLab<Read>(lab, "/read", { store, ...range, apply } satisfies Reading);
    if (answer.result.events !== total || answer.result.next !== null)
      throw new Error(`read ${answer.result.events} events and should have read ${total}`);
    return answer;
  };
  for (const store of STORES) await read(store, false); // lets the compiler see it all
  const { inspector } = lab;
  const held = async () =>
    await heldMemory(inspector, async () => await askLab<Taken>(lab, "/bare", { store: "small" }));
  const first = await held();
  const memory = watchMemory(inspector);
  const began = performance.now();
  for (let round = 0; performance.now() - began < seconds * 1000 || round < ROUNDS; round++) {
    for (const store of inTurns(STORES, round)) {
      const { ms, result } = await read(store, false);
      if (result.changed + result.appeared + result.vanished > 0) throw new Error("nothing was mended yet");
      walked[store].push(ms / total);
    }
    progress.show(Math.min(seconds, (performance.now() - began) / 1000), seconds, "reading anew");
  }
  memory.stop();
  const heap = { first, last: await held(), most: Math.max(...memory.samples) };
  const applied: Applied[] = [];
  for (const { name, find, replace } of CHANGES)
    for (const store of STORES) {
      await askLab<null>(lab, "/mend", { store, ...range, find, replace } satisfies Mending);
      applied.push({ name, store, read: await read(store, true) });
      const { changed, appeared, vanished } = (await read(store, false)).result;
      if (changed + appeared + vanished > 0) throw new Error("what was applied is still different");
    }
  return resultOf(all, { walked, applied, heap });
}

const ROUNDS = 3;
const MB = 1e6;

interface Measured {
  /** ms an event, a walk each. */
  walked: Record<Store, number[]>;
  applied: Applied[];
  /** Bytes: what was held before and after all walks, and the most that was in use meanwhile. */
  heap: { first: number; last: number; most: number };
}

function resultOf(all: Lab, { walked, applied, heap }: Measured): PartResult {
  const stored = (store: Store): number => figureOf(msStored(all, store)).median;
  const pace = (store: Store): number => stored(store) / figureOf(walked[store]).median;
  const written = ({ read: { counts, result } }: Applied): number => counts.d1RowsWritten / result.changed;
  const walks = (walked.small.length + walked.large.length) * all.scale.read * SLICE;
  const name = (store: Store): string => `${all.scale.filled[store].toLocaleString("en-US")} stored`;
  return {
    tables: [
      {
        title: "Reading history anew",
        columns: [
          "store",
          "what",
          "events/s, to storing",
          "changed",
          "D1 rows written per changed event",
          "object rows",
          "time per changed event / storing one",
        ],
        rows: STORES.flatMap((store) => [
          [name(store), "dry run", digits(pace(store)), "0", "-", "-", "-"],
          ...applied.flatMap((one) => {
            if (one.store !== store) return [];
            const { ms, counts, result } = one.read;
            return [
              [
                name(store),
                one.name,
                digits((all.scale.read * SLICE * stored(store)) / ms),
                result.changed.toLocaleString("en-US"),
                digits(written(one)),
                digits(counts.objectRows / result.changed),
                digits(ms / result.changed / stored(store)),
              ],
            ];
          }),
        ]),
        notes: [
          "Each of the changes concerns a third of the events or two; all of them are read for it.",
          `Dry runs one after the other, ${walks.toLocaleString("en-US")} events: the heap holds ${digits(heap.first / MB)} MB before and ${digits(heap.last / MB)} after them, and had at most ${digits(heap.most / MB)}.`,
        ],
      },
    ],
    charts: [],
    targets: [
      { what: "events/s of a dry run / storing", got: pace("large"), bound: { least: 4 }, unit: "" },
      ...CHANGES.map(({ name, rows }) => ({
        what: `D1 rows written per changed event: ${name}`,
        got: Math.max(...applied.filter((one) => one.name === name).map(written)),
        bound: { most: rows },
        unit: "",
      })),
      {
        what: "heap held after reading anew / before",
        got: heap.last / heap.first,
        bound: { most: 1.25 },
        unit: "",
      },
    ],
    data: { walked, applied, heap },
  };
}
