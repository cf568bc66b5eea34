// Merges lists of several databases that have the same order. Each database gives the beginning of its rest and says how
// far it has looked. Up to the nearest of these places nothing can be missing, so the merged page ends there at the latest.

/** A row's place in an order: numbers and texts, compared one after the other. */
export type Key = readonly (number | string)[];

/** The part of a list that one database gives, in order. `next`: where its next part begins; null at the end. */
export interface Part<T, K extends Key> {
  items: readonly T[];
  next: K | null;
}

/** Compares places as SQLite does: smaller than 0 if `one` comes first. */
export function compareKeys(one: Key, other: Key): number {
  for (const [i, a] of one.entries()) {
    const b = other[i] ?? "";
    const order = typeof a === "number" && typeof b === "number" ? a - b : compareTexts(String(a), String(b));
    if (order !== 0) return order;
  }
  return 0;
}

/** Compares texts by their bytes in UTF-8, as SQLite does. JavaScript's own order differs beyond U+D7FF. */
export function compareTexts(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [one.charCodeAt(i), other.charCodeAt(i)];
    if (a !== b) return placeOf(a) - placeOf(b);
  }
  return one.length - other.length;
}

/** Surrogates stand for the characters behind U+FFFF. */
const placeOf = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x2800 : unit);

/** The first of some places; null for none. */
export function firstOf<K extends Key>(places: readonly (K | null)[]): K | null {
  return places.reduce(
    (first, place) => (place === null || (first !== null && compareKeys(first, place) <= 0) ? first : place),
    null,
  );
}

/** Merges the parts of a list into a page of at most `limit` items. Items with the same place are one item. */
export function mergeParts<T, K extends Key>(
  parts: readonly Part<T, K>[],
  keyOf: (item: T) => K,
  limit: number,
): { items: T[]; next: K | null } {
  const edge = firstOf(parts.map(({ next }) => next));
  const items: T[] = [];
  let last: K | null = null;
  for (const { item, key } of inOrder(parts, keyOf)) {
    if (edge !== null && compareKeys(key, edge) > 0) break;
    if (last !== null && compareKeys(key, last) === 0) continue;
    if (items.length === limit) return { items, next: last };
    items.push(item);
    last = key;
  }
  return { items, next: edge };
}

function inOrder<T, K extends Key>(
  parts: readonly Part<T, K>[],
  keyOf: (item: T) => K,
): { item: T; key: K }[] {
  const items = parts.flatMap((part) => part.items.map((item) => ({ item, key: keyOf(item) })));
  return items.toSorted((one, other) => compareKeys(one.key, other.key));
}

/** Rows of a page that every database is asked for in full. */
const FULL_PAGE = 1_000;

/**
 * How many rows to ask each of `shards` databases for, if the page may have `limit`. Larger pages are read in smaller
 * parts, so that a page of many databases takes no more memory than one of a single database.
 */
export function limitOfEach(limit: number, shards: number): number {
  return shards === 1 ? limit : Math.min(limit, Math.max(FULL_PAGE, Math.ceil(limit / shards)));
}
