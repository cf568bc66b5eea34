// Rebuilding a database that was lost from the archive: how fast it goes, against storing the same deliveries for the
// first time, and what it holds in memory. The contacts' objects are still there, as after the loss of a database.

import type { Progress } from "../../../src/cli/progress.ts";
import { BEGAN, KINDS, type EventPlan } from "../events.ts";
import { digits, figureOf } from "../figures.ts";
import { heldMemory, watchMemory } from "../memory.ts";
import type { PartResult } from "../results.ts";
import { askLab, type Running } from "../runtime.ts";
import { SLICE, startStores } from "./lab.ts";
import type { Rebuilt, Storing, Taken } from "./questions.ts";
import { tablesOf } from "./tables.ts";

/** A request works for 20 seconds; whoever waits for it looks how far it has come. */
const LOOK_EVERY = 1_000; // ms
const MOST_REQUESTS = 60;
/** Slices that are stored and rebuilt before the clock runs: they make the contacts known. */
const FIRST = KINDS.length;

type Request = Taken & { result: Rebuilt };

interface Measured {
  stored: Taken[];
  rebuilt: Request[];
  /** Bytes of the heap: what is held before and after, and the most in use meanwhile. */
  heap: { first: number; last: number; most: number };
}

/** `slices`: of a thousand events each, of which the database is lost. */
export async function measureRebuild(slices: number, progress: Progress): Promise<PartResult> {
  const lab = await startStores();
  const { inspector } = lab;
  if (inspector === null) throw new Error("the runtime listens to no debugger");
  await storeAll(lab, { from: 0, to: FIRST }, progress);
  await rebuildAll(lab, FIRST * SLICE, progress); // loads what it needs, and lets the compiler see it all
  const stored = await storeAll(lab, { from: FIRST, to: FIRST + slices }, progress);
  const held = async (): Promise<number> =>
    await heldMemory(inspector, async () => await askLab<Taken>(lab, "/bare", { store: "small" }));
  const first = await held();
  const memory = watchMemory(inspector);
  const rebuilt = await rebuildAll(lab, slices * SLICE, progress);
  memory.stop();
  const heap = { first, last: await held(), most: Math.max(first, ...memory.samples) };
  await lab.stop();
  return resultOf({ stored, rebuilt, heap });
}

async function storeAll(
  lab: Running,
  { from, to }: { from: number; to: number },
  progress: Progress,
): Promise<Taken[]> {
  const stored: Taken[] = [];
  for (let slice = from; slice < to; slice++) {
    const now = Date.now();
    const storing: Storing = { store: "small", now, receivedAt: now, plans: plansOf(slice) };
    stored.push(await askLab<Taken>(lab, "/store", storing));
    progress.show(slice + 1, to, "storing what will be lost");
  }
  return stored;
}

/** A kind of report of a thousand mails; three slices are all that is told of them. */
function plansOf(slice: number): EventPlan[] {
  return Array.from({ length: SLICE }, (_, i) => ({
    kind: KINDS[slice % KINDS.length] ?? "sent",
    mail: 80_000_000 + Math.floor(slice / KINDS.length) * SLICE + i,
    contact: 5_000_000 + i,
    time: BEGAN + slice * 3_600 + (i % 600),
  }));
}

async function rebuildAll(lab: Running, events: number, progress: Progress): Promise<Request[]> {
  const requests: Request[] = [];
  while (requests.length < MOST_REQUESTS) {
    const look = async (): Promise<void> =>
      progress.show(await askLab<number>(lab, "/rebuilding", null), events, "rebuilding");
    const looking = setInterval(() => void look().catch(() => undefined), LOOK_EVERY);
    const request = await askLab<Request>(lab, "/rebuild", null).finally(() => clearInterval(looking));
    requests.push(request);
    const { status, restored, skipped } = request.result;
    if (status !== "done") continue;
    if (restored.events !== events || skipped > 0)
      throw new Error(`${restored.events} events were restored of ${events}, ${skipped} objects skipped`);
    return requests;
  }
  throw new Error("the rebuild did not end");
}

const MB = 1e6;

function resultOf({ stored, rebuilt, heap }: Measured): PartResult {
  const sum = (of: (request: Request) => number): number =>
    rebuilt.reduce((total, one) => total + of(one), 0);
  const { deliveries = 0, events = 0, objects = 0 } = rebuilt.at(-1)?.result.restored ?? {};
  const seconds = sum(({ ms }) => ms) / 1_000;
  const first = (SLICE * 1_000) / figureOf(stored.map(({ ms }) => ms)).median;
  const pace = events / seconds / first;
  const each = (of: (request: Taken) => number): string => digits(sum(of) / events);
  return {
    tables: [
      {
        title: "Rebuilding a lost database from the archive",
        columns: [
          "events",
          "deliveries/s",
          "events/s",
          "storing, events/s",
          "rebuilding / storing",
          "D1 rows written an event",
          "read",
          "object rows",
          "object calls",
        ],
        rows: [
          [
            events.toLocaleString("en-US"),
            digits(deliveries / seconds),
            digits(events / seconds),
            digits(first),
            digits(pace),
            each(({ counts }) => counts.d1RowsWritten),
            each(({ counts }) => counts.d1RowsRead),
            each(({ counts }) => counts.objectRows),
            each(({ counts }) => counts.objectRequests),
          ],
        ],
        notes: [
          `${objects} objects of the archive, of which ${FIRST} are stored already; ${rebuilt.length} requests. The contacts' objects are still there.`,
          `The heap holds ${digits(heap.first / MB)} MB before and ${digits(heap.last / MB)} after it, and had at most ${digits(heap.most / MB)} (an isolate has 128).`,
        ],
      },
      tablesOf("D1 rows written per rebuilt event, by table", [{ name: "rebuilt", taken: rebuilt, events }]),
    ],
    charts: [],
    targets: [
      {
        what: "rebuilding from the archive, events/s to storing",
        got: pace,
        bound: { least: 0.5 },
        unit: "",
      },
      {
        what: "heap held after a rebuild / before",
        got: heap.last / heap.first,
        bound: { most: 1.25 },
        unit: "",
      },
    ],
    data: { stored, rebuilt, heap },
  };
}
