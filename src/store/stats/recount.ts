// A recount walks the feed from its beginning and counts by the same rules as storing does, but into cells of its own.
// Counters that differ from these cells can then be corrected. A step is one transaction that counts a stretch of the
// feed and moves the position past it, so a step may be repeated, crash, or run beside another. The last step counts
// the rest and compares in the same transaction, so that no event is stored in between.
//
// Removed rows (erasure, retention) are noted beside the counts as `gone`, and still belong to what the counters should
// be. Which contacts' first opens were among them is unknown by now, so the uniques of such campaigns stay as they are.

import type { Range } from "../../model/stats/counts.ts";
import type { Db } from "../db.ts";
import { countTags, countTime, countUniques } from "../write/counters.ts";
import { COUNT_REST } from "../write/counting.ts";
import { eventsWithin, FEED_END } from "../feed-rows.ts";
import { DAY } from "../../lib/time.ts";

/** How far a recount has come; its range in ms. */
export interface Progress extends Range {
  /** The last seq that was counted. */
  position: number;
  /** The feed's last seq. */
  last: number;
  /** Whether rows of the range were removed since the recount began. If so, it can no longer prove anything. */
  disturbed: boolean;
}

/** A counter that differs from the rows. `slot`: start of its slot, ms; `label`: destination, campaign or tag. */
export interface CounterDifference {
  counter: Counter;
  slot: number;
  label: string;
  source: string;
  type: string;
  bounce: string;
  machine: string;
  was: number;
  should: number;
  /** Unique contacts, which only campaigns count; 0 for the other counters. */
  uniques: number;
  uniques_should: number;
  unique_humans: number;
  unique_humans_should: number;
}

const COUNTERS = ["rollups", "day_rollups", "campaign_rollups", "tag_rollups"] as const;
/** A table of counters. */
export type Counter = (typeof COUNTERS)[number];

/** Most events that one step counts. */
const STEP = 5_000;
/** Most differences that are listed for each counter. */
const MOST_LISTED = 250;

const POSITION = "(SELECT position FROM recounts)";
const IN_RANGE = "BETWEEN (SELECT since FROM recounts) AND (SELECT until FROM recounts) - 1";
const GONE = `coalesce((SELECT sum(gone) FROM day_rollups WHERE day ${IN_RANGE}), 0)`;

/** Begins a recount of these days (ms, from midnight to midnight UTC) and discards the previous one. */
export async function beginRecount(db: Db, id: string, { from, to }: Range): Promise<void> {
  const begin = `
    INSERT INTO recounts (one, id, since, until, position, gone)
    SELECT 1, ?1, ?2, ?3, coalesce((SELECT min(first_seq) FROM feed), 1) - 1,
      coalesce((SELECT sum(gone) FROM day_rollups WHERE day >= ?2 AND day < ?3), 0)
    WHERE true ON CONFLICT DO UPDATE SET id = excluded.id, since = excluded.since, until = excluded.until,
      position = excluded.position, gone = excluded.gone`;
  await db.batch([db.prepare("DELETE FROM recount_cells"), db.prepare(begin).bind(id, from, to)]);
}

const STRETCH = eventsWithin({ after: POSITION, last: `min(${POSITION} + ${STEP}, ${FEED_END})` });
const IN_STRETCH = `${STRETCH} WHERE at ${IN_RANGE}`;
const CELL = "slot, label, source, type, bounce, machine";
const COUNT_UP = `ON CONFLICT DO UPDATE SET n = n + excluded.n,
  uniques = uniques + excluded.uniques, unique_humans = unique_humans + excluded.unique_humans`;

const WALK = [
  `INSERT INTO recount_cells (kind, slot, source, type, bounce, machine, label, n)
   SELECT 'time', * FROM (${countTime(IN_STRETCH)}) WHERE true ${COUNT_UP}`,
  // Events of other days are counted too, because a contact's first open may be among them.
  `INSERT INTO recount_cells (kind, ${CELL}, n, uniques, unique_humans)
   WITH counted (${CELL}, n, uniques, unique_humans) AS (
     ${countUniques({ rows: STRETCH, before: `seq <= ${POSITION}` }, "0")})
   SELECT 'campaign', * FROM counted WHERE slot ${IN_RANGE} ${COUNT_UP}`,
  `INSERT INTO recount_cells (kind, ${CELL}, n)
   SELECT 'tag', * FROM (${countTags(IN_STRETCH)}) WHERE true ${COUNT_UP}`,
  `UPDATE recounts SET position = max(position, min(position + ${STEP}, ${FEED_END}))`,
];

const PROGRESS = `SELECT since AS "from", until AS "to", position, ${FEED_END} AS last, gone <> ${GONE} AS disturbed
  FROM recounts WHERE id = ?1`;

/** Counts the next 5,000 events; null if another recount has replaced this one. */
export async function stepRecount(db: Db, id: string): Promise<Progress | null> {
  const statements = WALK.map((sql) => db.prepare(sql));
  const results = await db.batch<ProgressRow>([...statements, db.prepare(PROGRESS).bind(id)]);
  return progressOf(results.at(-1)?.results);
}

type ProgressRow = Omit<Progress, "disturbed"> & { disturbed: 0 | 1 };

function progressOf(rows: readonly ProgressRow[] | undefined): Progress | null {
  const [row] = rows ?? [];
  return row === undefined ? null : { ...row, disturbed: row.disturbed === 1 };
}

/**
 * The statements that end the recount under way like removed rows do, and delete what it counted: an erasure has renamed
 * campaigns or tags.
 */
export const DISTURB_RECOUNT = ["UPDATE recounts SET gone = -1", "DELETE FROM recount_cells"] as const;

/** Whether all events are counted, no rows were removed, and no other recount has replaced this one. */
const READY = `EXISTS (SELECT 1 FROM recounts WHERE id = ?1 AND position >= ${FEED_END} AND gone = ${GONE})`;

interface Table {
  slot: string;
  label: string;
  /** The query for the recounted cells: the columns of CELL, then n, uniques, unique_humans. */
  cells: string;
  /** Whether this table counts unique contacts. */
  uniques: boolean;
}

const HOW = "source, type, bounce, machine";
const NO_UNIQUES = "n, 0 AS uniques, 0 AS unique_humans";

const TABLES: Readonly<Record<Counter, Table>> = {
  rollups: {
    slot: "bucket",
    label: "destination",
    cells: `SELECT ${CELL}, ${NO_UNIQUES} FROM recount_cells WHERE kind = 'time'`,
    uniques: false,
  },
  day_rollups: {
    slot: "day",
    label: "destination",
    cells: `SELECT slot / ${DAY} * ${DAY} AS slot, label, ${HOW}, ${NO_UNIQUES} FROM recount_cells WHERE kind = 'time'`,
    uniques: false,
  },
  campaign_rollups: {
    slot: "day",
    label: "campaign",
    cells: `SELECT ${CELL}, n, uniques, unique_humans FROM recount_cells WHERE kind = 'campaign'`,
    uniques: true,
  },
  tag_rollups: {
    slot: "day",
    label: "tag",
    cells: `SELECT ${CELL}, ${NO_UNIQUES} FROM recount_cells WHERE kind = 'tag'`,
    uniques: false,
  },
};

const FIRST_IS_GONE = `EXISTS (SELECT 1 FROM campaign_rollups AS g
  WHERE g.campaign = label AND g.type = sums.type AND g.gone > 0)`;

/** The query for the cells in which a counter and the rows differ. */
function differing(counter: Counter): string {
  const { slot, label, cells, uniques } = TABLES[counter];
  const columns = uniques ? "uniques, unique_humans" : "0, 0";
  const should = (name: string): string => (uniques ? `iif(${FIRST_IS_GONE}, ${name}, ${name}_should)` : "0");
  return `
    SELECT * FROM (
      SELECT ${CELL}, was, should, uniques, ${should("uniques")} AS uniques_should,
        unique_humans, ${should("unique_humans")} AS unique_humans_should
      FROM (
        SELECT ${CELL}, sum(was) AS was, sum(should) AS should, sum(uniques) AS uniques, sum(u) AS uniques_should,
          sum(unique_humans) AS unique_humans, sum(h) AS unique_humans_should
        FROM (
          SELECT ${slot} AS slot, ${label} AS label, ${HOW}, n AS was, gone AS should, ${columns.replace("0, 0", "0 AS uniques, 0 AS unique_humans")}, 0 AS u, 0 AS h
          FROM ${counter} WHERE ${slot} ${IN_RANGE}
          UNION ALL
          SELECT ${CELL}, 0, n, 0, 0, uniques, unique_humans FROM (${cells}))
        GROUP BY 1, 2, 3, 4, 5, 6) AS sums)
    WHERE (was <> should OR uniques <> uniques_should OR unique_humans <> unique_humans_should) AND ${READY}`;
}

/** The statements that set a counter's differing cells to what the rows give. */
function correction(counter: Counter): string[] {
  const { slot, label, uniques } = TABLES[counter];
  const also = uniques ? ", uniques, unique_humans" : "";
  const values = uniques ? ", uniques_should, unique_humans_should" : "";
  const set = uniques
    ? ", uniques = excluded.uniques, unique_humans = excluded.unique_humans, first_seq = NULL, last_seq = NULL"
    : "";
  return [
    `INSERT INTO ${counter} (${slot}, ${label}, ${HOW}, n${also})
     SELECT ${CELL}, should${values} FROM (${differing(counter)}) WHERE true
     ON CONFLICT DO UPDATE SET n = excluded.n${set}`,
    `DELETE FROM ${counter} WHERE ${slot} ${IN_RANGE} AND n = 0${uniques ? " AND uniques = 0 AND unique_humans = 0" : ""}
     AND ${READY}`,
  ];
}

/** What is kept of busy contacts is derived, too, and read anew: an older version of the code does not keep it up to date. */
const FORGET_FIRSTS = `DELETE FROM contact_firsts WHERE ${READY}`;

/** The result of a comparison. */
export interface Comparison {
  progress: Progress;
  /** Null if the recount is disturbed, or if events were stored meanwhile so that more must be counted first. */
  differences: CounterDifference[] | null;
  /** How many cells differ; the list may contain fewer. */
  total: number;
}

/**
 * Counts the next events, compares the counters with the rows, and with `apply` corrects the counters, all in one
 * transaction. Null if another recount has replaced this one.
 */
export async function compareRecount(db: Db, id: string, apply: boolean): Promise<Comparison | null> {
  const lists = COUNTERS.map(
    (counter) =>
      `SELECT '${counter}' AS counter, *, count(*) OVER () AS total FROM (${differing(counter)})
       ORDER BY slot, label, source, type, bounce, machine LIMIT ${MOST_LISTED}`,
  );
  const corrections = apply ? [...COUNTERS.flatMap(correction), FORGET_FIRSTS] : [];
  // The rest of the feed is counted on both sides, so that nothing is stored in between.
  const counting = COUNT_REST.map((sql) => db.prepare(sql));
  const results = await db.batch<Record<string, unknown>>([
    ...WALK.map((sql) => db.prepare(sql)),
    db.prepare(PROGRESS).bind(id),
    ...counting,
    ...[...lists, ...corrections].map((sql) => db.prepare(sql).bind(id)),
  ]);
  const progress = progressOf(results[WALK.length]?.results as ProgressRow[] | undefined);
  if (progress === null) return null;
  const first = WALK.length + 1 + counting.length;
  const listings = results.slice(first, first + COUNTERS.length);
  const rows = listings.flatMap(
    ({ results: some }) => some as unknown as (CounterDifference & { total: number })[],
  );
  const total = listings.reduce((sum, { results: some }) => sum + Number(some[0]?.["total"] ?? 0), 0);
  const ready = !progress.disturbed && progress.position >= progress.last;
  const differences = rows.map(({ total: _, ...difference }) => difference);
  return { progress, differences: ready ? differences : null, total };
}
