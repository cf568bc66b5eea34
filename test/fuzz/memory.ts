// Whether the Worker's memory grew over a run. Leaked memory stays when garbage is collected, so the lowest reading of
// a period counts. The first quarter of a run does not count: modules are loaded when they are first used.

import { fail, ok, type Result } from "../../src/lib/result.ts";
import { EVERY } from "../bench/memory.ts";

const FEWEST = 1_200; // samples, four minutes
/**
 * How far the heap must fall in each of the two quarters, bytes: otherwise no garbage was collected there, and the
 * quarter proves nothing.
 */
const COLLECTED = 15e6;
/** How much higher the last quarter's lowest reading may be than the second's, bytes. */
const SLACK_BYTES = 6e6;

/** The memory at the beginning and at the end of a run. */
export interface Growth {
  /** The lowest readings of the second and of the last quarter, bytes. */
  before: number;
  after: number;
}

/** The growth of the memory; an error if there are too few samples. */
export function growthOf(samples: readonly number[]): Result<Growth> {
  if (samples.length < FEWEST)
    return fail(
      `${samples.length} samples are too few; it takes --seconds ${(FEWEST * EVERY) / 1000 + 30} or more`,
    );
  const quarter = samples.length >> 2;
  const [second, last] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
  if ([second, last].some((some) => longestFall(some) < COLLECTED))
    return fail(
      "garbage was not collected in the second and the last quarter of the run; it takes more requests",
    );
  return ok({ before: Math.min(...second), after: Math.min(...last) });
}

function longestFall(samples: readonly number[]): number {
  let highest = 0;
  let fall = 0;
  for (const bytes of samples) {
    highest = Math.max(highest, bytes);
    fall = Math.max(fall, highest - bytes);
  }
  return fall;
}

/** Whether the memory grew by more than the allowed slack. */
export function grewTooMuch({ before, after }: Growth): boolean {
  return after > before + SLACK_BYTES;
}
