// Notes from which networks an observed source's requests came that are not in its list, in the transaction that counts
// them, so that people see what `enforce` would refuse. Only such requests write a row, and a source has at most so many
// networks; those beyond count together.

import { DAY } from "../../lib/time.ts";
import type { Tally } from "./rows.ts";

/** Different networks of a source. */
export const MOST_NETWORKS = 100;
/** Different networks that one slice may add. */
const MOST_NEW = 50;
/** What stands for all others, and for requests that older versions took in. */
const OTHERS = "(others)";

/**
 * Counts the networks of deliveries that have no tally yet, so it runs before these are inserted. ?1: JSON rows, see
 * {@link networkRows}.
 */
export const COUNT_NETWORKS = `
  WITH full AS MATERIALIZED (
    SELECT source FROM outside_networks GROUP BY source HAVING count(*) >= ${MOST_NETWORKS}),
  came AS (
    SELECT value->>1 AS source, value->>2 AS network, value->>3 AS at FROM json_each(?1)
    WHERE NOT EXISTS (SELECT 1 FROM tallies WHERE tallies.envelope = value->>0))
  INSERT INTO outside_networks (source, network, n, first_seen, last_seen)
  SELECT source,
    CASE WHEN source NOT IN full OR EXISTS (
      SELECT 1 FROM outside_networks AS o WHERE (o.source, o.network) = (came.source, came.network))
    THEN network ELSE '${OTHERS}' END, count(*), min(at), max(at)
  FROM came WHERE true GROUP BY 1, 2
  ON CONFLICT DO UPDATE SET n = n + excluded.n, first_seen = min(first_seen, excluded.first_seen),
    last_seen = max(last_seen, excluded.last_seen)`;

/** The deliveries from outside of their source's list: envelope, source, network, time of receipt (ms). */
export function networkRows(tallies: readonly Tally[]): unknown[][] {
  const seen = new Set<string>();
  return tallies.flatMap(({ envelope, source, outside, network, received_at }) => {
    if (outside === 0) return [];
    const key = `${source} ${network}`;
    if (seen.size < MOST_NEW) seen.add(key);
    return [[envelope, source, seen.has(key) ? (network ?? OTHERS) : OTHERS, received_at]];
  });
}

/** How long a network is shown from which nothing comes any more. */
const NETWORKS_LIVE = 90 * DAY;

/** Deletes the networks from which nothing came for 90 days. `now`: ms. */
export async function forgetNetworks(db: D1Database, now: number): Promise<void> {
  await db
    .prepare("DELETE FROM outside_networks WHERE last_seen < ?1")
    .bind(now - NETWORKS_LIVE)
    .run();
}
