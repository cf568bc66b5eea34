// A promise that does not answer in time is treated as one that failed: senders hang up, and a hung call must not hold up
// a whole batch.

/** Settles as `work` does, or rejects after `ms`. What `work` does after that is nobody's business any more. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
