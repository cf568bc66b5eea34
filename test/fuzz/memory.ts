// Whether the Worker's memory grew over a run. Leaked memory stays when garbage is collected, so the lowest reading of
// a period counts.

import { fail, ok, type Result } from "../../src/lib/result.ts";
import { EVERY } from "../bench/memory.ts";

const FEWEST = 600; // samples, two minutes
/**
 * How far the heap must fall in each half, bytes: otherwise no garbage was collected there, and the half proves
 * nothing.
 */
const COLLECTED = 15e6;
/** How much higher the second half's lowest reading may be than the first's, bytes. */
const SLACK_BYTES = 6e6;

/** The memory at the beginning and at the end of a run. */
export interface Growth {
  /** The lowest readings of the two halves, bytes. */
  before: number;
  after: number;
}

/** The growth of the memory; an error if there are too few samples. */
export function growthOf(samples: readonly number[]): Result<Growth> {
  if (samples.length < FEWEST)
    return fail(
      `${samples.length} samples are too few; it takes --seconds ${(FEWEST * EVERY) / 1000 + 30} or more`,
    );
  const middle = samples.length >> 1;
  const [first, second] = [samples.slice(0, middle), samples.slice(middle)];
  if ([first, second].some((half) => longestFall(half) < COLLECTED))
    return fail("garbage was not collected in both halves of the run; it takes more requests");
  return ok({ before: Math.min(...first), after: Math.min(...second) });
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
