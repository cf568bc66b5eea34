// Sets of rows are bound as JSON, in pieces that are small enough for one value.

/** Largest JSON of one bound value, in UTF-16 units: D1 takes 2 MB in a value, and a unit has up to three bytes. */
export const MOST_JSON = 600_000;

/** The items as JSON arrays, each small enough to bind. */
export function inPieces(items: readonly string[]): string[] {
  const pieces: string[] = [];
  let piece: string[] = [];
  let length = 0;
  for (const item of items) {
    if (length + item.length > MOST_JSON && piece.length > 0) {
      pieces.push(`[${piece.join(",")}]`);
      piece = [];
      length = 0;
    }
    piece.push(item);
    length += item.length;
  }
  return piece.length > 0 ? [...pieces, `[${piece.join(",")}]`] : pieces;
}
