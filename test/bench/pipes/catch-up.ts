// Catching up: how fast a pipe that is far behind gets rid of what it has to pass on, against how fast its destination takes
// the same requests from a loop that does nothing but send them. Both run in the same runtime and take turns: the pipe is
// paused while the loop sends. What it holds in memory meanwhile is watched.

import type { Progress } from "../../../src/cli/progress.ts";
import { fill } from "../filled.ts";
import { digits, figureOf, ratioOf, spread } from "../figures.ts";
import { heldMemory, watchMemory } from "../memory.ts";
import type { PartResult } from "../results.ts";
import { askLab, type Running } from "../runtime.ts";
import type { Sending } from "../labs/pipes.ts";
import {
  healthOf,
  makePipe,
  pausePipe,
  removePipe,
  resumePipe,
  SIGNING_SECRET,
  startPipeLab,
} from "./lab.ts";
import { makeStore, startReceiver, type Receiver, type Taken } from "./receiver.ts";

/** Events that are not timed after a pause: as many as a pipe reads at once, for these wait for being read. */
const FIRST = { single: 1_000, batch: 3_200 };

interface Way {
  name: string;
  batch: boolean;
  concurrency: number;
  /** What the destination does before it answers. */
  does: "nothing" | "stores" | "waits";
}

const WAYS: readonly Way[] = [
  { name: "one event a POST, 4 at once", batch: false, concurrency: 4, does: "nothing" },
  { name: "one event a POST, 16 at once", batch: false, concurrency: 16, does: "nothing" },
  { name: "100 events a POST, 4 at once: verified and stored", batch: true, concurrency: 4, does: "stores" },
  { name: "100 events a POST, 4 at once: answered after 20 ms", batch: true, concurrency: 4, does: "waits" },
  { name: "100 events a POST, 4 at once: dropped", batch: true, concurrency: 4, does: "nothing" },
];

/**
 * Whether the pipe is held to the bound: not against a destination that drops whole batches unread, whose speed is that of
 * the loopback and nobody's own.
 */
const isBound = ({ batch, does }: Way): boolean => !batch || does !== "nothing";

export interface Scale {
  /** Events that a pipe is behind. */
  behind: number;
  rounds: number;
  /** Events that are timed in a round, by whether they go in batches. */
  single: number;
  batch: number;
}

interface Line {
  way: Way;
  /** Events a second, a round each. */
  pipe: number[];
  own: number[];
  bytes: number;
}

interface Heap {
  first: number;
  last: number;
  samples: number[];
}

export async function measureCatchUp(scale: Scale, progress: Progress): Promise<PartResult> {
  const lab = await startPipeLab({ counted: false });
  await fill(lab, "small", scale.behind, Math.min(100_000, scale.behind / 10), progress);
  const lines: Line[] = [];
  let heap: Heap | null = null;
  for (const way of WAYS) {
    const measured = await measureWay(lab, way, scale, progress);
    lines.push(measured.line);
    heap = measured.heap ?? heap;
  }
  await lab.stop();
  if (heap === null) throw new Error("nobody looked at the heap");
  return resultOf(scale, lines, heap);
}

async function measureWay(
  lab: Running,
  way: Way,
  { behind, rounds, single, batch }: Scale,
  progress: Progress,
): Promise<{ line: Line; heap: Heap | null }> {
  const { name, concurrency } = way;
  const store = way.does === "stores" ? makeStore(SIGNING_SECRET) : null;
  const receiver = await startReceiver({
    delay: way.does === "waits" ? 20 : 0,
    ...(store === null ? {} : { take: (taken: Taken) => store.take(taken) }),
  });
  const each = way.batch ? 100 : 1;
  const [first, timed] = way.batch ? [FIRST.batch, batch] : [FIRST.single, single];
  const [skip, count] = [first / each, timed / each];
  const line: Line = { way, pipe: [], own: [], bytes: 0 };
  const perSecond = (ms: number): number => (count * each * 1000) / ms;
  const held = async (): Promise<number> =>
    lab.inspector === null
      ? 0
      : await heldMemory(lab.inspector, async () => await askLab(lab, "/bare", null));
  const before = await held();
  const watch = way.batch && lab.inspector !== null ? watchMemory(lab.inspector) : null;
  const id = await makePipe(lab, {
    name: "behind",
    url: receiver.url,
    batch: way.batch,
    concurrency,
    start: "beginning",
  });
  // The first round lets the compiler see it all.
  for (let round = -1; round < rounds; round++) {
    store?.empty();
    if (round > -1) await resumePipe(lab, id);
    const pipe = perSecond(await receiver.time(skip, count));
    await pausePipe(lab, id);
    await receiver.still();
    store?.empty();
    const sending = sendingOf(receiver, concurrency, skip + count);
    const sent = receiver.time(skip, count);
    await askLab<null>(lab, "/send", sending);
    const own = perSecond(await sent);
    if (round > -1) {
      line.pipe.push(pipe);
      line.own.push(own);
    }
    line.bytes = sending.body.length;
    progress.show(round + 2, rounds + 1, name);
  }
  if (watch === null) {
    await removePipe(lab, id);
    await receiver.stop();
    return { line, heap: null };
  }
  // Batched, it goes on to the end.
  await resumePipe(lab, id);
  for (let left = behind; left > 0;) {
    await receiver.still();
    const { behind: now, delivered, waiting } = await healthOf(lab, id);
    if (now === 0 && (delivered !== behind || waiting > 0))
      throw new Error(`delivered ${delivered} events of ${behind}`);
    left = now;
    progress.show(behind - left, behind, name);
  }
  watch.stop();
  const heap = { first: before, last: await held(), samples: watch.samples };
  await removePipe(lab, id);
  await receiver.stop();
  return { line, heap };
}

const NOT_REPEATED = /^(host|connection|content-length|transfer-encoding)$/;

/** The pipe's own latest request. */
function sendingOf(receiver: Receiver, concurrency: number, requests: number): Sending {
  const latest = receiver.latest();
  if (latest === null) throw new Error("nothing was received");
  const headers = Object.entries(latest.headers).filter(([name]) => !NOT_REPEATED.test(name));
  return {
    url: receiver.url,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
    body: latest.body.toString(),
    requests,
    concurrency,
  };
}

const MB = 1e6;

function resultOf({ behind }: Scale, lines: readonly Line[], heap: Heap): PartResult {
  const third = Math.floor(heap.samples.length / 3);
  const [early, late] = [heap.samples.slice(0, third), heap.samples.slice(-third)].map((some) =>
    Math.max(...some),
  );
  return {
    tables: [
      {
        title: `Catching up: events a second by a pipe ${behind.toLocaleString("en-US")} events behind, and by a loop that only sends`,
        columns: ["webhook", "bytes a request", "pipe", "loop: the destination's own", "pipe / loop"],
        rows: lines.map(({ way, bytes, pipe, own }) => [
          way.name,
          bytes.toLocaleString("en-US"),
          spread(figureOf(pipe)),
          spread(figureOf(own)),
          spread(ratioOf(pipe, own)),
        ]),
        notes: [
          `The heap holds ${digits(heap.first / MB)} MB before and ${digits(heap.last / MB)} after catching up in batches; at most it had ${digits((early ?? 0) / MB)} MB in the first third of the time and ${digits((late ?? 0) / MB)} in the last.`,
        ],
      },
    ],
    charts: [
      {
        name: "catch-up",
        title: `Catching up, ${behind.toLocaleString("en-US")} events behind`,
        axis: "events/s",
        log: true,
        groups: lines.map(({ way, pipe, own }) => ({
          label: way.name,
          bars: (
            [
              ["pipe", pipe],
              ["the destination's own", own],
            ] as const
          ).map(([series, values]) => {
            const { median, least, most } = figureOf(values);
            return { series, value: median, least, most };
          }),
        })),
      },
    ],
    targets: [
      ...lines
        .filter(({ way }) => isBound(way))
        .map(({ way, pipe, own }) => ({
          what: `catching up / the destination's own speed: ${way.name}`,
          got: ratioOf(pipe, own).median,
          bound: { least: 0.5 },
          unit: "",
        })),
      {
        what: "heap held after catching up / before",
        got: heap.last / heap.first,
        bound: { most: 1.25 },
        unit: "",
      },
    ],
    data: { lines, heap },
  };
}
