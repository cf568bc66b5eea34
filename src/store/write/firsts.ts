// The earliest open and click of each campaign of a busy contact. The counters of unique contacts need them for each
// slice. Of other contacts they are read from the events themselves, which are few. That would cost more with every
// event of a monitored address, whose opens never end, so what was read once is kept in the table `contact_firsts`.
//
// The table is derived. A contact's rows appear when it becomes busy, follow whenever its events are counted, and are
// dropped where its events are erased or changed: the next open reads them anew.

import { ALPHABET } from "../../lib/base32.ts";
import { TIME_CHARS } from "../../lib/time-id.ts";
import { CONTACT_CHARS } from "../../model/event-id.ts";
import { beginsWith, isOf } from "../prefix-range.ts";

/**
 * A contact with more events than this since a campaign of its began is busy. The others' events are read whenever they
 * have one more open.
 */
export const MOST_READ = 1_000;

/** The condition for events that may be a contact's first of a campaign. */
export const MAY_BE_FIRST = "type IN ('opened', 'clicked') AND campaign IS NOT NULL";

/** The SQL condition that the firsts of a contact are kept. */
export const isBusy = (contact: string): string =>
  `EXISTS (SELECT 1 FROM contact_firsts AS b WHERE b.contact = ${contact} AND b.campaign = '' AND b.type = '')`;

const HUMAN = "min(iif(machine <> 'machine', id, NULL))";

/** The beginning of a campaign that has no rows yet, ms: later than every time that an id can hold. */
export const LATEST = 2 ** 50 - 1;

/** SQL that writes a time in ms as ids do (src/lib/time-id.ts). */
export function timeChars(ms: string): string {
  const digits = Array.from({ length: TIME_CHARS }, (_, i) => 5 * (TIME_CHARS - 1 - i));
  return digits.map((bits) => `substr('${ALPHABET}', ((${ms} >> ${bits}) & 31) + 1, 1)`).join(" || ");
}

/**
 * The statement that reads the firsts of contacts that became busy. `rows`: the events that are
 * counted, as SQL for a table; `before`: the condition for all earlier ones. `began`: SQL for when the campaign of `fresh`
 * began, ms.
 */
export const findFirsts = ({ rows, before }: { rows: string; before: string }, began: string): string => `
  INSERT INTO contact_firsts (contact, campaign, type, any_id, human_id)
  WITH who AS MATERIALIZED (
    SELECT contact, substr(min(id), 1, ${CONTACT_CHARS}) AS prefix, min(${began}) AS began
    FROM (SELECT contact, campaign, min(id) AS id FROM ${rows} WHERE ${MAY_BE_FIRST} GROUP BY 1, 2) AS fresh
    WHERE NOT ${isBusy("fresh.contact")} GROUP BY contact),
  busy AS MATERIALIZED (
    SELECT contact, prefix FROM who WHERE (
      SELECT 1 FROM events AS e WHERE ${beginsWith("e.id", "who.prefix", `who.prefix || ${timeChars("who.began")}`)}
      LIMIT 1 OFFSET ${MOST_READ}) IS NOT NULL)
  SELECT contact, campaign, type, min(id), ${HUMAN}
  FROM (
    SELECT e.contact, e.campaign, e.type, e.id, e.machine FROM busy AS b CROSS JOIN events AS e ON ${isOf("e", "b")}
    WHERE e.${before} AND e.type IN ('opened', 'clicked') AND e.campaign IS NOT NULL)
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT contact, '', '', '', NULL FROM busy WHERE true
  ON CONFLICT DO NOTHING`;

/** The statement that adds the events that are counted to the firsts of busy contacts. `rows`: SQL for their table. */
export const addFirsts = (rows: string): string => `
  INSERT INTO contact_firsts (contact, campaign, type, any_id, human_id)
  SELECT contact, campaign, type, min(id), ${HUMAN} FROM ${rows} AS fresh
  WHERE ${MAY_BE_FIRST} AND ${isBusy("fresh.contact")} GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET any_id = min(any_id, excluded.any_id),
    human_id = coalesce(min(human_id, excluded.human_id), human_id, excluded.human_id)
  WHERE excluded.any_id < any_id OR (excluded.human_id IS NOT NULL AND excluded.human_id < coalesce(human_id, '~'))`;

/** Drops what is kept of contacts whose events change. ?1: JSON rows that begin with the contact. */
export const DROP_FIRSTS =
  "DELETE FROM contact_firsts WHERE contact IN (SELECT value->>0 FROM json_each(?1))";

/** Drops what is kept of an erased contact. ?1: the erasure's id. */
export const DROP_ERASED_FIRSTS =
  "DELETE FROM contact_firsts WHERE contact IN (SELECT contact FROM erasures WHERE id = ?1)";

/**
 * The statement that drops what is kept of contacts of which no event is left. `ended`: SQL for the table of the events
 * that are about to go, which are all up to the seq ?1.
 */
export const dropEndedFirsts = (ended: string): string => `
  DELETE FROM contact_firsts WHERE contact IN (
    SELECT who.contact
    FROM (SELECT DISTINCT contact, substr(id, 1, ${CONTACT_CHARS}) AS prefix FROM ${ended}) AS who
    WHERE ${isBusy("who.contact")} AND NOT EXISTS (
      SELECT 1 FROM events AS e WHERE ${isOf("e", "who")} AND e.seq > ?1))`;
