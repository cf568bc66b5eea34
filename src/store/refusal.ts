// How a statement refuses what its transaction would store: by an integer overflow, which fails the transaction. The
// error counts as an outage (outages.ts), so whoever stores tries again.

/**
 * SQL that fails if there is a row. `row`: a column of it. The sum depends on the row, because SQLite would compute a
 * constant, and fail, even without a row.
 */
export const failFor = (row: string): string => `abs(-9223372036854775807 - 1 + 0 * ${row})`;

/** The error of such a statement. */
export const REFUSAL = /integer overflow/;
