// Whether claimed reports were stored, by their claim keys: an event's id ends with its key, and begins with its contact.

import { contactPrefix, EVENT_ID_LENGTH, KEY_CHARS } from "../../model/event-id.ts";
import type { Db } from "../db.ts";

// One contact's ids are a range of the index; its rows are few, and only those of these contacts are looked at.
const FIND = `
  SELECT DISTINCT substr(e.id, ${EVENT_ID_LENGTH - KEY_CHARS + 1}) AS key
  FROM json_each(?1) AS c CROSS JOIN events AS e ON e.id >= c.value AND e.id < c.value || '~'
  WHERE substr(e.id, ${EVENT_ID_LENGTH - KEY_CHARS + 1}) IN (SELECT k.value FROM json_each(?2) AS k)`;

/** Those of the keys under which an event of their contact is stored. */
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
