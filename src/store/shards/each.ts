// Work in several databases at once. An invocation has six connections to D1
// (https://developers.cloudflare.com/d1/platform/limits/), so no more than six are at work.

import { inPool } from "../../lib/pool.ts";
import { MINUTE } from "../../lib/time.ts";

/** How many databases are asked at the same time. */
export const AT_ONCE = 6;

/**
 * Does the work for every item, each by itself: one that fails holds up no other. Resolves to the answers, in order.
 * Rejects with the first failure once all others are done.
 */
export async function forEach<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const settled = await settleEach(items, work);
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}

/** The same, but a failure is an answer like others, and nothing rejects. */
export async function settleEach<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const settled: PromiseSettledResult<R>[] = [];
  await inPool([...items.entries()], { atOnce: AT_ONCE }, async ([index, item]) => {
    try {
      settled[index] = { status: "fulfilled", value: await work(item) };
    } catch (reason) {
      settled[index] = { status: "rejected", reason };
    }
  });
  return settled;
}

/**
 * Works in one database after the other, beginning with another one each minute, as long as `work` resolves to true: for
 * jobs whose run has a bounded share of work for all of them together. One that fails holds up no other. Rejects with the
 * first failure once all others are done. `now`: ms.
 */
export async function inTurns<T>(
  items: readonly T[],
  now: number,
  work: (item: T) => Promise<boolean>,
): Promise<void> {
  const start = Math.floor(now / MINUTE) % items.length;
  const order = [...items.slice(start), ...items.slice(0, start)];
  let failure: { error: unknown } | null = null;
  for (const item of order) {
    try {
      if (!(await work(item))) break;
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== null) throw failure.error;
}
