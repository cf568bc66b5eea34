// Statistics of several databases. Each one adds up its own cells by the same SQL as a single database does
// (src/store/stats/counted.ts). Rates, order and limit need the sums, so they are computed here. Unique contacts add up,
// because all of a contact's events lie in one database.

import type { Counts, Range } from "../../model/stats/counts.ts";
import type { Db } from "../db.ts";
import type { Shards } from "../shards.ts";
import {
  COUNTED_CELLS,
  NAMES,
  summedSql,
  tellsUniques,
  type GroupCursor,
  type StatsQuery,
} from "../stats/counted.ts";
import { groupOf, readCampaign, readStats, type Group, type Row } from "../stats/stats.ts";
import { MOST_BYTES } from "../within-bytes.ts";
import { askAll, onlyShard } from "./ask.ts";
import { compareKeys, firstOf } from "./order.ts";

/** What one source counted in one group, in one database. `counts`: in the order of NAMES. */
interface Cell {
  place: GroupCursor;
  source: string;
  counts: readonly number[];
}

/** The cells of one database, of whole groups. */
interface Cells {
  cells: Cell[];
  /** Where the cells end, if there are more. */
  end: GroupCursor | null;
  /** Deliveries in the whole range, by source. */
  delivered: ReadonlyMap<string, number>;
}

/**
 * A page of groups over all databases, as readStats has it of one. If there are very many cells, a page may be shorter
 * than the limit, or empty, and still have a next one. Rejects if a database does not answer.
 */
export async function readStatsAcross(
  shards: Shards,
  query: StatsQuery,
): Promise<{ groups: Group[]; next: GroupCursor | null }> {
  const only = onlyShard(shards);
  if (only !== null) return await readStats(only.db, query);
  const most = Math.ceil(MOST_BYTES / shards.all.length);
  const parts = await askAll(shards, async (db) => await readCells(db, query, most));
  const edge = firstOf(parts.map(({ end }) => end));
  const delivered = new Map<string, number>();
  for (const [source, n] of parts.flatMap((part) => [...part.delivered]))
    delivered.set(source, n + (delivered.get(source) ?? 0));
  const cells = parts
    .flatMap((part) => part.cells)
    .filter(({ place }) => edge === null || compareKeys(place, edge) <= 0);
  const unique = tellsUniques(query);
  const all = rowsOf(cells, (source) => (delivered.get(source) ?? 0) > 0)
    .filter(({ events }) => events > 0)
    .toSorted((a, b) => compareKeys([a.slot, a.grp], [b.slot, b.grp]));
  const groups = all.slice(0, query.limit).map((row) => groupOf(row, unique));
  const last = groups.at(-1);
  return {
    groups,
    next: all.length > query.limit && last !== undefined ? [last.slot, last.group] : edge,
  };
}

/** All counts of a campaign within a range (ms), over all databases; null if no event of it was counted there. */
export async function readCampaignAcross(
  shards: Shards,
  campaign: string,
  range: Range,
): Promise<Counts | null> {
  const only = onlyShard(shards);
  if (only !== null) return await readCampaign(only.db, campaign, range);
  const query = { ...range, campaign: [campaign], bucket: "none", by: "none", limit: 1 } as const;
  return (await readStatsAcross(shards, query)).groups[0]?.counts ?? null;
}

/** A row of {@link readCells}: a cell, or, with `slot` null, a source and its deliveries in `n`. */
interface CellRow {
  slot: number | null;
  grp: string;
  source: string;
  /** JSON, in the order of NAMES. */
  counts: string;
  /** How many cells there are in all. */
  n: number;
}

/** SQL for about how many bytes a cell takes. */
const SIZE = "200 + octet_length(grp) + octet_length(source)";

/** The cells behind `after` of the first groups, as many as a page may need, and about as many as fit into `most` bytes. */
async function readCells(db: Db, query: StatsQuery, most: number): Promise<Cells> {
  const values: (string | number)[] = [];
  const bind = (value: string | number): string => `?${values.push(value)}`;
  const { after = [-1, ""], limit } = query;
  const sql = `
    WITH ${summedSql(query, bind)},
    counted AS MATERIALIZED (${COUNTED_CELLS}),
    placed AS (
      SELECT *, count(*) OVER () AS cells, dense_rank() OVER (ORDER BY slot, grp) AS place,
        sum(${SIZE}) OVER (ORDER BY slot, grp) - sum(${SIZE}) OVER (PARTITION BY slot, grp) AS before
      FROM counted WHERE (slot, grp) > (${bind(after[0])}, ${bind(after[1])}))
    SELECT slot, grp, source, json_array(${NAMES.join(", ")}) AS counts, cells AS n FROM placed
    WHERE place <= ${bind(limit + 1)} AND before < ${bind(most)}
    UNION ALL
    SELECT NULL, '', source, '', sum(delivered) FROM counted GROUP BY source`;
  const { results } = await db
    .prepare(sql)
    .bind(...values)
    .all<CellRow>();
  const cells: Cell[] = [];
  const delivered = new Map<string, number>();
  let total = 0;
  for (const { slot, grp, source, counts, n } of results) {
    if (slot === null) delivered.set(source, n);
    else {
      cells.push({ place: [slot, grp], source, counts: JSON.parse(counts) as number[] });
      total = n;
    }
  }
  // The rows come in no order, because only the groups' places matter.
  const places = cells.map(({ place }) => place).toSorted(compareKeys);
  return { cells, end: total > cells.length ? (places.at(-1) ?? null) : null, delivered };
}

type Numbers = Readonly<Record<string, number>>;

/**
 * Adds up the cells, first by group and source and then by group. `tells`: whether a source reports deliveries in the
 * range, which decides what counts as attempted and reached (as statsSql in src/store/stats/stats.ts has it).
 */
function rowsOf(cells: readonly Cell[], tells: (source: string) => boolean): Row[] {
  const bySource = Map.groupBy(cells, ({ place, source }) => JSON.stringify([...place, source]));
  const rows = new Map<string, Record<string, number | string>>();
  for (const same of bySource.values()) {
    const [first] = same;
    if (first === undefined) continue;
    const { place, source } = first;
    const sums = Object.fromEntries(
      NAMES.map((name, i) => [name, same.reduce((sum, { counts }) => sum + (counts[i] ?? 0), 0)]),
    );
    const numbers: Numbers = { ...sums, ...outcomesOf(sums, tells(source)) };
    const key = JSON.stringify(place);
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { slot: place[0], grp: place[1], ...numbers });
    else for (const [name, n] of Object.entries(numbers)) row[name] = Number(row[name]) + n;
  }
  return [...rows.values()] as unknown as Row[];
}

function outcomesOf(
  { sent = 0, delivered = 0, bounced = 0, blocked = 0 }: Numbers,
  tells: boolean,
): { attempted: number; reached: number } {
  const refused = bounced + blocked;
  return tells
    ? { attempted: delivered + refused, reached: delivered }
    : { attempted: Math.max(sent, refused), reached: Math.max(sent - refused, 0) };
}
