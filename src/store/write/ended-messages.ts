// A message's row is deleted with its last event. This is the query for the messages that have no event any more.

import { beginsWith } from "../prefix-range.ts";

/**
 * SQL that selects id and prefix of those messages among `concerned` for which no event of `prefixes` is left.
 * `concerned`: a query for ids and prefixes of messages. `prefixes`: a table or query with the column `prefix`, of
 * contacts' ids, with each once. `stays`: the condition for an event `e` in the range of `who` to be left.
 *
 * It works on sets, because a contact may have very many events. The EXCEPT is wrapped in a subquery, because SQLite
 * would otherwise evaluate it for every row of messages.
 */
export function endedMessages(concerned: string, prefixes: string, stays: string): string {
  return `SELECT * FROM (
    ${concerned}
    EXCEPT
    SELECT e.message_id, who.prefix FROM ${prefixes} AS who CROSS JOIN event_rows AS e
      ON ${beginsWith("e.id", "who.prefix")}
    WHERE ${stays})`;
}
