// Finds rows whose text may mention an address, in SQL, so that few rows have to be read. It never misses one: letters
// and digits that are not escaped are searched for, and text with escapes or beyond ASCII is always a candidate. Whether
// such a text does mention the address is decided by src/model/address-search.ts alone.

/** The longest run of ASCII letters and digits in a text. */
const pieceOf = (text: string): string =>
  (text.match(/[a-z0-9]+/g) ?? []).reduce(
    (longest, run) => (run.length > longest.length ? run : longest),
    "",
  );

/** The pieces of normalised addresses that {@link mayMention} searches for, as JSON. */
export function piecesOf(addresses: readonly string[]): string {
  const pieces = addresses.map((address) => {
    const at = address.lastIndexOf("@");
    return [pieceOf(address.slice(0, at)), pieceOf(address.slice(at + 1))];
  });
  return JSON.stringify(pieces);
}

/**
 * The SQL condition that `text`, an SQL expression, may mention one of the addresses. `pieces`: the parameter with the
 * result of {@link piecesOf}.
 */
export function mayMention(text: string, pieces: string): string {
  return `(instr(${text}, '%') > 0 OR instr(${text}, '&#') > 0 OR instr(${text}, '\\u') > 0 OR instr(${text}, '\\U') > 0
    OR length(${text}) <> length(CAST(${text} AS BLOB))
    OR EXISTS (SELECT 1 FROM json_each(${pieces}) AS piece
      WHERE instr(lower(${text}), piece.value->>0) > 0 AND instr(lower(${text}), piece.value->>1) > 0))`;
}
