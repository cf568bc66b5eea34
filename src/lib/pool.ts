// Works through a list with a bounded number of tasks in progress. Many calls at once hide their latency; the bound
// limits memory and connections. Once a task fails or the deadline passes, the caller repeats everything anyway, so no
// further task begins.

import { within } from "./deadline.ts";

/** How {@link inPool} works. */
export interface PoolRules {
  /** How many tasks may be in progress at once. */
  atOnce: number;
  /** The time that all tasks may take together, ms, and the service that is to blame if it passes ("the contacts"). */
  deadline?: { ms: number; of: string };
}

/**
 * Calls `work` with each item, in order, at most `atOnce` calls at a time. Resolves when all have resolved. Rejects with
 * the first failure, or with an outage when the deadline passes. Calls in progress then go on, but no other begins.
 */
export async function inPool<T>(
  items: readonly T[],
  { atOnce, deadline }: PoolRules,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  let ended = false;
  const worker = async (): Promise<void> => {
    for (const item of waiting) {
      if (ended) return;
      await work(item);
    }
  };
  const all = Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  try {
    await (deadline === undefined ? all : within(deadline.ms, deadline.of, all));
  } finally {
    ended = true;
  }
}
