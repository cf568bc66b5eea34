// What Cloudflare asks for, beyond what the plan includes (Workers Paid, November 2026). Storage by the month is not in it.
// https://developers.cloudflare.com/workers/platform/pricing/ and the pricing pages of queues, durable-objects, d1 and r2.

import type { Counts } from "./labs/counted.ts";

/** Dollars for one; `ms` is CPU time. */
export const PRICES: Record<keyof Counts, number> = {
  requests: 0.3 / 1e6,
  queueOperations: 0.4 / 1e6,
  objectRequests: 0.15 / 1e6,
  objectRows: 1 / 1e6,
  d1RowsWritten: 1 / 1e6,
  d1RowsRead: 0.001 / 1e6,
  r2Writes: 4.5 / 1e6,
  r2Reads: 0.36 / 1e6,
  ms: 0.02 / 1e6,
};

/** A Durable Object is billed for 128 MB as long as it works, in GB-seconds. */
const DOLLARS_PER_GB_SECOND = 12.5 / 1e6;
const OBJECT_GB = 0.128;

/** Objects work while their consumer runs, and not all of that time: its ms bound theirs from above. */
export function durationDollars(ms: number): number {
  return (ms / 1000) * OBJECT_GB * DOLLARS_PER_GB_SECOND;
}
