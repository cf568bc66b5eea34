// Where in the feed to look. The events of a campaign have no index, because that would be one more row for each event.
// The campaign's counters note between which seqs its events were stored. Only these stretches of the feed are read.

import { DAY } from "../../lib/time.ts";
import type { Db } from "../db.ts";
import { OF_DAY } from "../write/counters.ts";
import { UNCOUNTED_EVENTS } from "../write/counting.ts";

/** A stretch of the feed: its first and last seq, both inclusive. */
export interface Stretch {
  first: number;
  last: number;
}

/** Cells of a campaign that are read; with more of them its events may lie anywhere. */
const MOST_CELLS = 20_000;
/** Stretches with fewer rows between them are read as one, because each costs a query. */
const GAP = 2_000;

/** Where the events of campaigns lie. */
export interface CampaignPlace {
  /** Apart from each other, in ascending order. */
  stretches: Stretch[];
  /** The days of the events: start of the first, ms, and end of the last. Null if they are not known. */
  days: { from: number; to: number } | null;
}

type Cell = { first: number | null; last: number | null; day: number };

/**
 * Where the events of these campaigns (and types) lie, within `edge`. To be asked after the edge was read, so that no
 * event up to it is missed.
 */
export async function placeOfCampaigns(
  db: Db,
  { campaign, type }: { campaign: readonly string[]; type?: readonly string[] | undefined },
  edge: { low: number; high: number },
): Promise<CampaignPlace> {
  const { results } = await db
    .prepare(
      `SELECT first_seq AS first, last_seq AS last, day FROM campaign_rollups
       WHERE campaign IN (SELECT value FROM json_each(?1)) AND n > gone
         AND (?2 IS NULL OR type IN (SELECT value FROM json_each(?2)))
       UNION ALL
       SELECT min(seq), max(seq), ${OF_DAY} FROM ${UNCOUNTED_EVENTS}
       WHERE campaign IN (SELECT value FROM json_each(?1))
         AND (?2 IS NULL OR type IN (SELECT value FROM json_each(?2))) GROUP BY 3
       ORDER BY first LIMIT ${MOST_CELLS + 1}`,
    )
    .bind(JSON.stringify(campaign), type === undefined ? null : JSON.stringify(type))
    .all<Cell>();
  const days = results.map(({ day }) => day);
  const known = results.length <= MOST_CELLS;
  const span = { from: Math.min(...days), to: Math.max(...days) + DAY };
  if (!known || results.some(({ first, last }) => first === null || last === null))
    return { stretches: [{ first: edge.low, last: edge.high }], days: known ? span : null };
  return { stretches: joined(results as (Cell & Stretch)[], edge), days: span };
}

function joined(cells: readonly Stretch[], edge: { low: number; high: number }): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { first, last } of cells) {
    const before = stretches.at(-1);
    const end = Math.min(last, edge.high);
    if (before !== undefined && first <= before.last + GAP) before.last = Math.max(before.last, end);
    else if (first <= end) stretches.push({ first: Math.max(first, edge.low), last: end });
  }
  return stretches;
}

/** The rest of the stretches behind `after`, in the direction of the order; nearest first. */
export function restBehind(stretches: readonly Stretch[], after: number, order: "asc" | "desc"): Stretch[] {
  const rest = stretches.flatMap(({ first, last }) => {
    const cut =
      order === "asc"
        ? { first: Math.max(first, after + 1), last }
        : { first, last: Math.min(last, after - 1) };
    return cut.first <= cut.last ? [cut] : [];
  });
  return order === "asc" ? rest : rest.toReversed();
}
