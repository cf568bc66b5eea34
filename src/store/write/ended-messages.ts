// A message's row is deleted with its last event. This is the query for the messages that have no event any more.

import { isOf } from "../prefix-range.ts";

/**
 * SQL that selects id and contact of those messages among `concerned` for which no event of `contacts` is left.
 * `concerned`: a query for ids and contacts of messages. `contacts`: a table or query with the columns `contact` and
 * `prefix`, with each contact once. `stays`: the condition for an event `e` of the contact `who` to be left.
 *
 * It works on sets, because a contact may have very many events. The EXCEPT is wrapped in a subquery, because SQLite
 * would otherwise evaluate it for every row of messages.
 */
export function endedMessages(concerned: string, contacts: string, stays: string): string {
  return `SELECT * FROM (
    ${concerned}
    EXCEPT
    SELECT e.message_id, e.contact FROM ${contacts} AS who CROSS JOIN events AS e ON ${isOf("e", "who")}
    WHERE ${stays})`;
}
