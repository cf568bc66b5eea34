// A cache that cannot grow without bounds. Isolates live for hours and meet keys that callers choose, so every cache
// needs a limit.

/** A cache by text. What it held may be gone at any time. */
export interface CappedCache<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/**
 * Makes a cache of at most `most` entries. A full one is emptied before it takes another key: that costs less than
 * keeping track of the age of entries, and a cache that is emptied often is too small anyway.
 */
export function cappedCache<T>(most: number): CappedCache<T> {
  const entries = new Map<string, T>();
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      if (entries.size >= most && !entries.has(key)) entries.clear();
      entries.set(key, value);
    },
    delete: (key) => void entries.delete(key),
  };
}
