// The pace of a pipe's requests.

/** Resolves when the next request may begin. */
export type Pace = () => Promise<void>;

/** A pace of `rate` requests a second, whoever asks for it; null for no limit. */
export function createPace(rate: number | null): Pace {
  let next = 0;
  return async () => {
    if (rate === null) return;
    const now = Date.now();
    const start = Math.max(now, next);
    next = start + 1000 / rate;
    if (start > now) await new Promise((resolve) => setTimeout(resolve, start - now));
  };
}
