// How events become counters: statements over a table of events, which is a stretch of the feed or events that are about to
// change. The feed is counted stretch by stretch (counting.ts). A recount walks the whole feed by the same rules, so the
// events and the target table are parameters.

import { CONTACT_CHARS } from "../../model/event-id.ts";
import { beginsWith, isOf } from "../prefix-range.ts";
import { addFirsts, findFirsts, isBusy, LATEST, MAY_BE_FIRST, timeChars } from "./firsts.ts";
import { DAY } from "../../lib/time.ts";
import { FIVE_MINUTES } from "../../model/stats/counts.ts";

/** Events to count, as SQL for a table, and the condition for all before them in the feed. */
export interface Counted {
  rows: string;
  before: string;
}

/** An event counts for at most this many of its tags, so that one delivery cannot write an unlimited number of rows. */
export const MOST_TAGS = 32;

/** SQL for the start of the slot of `length` ms in which an event lies. */
const slot = (length: number): string => `at / ${length} * ${length}`;
const OF_FIVE_MINUTES = slot(FIVE_MINUTES);
/** SQL for the start of an event's day (UTC), ms. */
export const OF_DAY = slot(DAY);

/**
 * Counts by time. Columns: slot, source, type, bounce, machine, destination, n. `rows`: SQL for a table
 * of events, or for one with a condition; `of`: SQL for the slot.
 */
export const countTime = (rows: string, of: string = OF_FIVE_MINUTES): string => `
  SELECT ${of}, source, type, bounce, machine, destination, count(*)
  FROM ${rows} GROUP BY 1, 2, 3, 4, 5, 6`;

/**
 * Counts by campaign. Columns: day, campaign, source, type, bounce, machine, n, and those of `also`, SQL that begins with
 * a comma.
 */
export const countCampaigns = (rows: string, also = ""): string => `
  SELECT ${OF_DAY}, coalesce(campaign, ''), source, type, bounce, machine, count(*)${also}
  FROM ${rows} GROUP BY 1, 2, 3, 4, 5, 6`;

/** Counts by tag. Columns: day, tag, source, type, bounce, machine, n. */
export const countTags = (rows: string): string => `
  SELECT ${OF_DAY}, tags.value, source, told.type, bounce, machine, count(DISTINCT seq)
  FROM (SELECT * FROM ${rows}) AS told, json_each(told.tags) AS tags
  WHERE tags.key < ${MOST_TAGS} GROUP BY 1, 2, 3, 4, 5, 6`;

/**
 * Counts by campaign with unique contacts. Columns: day, campaign, source, type, bounce, machine, n, uniques,
 * unique_humans, as changes. A contact counts in the cell of its earliest open (click) of the campaign, so an earlier
 * open that arrives late takes the count away from the one that had it. That makes the counters independent of the
 * order of arrival. It needs no extra row: the contact's own range of the id index has the answer. The range is read from
 * `began` on (SQL for when the campaign of `fresh` began, ms), because nothing can lie before that. With `kept`, the
 * firsts of busy contacts come from the table that keeps them (firsts.ts), and the columns first_seq and last_seq follow:
 * where the counted events lie.
 */
export const countUniques = ({ rows, before }: Counted, began: string, kept = false): string => `
  WITH told AS MATERIALIZED (SELECT seq, id, contact, at, campaign, source, type, bounce, machine FROM ${rows}),
  fresh AS MATERIALIZED (SELECT contact, campaign, type, id, machine FROM told WHERE ${MAY_BE_FIRST}),
  places AS MATERIALIZED (
    SELECT contact, substr(min(id), 1, ${CONTACT_CHARS}) AS prefix, min(${began}) AS began
    FROM (SELECT contact, campaign, min(id) AS id FROM fresh GROUP BY 1, 2) AS fresh
    ${kept ? `WHERE NOT ${isBusy("fresh.contact")}` : ""} GROUP BY contact),
  firsts AS MATERIALIZED (
    SELECT contact, campaign, type,
      min(iif(new, id, NULL)) AS new_any, min(iif(new AND machine <> 'machine', id, NULL)) AS new_human,
      min(iif(new, NULL, id)) AS old_any, min(iif(new OR machine = 'machine', NULL, id)) AS old_human
    FROM (
      SELECT contact, campaign, type, id, machine, 1 AS new FROM fresh
      UNION ALL
      SELECT e.contact, e.campaign, e.type, e.id, e.machine, 0 FROM places AS p CROSS JOIN events AS e
        ON ${beginsWith("e.id", "p.prefix", `p.prefix || ${timeChars("p.began")}`)} AND e.contact = p.contact
      WHERE ${before} AND ${MAY_BE_FIRST}
      ${kept ? KEPT : ""})
    GROUP BY 1, 2, 3 HAVING new_any IS NOT NULL),
  changes (id, uniques, humans) AS (
    SELECT new_any, 1, 0 FROM firsts WHERE old_any IS NULL OR new_any < old_any
    UNION ALL SELECT old_any, -1, 0 FROM firsts WHERE new_any < old_any
    UNION ALL SELECT new_human, 0, 1 FROM firsts WHERE new_human IS NOT NULL AND (old_human IS NULL OR new_human < old_human)
    UNION ALL SELECT old_human, 0, -1 FROM firsts WHERE new_human < old_human)
  SELECT ${OF_DAY}, coalesce(campaign, ''), source, type, bounce, machine, sum(n), sum(uniques), sum(humans)${kept ? ", min(place), max(place)" : ""}
  FROM (
    SELECT at, campaign, source, type, bounce, machine, 1 AS n, 0 AS uniques, 0 AS humans, seq AS place FROM told
    UNION ALL
    SELECT at, campaign, source, type, bounce, machine, 0, c.uniques, c.humans, NULL FROM changes AS c CROSS JOIN events USING (id))
  WHERE true GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0 OR sum(uniques) <> 0 OR sum(humans) <> 0`;

/** The kept firsts of the groups in `fresh`, as if they were events: one of anybody's, and one of a person's. */
const KEPT = ["any_id, 'machine'", "human_id, 'human'"]
  .map(
    (first) => `UNION ALL SELECT f.contact, f.campaign, f.type, f.${first}, 0
      FROM (SELECT DISTINCT contact, campaign, type FROM fresh) AS g CROSS JOIN contact_firsts AS f USING (contact, campaign, type)
      WHERE f.${first.slice(0, first.indexOf(","))} IS NOT NULL`,
  )
  .join(" ");

const COUNT_UP = "ON CONFLICT DO UPDATE SET n = n + excluded.n";
const TIME = "source, type, bounce, machine, destination, n";
const CAMPAIGN = "day, campaign, source, type, bounce, machine, n";
const TAG = "day, tag, source, type, bounce, machine, n";

/** Widens a cell's stretch of the feed by that of the new events; what is not known stays unknown. */
const WIDEN = `first_seq = iif(excluded.first_seq IS NULL, first_seq, min(first_seq, excluded.first_seq)),
  last_seq = iif(excluded.last_seq IS NULL, last_seq, max(last_seq, excluded.last_seq))`;
/** When the campaign of `fresh` began, ms. */
export const BEGAN = `coalesce((SELECT min(day) FROM campaign_rollups AS c WHERE c.campaign = fresh.campaign), ${LATEST})`;

/** The statements that count events for the first time, in all tables of counters. */
export function countersOf(counted: Counted): string[] {
  const { rows } = counted;
  return [
    `INSERT INTO rollups (bucket, ${TIME}) ${countTime(rows)} ${COUNT_UP}`,
    `INSERT INTO day_rollups (day, ${TIME}) ${countTime(rows, OF_DAY)} ${COUNT_UP}`,
    // In this order, so that the firsts are those of the events before.
    findFirsts(counted, BEGAN),
    `INSERT INTO campaign_rollups (${CAMPAIGN}, uniques, unique_humans, first_seq, last_seq)
     ${countUniques(counted, BEGAN, true)}
     ${COUNT_UP}, uniques = uniques + excluded.uniques, unique_humans = unique_humans + excluded.unique_humans, ${WIDEN}`,
    addFirsts(rows),
    `INSERT INTO tag_rollups (${TAG}) ${countTags(rows)} ${COUNT_UP}`,
  ];
}

const COLUMNS: Readonly<Record<string, string>> = {
  rollups: `bucket, ${TIME}`,
  day_rollups: `day, ${TIME}`,
  campaign_rollups: CAMPAIGN,
  tag_rollups: TAG,
};

/** The statement that adds (sign 1) or subtracts (sign -1) the counts of the query `counted` in a table's counters. */
export function countUp(table: keyof typeof COLUMNS, counted: string, sign: 1 | -1): string {
  // The rows that are added may lie anywhere in the feed.
  const elsewhere = table === "campaign_rollups" ? ", first_seq = NULL, last_seq = NULL" : "";
  const changed = sign === 1 ? `${COUNT_UP}${elsewhere}` : "ON CONFLICT DO UPDATE SET n = n - excluded.n";
  return `INSERT INTO ${table} (${COLUMNS[table]}) SELECT * FROM (${counted}) WHERE true ${changed}`;
}

const FIRSTS_OF = `
  WITH firsts AS MATERIALIZED (
    SELECT min(e.id) AS any_id, min(iif(e.machine <> 'machine', e.id, NULL)) AS human_id
    FROM (SELECT value->>0 AS contact, value->>1 AS campaign, value->>2 AS type, value->>3 AS prefix FROM json_each(?1)) AS g
    CROSS JOIN events AS e ON ${isOf("e", "g")}
    WHERE e.campaign = g.campaign AND e.type = g.type GROUP BY g.contact, g.campaign, g.type),
  titles (id, uniques, humans) AS (
    SELECT any_id, 1, 0 FROM firsts UNION ALL SELECT human_id, 0, 1 FROM firsts WHERE human_id IS NOT NULL)
  SELECT ${OF_DAY}, campaign, source, type, bounce, machine, 0, sum(uniques), sum(humans)
  FROM titles CROSS JOIN events USING (id) WHERE true GROUP BY 1, 2, 3, 4, 5, 6`;

const uniquesOf = (sign: "+" | "-"): string => `
  INSERT INTO campaign_rollups (${CAMPAIGN}, uniques, unique_humans) ${FIRSTS_OF}
  ON CONFLICT DO UPDATE SET uniques = uniques ${sign} excluded.uniques,
    unique_humans = unique_humans ${sign} excluded.unique_humans`;

/**
 * The statements that subtract the unique opens and clicks of contacts in campaigns before their rows change, and add
 * them again afterwards. ?1: JSON rows of contact, campaign, type, and the prefix of the contact's ids.
 */
export const UNIQUES_OF = { minus: uniquesOf("-"), plus: uniquesOf("+") } as const;

/**
 * The statements that add events whose rows are about to be deleted to the counters' `gone`. They run in the deletion's
 * transaction and before it. So the counters stay, and a recount can add `gone` to what it finds. `rows`: SQL
 * for the table of these events; the caller binds its parameters to each statement.
 */
export function goneFrom(rows: string): string[] {
  const note = (table: string, columns: string, counted: string): string =>
    `INSERT INTO ${table} (${columns.replace(/\bn$/, "gone")}, n) SELECT *, 0 FROM (${counted}) WHERE true
     ON CONFLICT DO UPDATE SET gone = gone + excluded.gone`;
  return [
    note("rollups", `bucket, ${TIME}`, countTime(rows)),
    note("day_rollups", `day, ${TIME}`, countTime(rows, OF_DAY)),
    note("campaign_rollups", CAMPAIGN, countCampaigns(rows)),
    note("tag_rollups", TAG, countTags(rows)),
  ];
}
