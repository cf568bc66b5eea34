// Reads of the counters of one database, group by group, with what is not counted yet.

import type { Counts, Range, Uniques } from "../../model/stats/counts.ts";
import type { Db } from "../db.ts";
import {
  COUNTED_CELLS,
  NAMES,
  summedSql,
  tellsUniques,
  type GroupCursor,
  type StatsQuery,
} from "./counted.ts";

/** One group. `slot`: start of its bucket, ms; `group`: its name, or "" for events without one. */
export interface Group {
  slot: number;
  group: string;
  counts: Counts;
}

/** A group's counts by name. */
export type Row = Omit<Counts, "unique"> & {
  slot: number;
  grp: string;
  unique_opened: number;
  unique_opened_human: number;
  unique_clicked: number;
  unique_clicked_human: number;
};

/** A page of groups in order of time and name, without the groups that have no events. `next`: null at the end. */
export async function readStats(
  db: Db,
  query: StatsQuery,
): Promise<{ groups: Group[]; next: GroupCursor | null }> {
  const { sql, values } = statsSql(query);
  const { results } = await db
    .prepare(sql)
    .bind(...values)
    .all<Row>();
  const unique = tellsUniques(query);
  const groups = results.slice(0, query.limit).map((row) => groupOf(row, unique));
  const last = groups.at(-1);
  return {
    groups,
    next: results.length > query.limit && last !== undefined ? [last.slot, last.group] : null,
  };
}

/** The group of a row. `unique`: whether the unique counts answer the query. */
export function groupOf(row: Row, unique: boolean): Group {
  const { slot, grp, unique_opened, unique_opened_human, unique_clicked, unique_clicked_human, ...counts } =
    row;
  const uniques: Uniques = {
    opened: unique_opened,
    opened_human: unique_opened_human,
    clicked: unique_clicked,
    clicked_human: unique_clicked_human,
  };
  return { slot, group: grp, counts: { ...counts, unique: unique ? uniques : null } };
}

/**
 * If a source reports no deliveries at all in the range, its mails count as attempted when it reports them sent, and as
 * reached unless they bounce or are blocked. This is decided for each source, so groups are first added up by source.
 */
function statsSql(query: StatsQuery): { sql: string; values: (string | number)[] } {
  const values: (string | number)[] = [];
  const bind = (value: string | number): string => `?${values.push(value)}`;
  const { after = [-1, ""], limit } = query;
  const sql = `
    WITH ${summedSql(query, bind)},
    counted AS (${COUNTED_CELLS}),
    known AS (SELECT *, max(delivered) OVER (PARTITION BY source) > 0 AS tells FROM counted)
    SELECT slot, grp, ${NAMES.map((name) => `sum(${name}) AS ${name}`).join(", ")},
      sum(iif(tells, delivered + bounced + blocked, max(sent, bounced + blocked))) AS attempted,
      sum(iif(tells, delivered, max(sent - bounced - blocked, 0))) AS reached
    FROM known WHERE (slot, grp) > (${bind(after[0])}, ${bind(after[1])})
    GROUP BY slot, grp HAVING sum(events) > 0 ORDER BY slot, grp LIMIT ${bind(limit + 1)}`;
  return { sql, values };
}

/** All counts of a campaign within a range (ms); null if no event of it was counted there. */
export async function readCampaign(db: Db, campaign: string, range: Range): Promise<Counts | null> {
  const { groups } = await readStats(db, {
    ...range,
    campaign: [campaign],
    bucket: "none",
    by: "none",
    limit: 1,
  });
  return groups[0]?.counts ?? null;
}
