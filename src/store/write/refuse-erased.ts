// How a transaction gives way to an erasure.

/**
 * Fails the transaction if it would bring back rows of a contact that is being erased. That happens if the consumer
 * called the contact's object before it got its tombstone, and stores the rows after the erasure deleted the earlier
 * ones. The error is an integer overflow, after which the consumer tries again. The check costs nothing while no
 * erasure runs. The sum depends on the row, because SQLite would compute a constant, and fail, even without a row.
 */
export const refuseErased = (rows: string): string =>
  `SELECT abs(-9223372036854775807 - 1 + 0 * n) FROM (${rows} WHERE x.contact IS NOT NULL)`;
