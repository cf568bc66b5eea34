// Loads a module at its first use. It keeps the loaded value and not the promise, because in workerd one request must
// not wait for a promise that belongs to another.

/**
 * Returns a function that resolves to the result of `load`. The first call loads it; later calls resolve to the same
 * value at once. Calls that overlap the first one load it themselves. A failed load is tried again by the next call.
 */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: { value: T } | undefined;
  return async () => {
    loaded ??= { value: await load() };
    return loaded.value;
  };
}
