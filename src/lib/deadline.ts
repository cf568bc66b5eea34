// Deadlines for calls. A call that does not settle in time is treated as failed: senders hang up, and one hung call
// must not hold up a whole batch.

import { outageOf } from "./outage.ts";

/**
 * Settles like `work`, or rejects after `ms` milliseconds with an outage of `what`, such as "the queue". `work` is not
 * cancelled then, but its late result is ignored.
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(outageOf(what, new Error(`no answer within ${ms} ms`))), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
