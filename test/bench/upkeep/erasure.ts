// Erasing contacts: what it costs must depend on what there is of them, and on how many archive objects there are to look
// through, not on how many events the database holds.

import type { Progress } from "../../../src/cli/progress.ts";
import { digits, figureOf, inTurns, ratioOf } from "../figures.ts";
import type { PartResult } from "../results.ts";
import { askLab } from "../runtime.ts";
import { archived, msStored, nameOf, STORES, type Lab } from "./lab.ts";
import type { Erasing, Removed, Store, Taken } from "./questions.ts";
import { tablesOf } from "./tables.ts";

type Erased = Taken & { removed: Removed };

interface Line {
  store: Store;
  /** Events of the contact. */
  size: number;
  rounds: Erased[];
}

export async function measureErasure(all: Lab, progress: Progress): Promise<PartResult> {
  const { lab, scale, now } = all;
  const sizes = [0, ...scale.sizes];
  const lines = sizes.flatMap((size) => STORES.map((store): Line => ({ store, size, rounds: [] })));
  const bare: Record<Store, number[]> = { small: [], large: [] };
  for (let round = -1; round < scale.erased; round++) {
    for (const line of inTurns(lines, round)) {
      const { store, size } = line;
      if (round < 0 && size > 0) continue; // lets the compiler see it all
      for (let i = 0; i < BARE_EACH; i++)
        bare[store].push((await askLab<Taken>(lab, "/bare", { store })).database);
      const contact = nameOf(store, size, round < 0 ? scale.erased : round);
      const erased = await askLab<Erased>(lab, "/erase", { store, now, contact } satisfies Erasing);
      if (erased.removed.events !== size || erased.removed.claims !== size)
        throw new Error(`erased ${erased.removed.events} events and should have erased ${size}`);
      if (round >= 0) line.rounds.push(erased);
    }
    progress.show(round + 2, scale.erased + 1, "erasing");
  }
  return resultOf(all, lines, bare);
}

const BARE_EACH = 5;

function resultOf(all: Lab, lines: readonly Line[], bare: Record<Store, number[]>): PartResult {
  const of = (line: Line | undefined, figure: (erased: Erased) => number): number[] =>
    (line?.rounds ?? []).map(figure);
  const median = (line: Line | undefined, figure: (erased: Erased) => number): number =>
    figureOf(of(line, figure)).median;
  const find = (store: Store, size: number): Line | undefined =>
    lines.find((line) => line.store === store && line.size === size);
  const database = ({ database }: Erased): number => database;
  const walk = ({ ms, database }: Erased): number => ms - database;
  const read = ({ counts }: Erased): number => counts.d1RowsRead;
  const written = ({ counts }: Erased): number => counts.d1RowsWritten;
  const most = Math.max(...all.scale.sizes);
  const least = Math.min(...all.scale.sizes);
  /** Of what an erasure reads or writes in any case, which is what it does for a contact that nobody ever heard of. */
  const eachBeyond = (line: Line | undefined, figure: (erased: Erased) => number): number =>
    line === undefined ? NaN : (median(line, figure) - median(find(line.store, 0), figure)) / line.size;
  /** Looking through an event in the archive that is somebody else's, to storing one. */
  const passed = (store: Store): number =>
    median(find(store, 0), walk) / archived(all.scale, store) / figureOf(msStored(all, store)).median;
  const readsGrow = eachBeyond(find("large", most), read) / eachBeyond(find("large", least), read);
  const { filled } = all.scale;
  /** Both passes read every row, and the feed that names it: the address may stand in anybody's. */
  const readsOfStored =
    (median(find("large", most), read) - median(find("small", most), read)) / (filled.large - filled.small);
  const timeOfStore =
    ratioOf(of(find("large", most), database), of(find("small", most), database)).median /
    (all.scale.filled.large / all.scale.filled.small);
  return {
    tables: [
      {
        title: "Erasing a contact, from the call to the last look",
        columns: [
          "events stored, of the contact",
          "D1 rows written",
          "per event",
          "D1 rows read",
          "per event",
          "object rows",
          "archive objects rewritten",
          "of",
          "D1 time / SELECT 1",
          "the rest / storing an event",
        ],
        rows: lines.map((line) => {
          const { store, size } = line;
          return [
            `${all.scale.filled[store].toLocaleString("en-US")}, ${size}`,
            digits(median(line, written)),
            size === 0 ? "-" : digits(eachBeyond(line, written)),
            digits(median(line, read)),
            size === 0 ? "-" : digits(eachBeyond(line, read)),
            digits(median(line, ({ counts }) => counts.objectRows)),
            digits(median(line, ({ removed }) => removed.archive.objects_rewritten)),
            digits(median(line, ({ removed }) => removed.archive.objects_looked_at)),
            digits(median(line, database) / figureOf(bare[store]).median),
            digits(median(line, walk) / figureOf(msStored(all, store)).median),
          ];
        }),
        notes: [
          "Per event: beyond what it takes to erase a contact that nobody ever heard of. Ten events of a contact come in one delivery.",
          "The rest is mostly the walk through the whole archive, of which nobody can tell beforehand what names the contact:",
          `${STORES.map((store) => `${digits(passed(store) * 100)} %`).join(" and ")} of what storing all of its events takes.`,
        ],
      },
      tablesOf(
        `D1 rows written per erased event of a contact of ${most}, by table`,
        STORES.map((store) => ({
          name: `${all.scale.filled[store].toLocaleString("en-US")} stored`,
          taken: find(store, most)?.rounds ?? [],
          events: most * all.scale.erased,
        })),
      ),
    ],
    charts: [
      {
        name: "erasure",
        title: "D1 time of erasing a contact",
        axis: "ms",
        log: true,
        groups: lines.map((line) => {
          const { median, least, most } = figureOf(of(line, database));
          return {
            label: `${line.size} events, ${all.scale.filled[line.store].toLocaleString("en-US")} stored`,
            bars: [{ series: "D1", value: median, least, most }],
          };
        }),
      },
    ],
    targets: [
      {
        what: `D1 rows written per erased event, contact of ${most}`,
        got: eachBeyond(find("large", most), written),
        bound: { most: 2 },
        unit: "",
      },
      {
        what: `D1 rows read per erased event, contact of ${most} / of ${least}`,
        got: readsGrow,
        bound: { most: 1.5 },
        unit: "",
      },
      {
        what: "D1 rows read by an erasure for each further event that is stored",
        got: readsOfStored,
        bound: { most: 9 },
        unit: "",
      },
      {
        what: "D1 time of an erasure for each stored event, large store / small",
        got: timeOfStore,
        bound: { most: 1.5 },
        unit: "",
      },
      {
        what: "looking through an archived event / storing one",
        got: passed("large"),
        bound: { most: 0.03 },
        unit: "",
      },
    ],
    data: { lines, bare },
  };
}
