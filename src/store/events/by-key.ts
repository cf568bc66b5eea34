// Looks up stored events by their claim keys. An event's id begins with its contact's prefix and ends with its claim
// key.

import { contactPrefix, EVENT_ID_LENGTH, KEY_CHARS } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import { beginsWith } from "../prefix-range.ts";

// A contact's ids are one range of the index. The query reads only the few rows of these contacts.
const FIND = `
  SELECT DISTINCT substr(e.id, ${EVENT_ID_LENGTH - KEY_CHARS + 1}) AS key
  FROM json_each(?1) AS c CROSS JOIN events AS e ON ${beginsWith("e.id", "c.value")}
  WHERE substr(e.id, ${EVENT_ID_LENGTH - KEY_CHARS + 1}) IN (SELECT k.value FROM json_each(?2) AS k)`;

/** The keys for which an event of their contact is stored. */
export async function findStoredKeys(
  db: Db,
  claims: readonly { contact: string; key: string }[],
): Promise<Set<string>> {
  const prefixes = [...new Set(claims.map(({ contact }) => contactPrefix(contact)))];
  const keys = claims.map(({ key }) => key);
  const { results } = await db
    .prepare(FIND)
    .bind(JSON.stringify(prefixes), JSON.stringify(keys))
    .all<{ key: string }>();
  return new Set(results.map(({ key }) => key));
}
