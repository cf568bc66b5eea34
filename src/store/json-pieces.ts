// Sets of rows are bound as JSON, in pieces that are small enough for one value.

/** Largest JSON of one bound value, in UTF-16 units: D1 takes 2 MB in a value, and a unit has up to three bytes. */
export const MOST_JSON = 600_000;

/**
 * The items in portions, in order, of which each is small enough to bind; an item beyond that is a portion of its own.
 * `lengthOf`: the length of an item's JSON.
 */
export function* inPortions<T>(items: Iterable<T>, lengthOf: (item: T) => number): Generator<T[]> {
  let portion: T[] = [];
  let length = 0;
  for (const item of items) {
    const more = lengthOf(item);
    if (length + more > MOST_JSON && portion.length > 0) {
      yield portion;
      portion = [];
      length = 0;
    }
    portion.push(item);
    length += more;
  }
  if (portion.length > 0) yield portion;
}

/** The items, which are JSON, as JSON arrays, each small enough to bind. */
export function inPieces(items: readonly string[]): string[] {
  return Array.from(
    inPortions(items, (item) => item.length),
    (portion) => `[${portion.join(",")}]`,
  );
}
