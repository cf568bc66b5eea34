// A promise that does not answer in time is treated as one that failed: senders hang up, and a hung call must not hold up
// a whole batch.

import { outageOf } from "./outage.ts";

/** Settles as `work` does, or rejects after `ms` with an outage of `what`. What `work` does after that goes unheard. */
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
