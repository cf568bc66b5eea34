// What an event takes on disk, with everything that is stored for it: the demo's traffic of all providers goes in by
// Tidings' own doors, then the pages of the file are counted.

import type { Progress } from "../../../src/cli/progress.ts";
import { DEMO_VARIABLES } from "../../../src/demo/demo-settings.ts";
import { parseEnv } from "node:util";
import { readPages, type Pages, type Tree } from "../bytes/trees.ts";
import { firstRequests, signed } from "../bytes/traffic.ts";
import { tidingsBindings } from "../candidates.ts";
import { digits } from "../figures.ts";
import type { Posted } from "../labs/bytes.ts";
import type { PartResult, Target } from "../results.ts";
import { askLab, start, type Running } from "../runtime.ts";
import { schema } from "../store-lab.ts";

/** Messages that the queue hands over at once. */
const TOGETHER = 100;
/** Tables whose rows are about single events and mails. All others share their rows between many events. */
const OF_EVENTS: ReadonlySet<string> = new Set(["event_rows", "feed", "message_rows"]);
/** What these three took before an event was one row, bytes an event. */
const BEFORE = 470;
/** Trees with a smaller share of the file are told together. */
const SMALL = 0.01;

export async function bytes(quick: boolean, progress: Progress): Promise<PartResult> {
  const events = quick ? 20_000 : 100_000;
  progress.show(0, events, "making the traffic");
  const requests = firstRequests(events, Date.now());
  progress.show(0, events, "starting the runtime");
  const lab = await startBytesLab();
  for (let first = 0; first < requests.length; first += TOGETHER) {
    const posted: Posted[] = requests
      .slice(first, first + TOGETHER)
      .map((request) => signed(request, Date.now()));
    await askLab<null>(lab, "/store", posted);
    progress.show(first, requests.length, "requests");
  }
  const stored = await askLab<{ events: number }>(lab, "/count", null);
  if (stored.events !== events) throw new Error(`${stored.events} events were stored of ${events}`);
  let pages: Pages | null = null;
  await lab.stop((folder) => void (pages = readPages(folder)));
  return resultOf(pages ?? { trees: [], free: NaN, file: NaN }, events, quick);
}

async function startBytesLab(): Promise<Running> {
  const variables = parseEnv(DEMO_VARIABLES);
  const lab = await start({
    entry: "test/bench/labs/bytes.ts",
    env: {
      ...tidingsBindings(),
      SOURCES: { type: "json", value: JSON.parse(variables["SOURCES"] ?? "{}") },
      SOURCE_CREDENTIALS: { type: "text", value: variables["SOURCE_CREDENTIALS"] ?? "{}" },
      SCHEMA: { type: "json", value: schema() },
    },
    objects: ["Contact"],
  });
  await askLab<null>(lab, "/schema", null);
  return lab;
}

function resultOf({ trees, free, file }: Pages, events: number, quick: boolean): PartResult {
  const isLarge = (tree: Tree): boolean => tree.bytes / file >= SMALL;
  const large = trees.filter(isLarge);
  const small = together(trees.filter((tree) => !isLarge(tree)));
  const whole = together(trees);
  const own = together(trees.filter(({ table }) => OF_EVENTS.has(table)));
  const each = (size: number): string => (size / events).toFixed(1);
  const row = (name: string, { entries, bytes, empty }: Omit<Tree, "name" | "table">): string[] => [
    name,
    entries.toLocaleString("en-US"),
    each(bytes),
    each(bytes - empty),
    bytes === 0 ? "" : `${(100 * (1 - empty / bytes)).toFixed(0)} %`,
  ];
  const targets: Target[] = [
    {
      what: `bytes an event in events, feed and messages / ${BEFORE} as it was`,
      got: own.bytes / events / BEFORE,
      bound: { most: 0.65 },
      unit: "",
    },
  ];
  // A small run's counters have nearly as many cells, and fewer events to share them.
  const all = { what: "bytes an event with everything", got: file / events, bound: { most: 300 }, unit: "" };
  return {
    tables: [
      {
        title: `Bytes an event: ${events.toLocaleString("en-US")} events of all providers within two days`,
        columns: ["table or index", "entries", "bytes an event", "of these used", "pages full"],
        rows: [
          ...large.map((tree) => row(nameOf(tree), tree)),
          row(`${trees.length - large.length} others`, small),
          ["free pages", "", each(free), "", ""],
          row("events, feed and messages, with indexes", own),
          ["the whole file", "", each(file), each(whole.bytes - whole.empty), ""],
        ],
        notes: [
          "Used: without the empty part of pages. Ids come in no order, so the pages of events split, as an index's do.",
          `A database of 10 GB is 95 % full with ${digits((9.5e9 / file) * events)} such events.`,
        ],
      },
    ],
    charts: [
      {
        name: "bytes",
        title: `Bytes an event, ${events.toLocaleString("en-US")} stored`,
        axis: "bytes",
        groups: large.map((tree) => ({
          label: nameOf(tree),
          bars: [
            { series: "pages", value: tree.bytes / events },
            { series: "of these used", value: (tree.bytes - tree.empty) / events },
          ],
        })),
      },
    ],
    targets: quick ? targets : [...targets, all],
    data: { events, trees, free, file },
  };
}

const nameOf = ({ name, table }: Tree): string => (name === table ? name : `${name}, of ${table}`);

function together(trees: readonly Tree[]): Pick<Tree, "entries" | "bytes" | "empty"> {
  const sum = (of: (tree: Tree) => number): number => trees.reduce((total, tree) => total + of(tree), 0);
  return { entries: sum((t) => t.entries), bytes: sum((t) => t.bytes), empty: sum((t) => t.empty) };
}
