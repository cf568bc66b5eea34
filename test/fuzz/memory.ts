// The memory of the Worker's processes, watched from outside: what a run leaks shows as growth after the warm-up.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fail, ok, type Result } from "../../src/model/result.ts";

const run = promisify(execFile);

const EVERY = 500; // ms
/** About two minutes: the Worker's memory rises through its first thousands of requests, and fewer samples say nothing. */
const FEWEST = 240;
/**
 * How much the last quarter's median may be over the second's. This finds large leaks only: the figure was chosen after
 * looking at runs, which all rose, and a Worker that does nothing rises as well under the same traffic, in the local runtime.
 * Where the rest of the rise comes from is not known, so a run that passes does not show that nothing leaks.
 */
const SLACK = 1.25;
const SLACK_BYTES = 96e6;

export interface MemoryWatch {
  stop(): void;
  /** Bytes, in order. */
  samples: number[];
  /** Whether the processes were ever seen: not where there is no `ps`. */
  process(): "alive" | "gone" | "unknown";
}

/**
 * Samples the resident memory of the Worker's process. wrangler starts two of that name below this process; the other only
 * passes requests on, and is much smaller than the one that holds the Worker, its objects and its database.
 */
export function watchMemory(): MemoryWatch {
  const samples: number[] = [];
  let state: "alive" | "gone" | "unknown" = "unknown";
  const look = async (): Promise<void> => {
    const bytes = await residentBytes().catch(() => null);
    if (bytes === null) return;
    if (bytes > 0) samples.push(bytes);
    state = bytes > 0 ? "alive" : "gone";
  };
  const timer = setInterval(() => void look(), EVERY);
  return { samples, stop: () => clearInterval(timer), process: () => state };
}

async function residentBytes(): Promise<number> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,rss=,comm="], { maxBuffer: 16e6 });
  const rows = stdout.split("\n").flatMap((line) => {
    const [, pid, parent, kilobytes, name] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), bytes: Number(kilobytes) * 1024, name }];
  });
  const ours = new Set([process.pid]);
  // Parents may stand behind their children, so go on until nothing is found any more.
  for (let size = 0; size < ours.size;) {
    size = ours.size;
    for (const { pid, parent } of rows) if (ours.has(parent)) ours.add(pid);
  }
  const own = rows.filter(({ pid, name }) => ours.has(pid) && /workerd/.test(name));
  return Math.max(0, ...own.map(({ bytes }) => bytes));
}

export interface Growth {
  /** Medians of the second and the last quarter, bytes. */
  before: number;
  after: number;
}

/** How the memory grew; fails where there is too little to say so. */
export function growthOf(samples: readonly number[]): Result<Growth> {
  if (samples.length < FEWEST)
    return fail(
      `${samples.length} samples are too few; it takes --seconds ${(FEWEST * EVERY) / 1000 + 30} or more`,
    );
  const quarter = Math.floor(samples.length / 4);
  return ok({ before: median(samples.slice(quarter, 2 * quarter)), after: median(samples.slice(-quarter)) });
}

export function grewTooMuch({ before, after }: Growth): boolean {
  return after > before * SLACK && after > before + SLACK_BYTES;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
