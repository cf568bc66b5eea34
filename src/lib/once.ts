// Modules that are loaded when they are first called. What was loaded is kept, and not the promise of it: a promise of one request
// must not be waited for by another.

/** What `load` gives, loaded at the first call; the next calls get the same at once. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: { value: T } | undefined;
  return async () => {
    loaded ??= { value: await load() };
    return loaded.value;
  };
}
