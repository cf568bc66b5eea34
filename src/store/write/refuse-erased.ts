// How a transaction gives way to an erasure.

import { failFor } from "../refusal.ts";

/**
 * Fails the transaction if it would bring back rows of a contact that is being erased. That happens if the consumer
 * called the contact's object before it got its tombstone, and stores the rows after the erasure deleted the earlier
 * ones. The consumer tries again. The check costs nothing while no erasure runs. `rows`: a query for `n`, with the erasure
 * as `x`, which ends with a condition.
 */
export const refuseErased = (rows: string): string =>
  `SELECT ${failFor("n")} FROM (${rows} WHERE x.contact IS NOT NULL)`;
