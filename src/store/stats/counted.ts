// The first half of every question to the counters: SQL that adds up, by group and source, ranges of the counters' keys
// and what is not counted yet. What follows from these cells needs the cells of all databases (stats.ts, over-shards.ts).

import { EVENT_TYPES } from "../../model/event.ts";
import {
  rangesByTable,
  type Bucket,
  type Grouping,
  type Range,
  type TableRange,
} from "../../model/stats/counts.ts";
import { DAY } from "../../lib/time.ts";
import { BEGAN, countCampaigns, countTags, countTime, countUniques } from "../write/counters.ts";
import { IS_COUNTED, UNCOUNTED_EVENTS } from "../write/counting.ts";

/**
 * What to count; the range in ms. Campaigns and tags are counted by day, not by destination, and not by each other. A list of values means any
 * of them.
 */
export interface StatsQuery extends Range {
  bucket: Bucket;
  by: Grouping;
  source?: readonly string[] | undefined;
  destination?: readonly string[] | undefined;
  campaign?: readonly string[] | undefined;
  type?: readonly string[] | undefined;
  tag?: readonly string[] | undefined;
  /** The starts of the buckets and the end of the last one, ms, if these are not UTC's. They cover the range. */
  edges?: readonly number[] | undefined;
  /** The last group of the previous page. */
  after?: GroupCursor | undefined;
  limit: number;
}

/** A group's place in the order: the start of its bucket, ms, and its name. */
export type GroupCursor = [slot: number, group: string];

/**
 * Whether the unique counts answer the query. A contact counts once per campaign, whichever source reports it first, so
 * the sum over only some sources is not the campaign's.
 */
export function tellsUniques({ by, campaign, source }: StatsQuery): boolean {
  return (by === "campaign" || campaign !== undefined) && by !== "source" && source === undefined;
}

const SLOTS: Readonly<Record<Bucket, string>> = {
  "5m": "slot",
  hour: "slot / 3600000 * 3600000",
  day: `slot / ${DAY} * ${DAY}`,
  week: "(slot - 345600000) / 604800000 * 604800000 + 345600000", // from Monday 5 January 1970
  month: "unixepoch(slot / 1000, 'unixepoch', 'start of month') * 1000",
  none: "0",
};

const sumIf = (condition: string, what = "n"): string => `sum(iif(${condition}, ${what}, 0))`;

/** SQL for the counts of a cell. */
const COUNTED = [
  "sum(n) AS events",
  ...EVENT_TYPES.map((type) => `${sumIf(`type = '${type}'`)} AS ${type}`),
  `${sumIf("bounce = 'hard'")} AS hard`,
  `${sumIf("bounce = 'soft'")} AS soft`,
  ...["opened", "clicked"].flatMap((type) => [
    `${sumIf(`type = '${type}' AND machine <> 'machine'`)} AS ${type}_human`,
    `${sumIf(`type = '${type}' AND machine = 'machine'`)} AS ${type}_machine`,
    `${sumIf(`type = '${type}'`, "uniques")} AS unique_${type}`,
    `${sumIf(`type = '${type}'`, "unique_humans")} AS unique_${type}_human`,
  ]),
];
/** Their names, in order. */
export const NAMES = COUNTED.map((sql) => sql.slice(sql.lastIndexOf(" ") + 1));

type Bind = (value: string | number) => string;

/**
 * Common table expressions for the query, without WITH. The last one is `summed`, whose rows {@link COUNTED_CELLS} adds up.
 */
export function summedSql(query: StatsQuery, bind: Bind): string {
  const { by, bucket } = query;
  const group = by === "none" ? "''" : by;
  const { uncounted, pieces } = stretches(query, bind);
  return `uncounted AS MATERIALIZED (${uncounted}), summed AS (
      SELECT ${query.edges === undefined ? SLOTS[bucket] : "slot"} AS slot, ${group} AS grp, source, type, bounce, machine,
        sum(n) AS n, sum(uniques) AS uniques, sum(unique_humans) AS unique_humans
      FROM (${pieces.join(" UNION ALL ")}) GROUP BY 1, 2, 3, 4, 5, 6)`;
}

/** The query for the cells in `summed`: slot, grp, source, and the counts with the names of {@link NAMES}. */
export const COUNTED_CELLS = `SELECT slot, grp, source, ${COUNTED.join(", ")} FROM summed GROUP BY 1, 2, 3`;

/** A table of counters with what is not counted yet: its columns, and the query for the latter. */
interface Counters {
  columns: string;
  uncounted: string;
}

const HOW = "source, type, bounce, machine";
const NO_UNIQUES = "0 AS uniques, 0 AS unique_humans";

const BY_TIME: Counters = { columns: `${HOW}, destination`, uncounted: countTime(UNCOUNTED_EVENTS) };
const BY_TAG: Counters = { columns: `tag, ${HOW}`, uncounted: countTags(UNCOUNTED_EVENTS) };

/** The counters by campaign. `rows`: SQL for the uncounted events to look at. */
const byCampaign = (rows: string, uniques: boolean): Counters => ({
  columns: `campaign, ${HOW}`,
  uncounted: uniques ? countUniques({ rows, before: IS_COUNTED }, BEGAN, true) : countCampaigns(rows),
});

/** The query for the cells in which uncounted events belong: slot, columns, n, uniques, unique_humans. */
const cellsOf = ({ columns, uncounted }: Counters, uniques: boolean): string =>
  uniques
    ? `WITH t (slot, ${columns}, n, uniques, unique_humans, first_seq, last_seq) AS (${uncounted})
       SELECT slot, ${columns}, n, uniques, unique_humans FROM t`
    : `WITH t (slot, ${columns}, n) AS (${uncounted}) SELECT slot, ${columns}, n, ${NO_UNIQUES} FROM t`;

/** The common table expression `uncounted`, and the queries for the counters' rows that the query needs. */
function stretches(query: StatsQuery, bind: Bind): { uncounted: string; pieces: string[] } {
  const { by, campaign, tag, destination, source, type, from, to } = query;
  const filters = Object.entries({ campaign, tag, destination, source, type });
  const filter = filters
    .flatMap(([name, value]) =>
      value === undefined
        ? []
        : [` AND ${name} IN (SELECT value FROM json_each(${bind(JSON.stringify(value))}))`],
    )
    .join("");
  const range = (slot: string, piece: Range): string =>
    `${slot} >= ${bind(piece.from)} AND ${slot} < ${bind(piece.to)}${filter}`;
  const ofDays = (table: string, { columns }: Counters, uniques: string): string[] => [
    `SELECT day AS slot, ${columns}, n, ${uniques} FROM ${table} WHERE ${range("day", { from, to })}`,
    `SELECT slot, ${columns}, n, uniques, unique_humans FROM uncounted WHERE ${range("slot", { from, to })}`,
  ];
  if (by === "campaign" || campaign !== undefined) {
    // A contact's first open of a campaign is found among the campaign's events alone.
    const only =
      campaign === undefined
        ? ""
        : ` WHERE campaign IN (SELECT value FROM json_each(${bind(JSON.stringify(campaign))}))`;
    const unique = tellsUniques(query);
    const counters = byCampaign(`(SELECT * FROM ${UNCOUNTED_EVENTS}${only})`, unique);
    return {
      uncounted: cellsOf(counters, unique),
      pieces: ofDays("campaign_rollups", counters, "uniques, unique_humans"),
    };
  }
  if (by === "tag" || tag !== undefined)
    return { uncounted: cellsOf(BY_TAG, false), pieces: ofDays("tag_rollups", BY_TAG, NO_UNIQUES) };
  const uncounted = cellsOf(BY_TIME, false);
  if (query.edges !== undefined)
    return { uncounted, pieces: localStretches(query, query.edges, filter, bind) };
  const columns = `${BY_TIME.columns}, n, ${NO_UNIQUES}`;
  const pieces = rangesByTable(query, query.bucket).map((piece: TableRange) =>
    piece.by === "day"
      ? `SELECT day AS slot, ${columns} FROM day_rollups WHERE ${range("day", piece)}`
      : `SELECT bucket AS slot, ${columns} FROM rollups WHERE ${range("bucket", piece)}`,
  );
  // One term for all ranges: SQLite in D1 takes five.
  const rest = `SELECT slot, ${columns} FROM uncounted WHERE ${range("slot", { from, to })}`;
  return { uncounted, pieces: [...pieces, rest] };
}

/** The same for buckets of a time zone: each is a few ranges of the counters' keys. */
function localStretches(
  { bucket }: StatsQuery,
  edges: readonly number[],
  filter: string,
  bind: Bind,
): string[] {
  const pieces = edges.slice(1).flatMap((to, i) => {
    const from = edges[i] ?? to;
    return rangesByTable({ from, to }, bucket).map((piece) => ({ ...piece, slot: from }));
  });
  const columns = `z.slot, source, type, bounce, machine, destination, n, ${NO_UNIQUES}`;
  const read = (table: string, key: string, own: readonly { slot: number; from: number; to: number }[]) => {
    if (own.length === 0) return [];
    const ranges = bind(JSON.stringify(own.map(({ slot, from, to }) => [slot, from, to])));
    return [
      `SELECT ${columns}
       FROM (SELECT value->>0 AS slot, value->>1 AS a, value->>2 AS b FROM json_each(${ranges})) AS z
       CROSS JOIN ${table} ON ${key} >= z.a AND ${key} < z.b WHERE true${filter}`,
    ];
  };
  const by = (table: TableRange["by"]) => pieces.filter((piece) => piece.by === table);
  return [
    ...read("rollups AS r", "r.bucket", by("time")),
    ...read("day_rollups AS r", "r.day", by("day")),
    ...read("uncounted AS u", "u.slot", pieces),
  ];
}
