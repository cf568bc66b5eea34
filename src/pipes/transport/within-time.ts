// Calls of bindings cannot be aborted, but nobody has to wait for them beyond an attempt's time.

/** What the call gives, or a rejection as soon as the signal aborts. */
export async function withinTime<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  const stop = Promise.withResolvers<never>();
  const abort = (): void => stop.reject(new Error("aborted"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([call, stop.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
