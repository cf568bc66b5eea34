// Reads and maintenance of the sources' counters.

import { firstIdAt } from "../../lib/time-id.ts";
import type { UnknownKind } from "../../model/unknown-word.ts";
import type { Db } from "../db.ts";
import { DAY } from "../../lib/time.ts";
import { UNCOUNTED_SOURCES } from "../write/counting.ts";

/** A source's row, with the number of its dead letters; times in ms. */
export interface SourceRecord {
  source: string;
  provider: string;
  last_received_at: number;
  last_event_at: number | null;
  last_ping_at: number | null;
  lag_ms: number;
  events: number;
  duplicates: number;
  pings: number;
  outside: number;
  dead_letters: number;
}

/** The sources' rows with what is not counted yet, as the table `told`. */
const WITH_UNCOUNTED = `
  WITH u AS MATERIALIZED (${UNCOUNTED_SOURCES}),
  told AS (
    SELECT k.source, coalesce(u.provider, s.provider) AS provider,
      max(coalesce(s.last_received_at, 0), coalesce(u.received_at, 0)) AS last_received_at,
      coalesce(max(s.last_event_at, u.received_at), s.last_event_at, u.received_at) AS last_event_at,
      s.last_ping_at, coalesce(u.lag_ms, s.lag_ms) AS lag_ms, coalesce(s.events, 0) + coalesce(u.n, 0) AS events,
      coalesce(s.duplicates, 0) AS duplicates, coalesce(s.pings, 0) AS pings, coalesce(s.outside, 0) AS outside
    FROM (SELECT source FROM sources UNION SELECT source FROM u) AS k
    LEFT JOIN sources AS s USING (source) LEFT JOIN u USING (source))`;

/** All sources that have ever sent anything. */
export async function listSources(db: Db): Promise<SourceRecord[]> {
  const rows = await db
    .prepare(
      `${WITH_UNCOUNTED} SELECT told.*, coalesce(d.n, 0) AS dead_letters FROM told
       LEFT JOIN (SELECT source, count(*) AS n FROM dead_letters GROUP BY source) AS d USING (source)
       ORDER BY source`,
    )
    .all<SourceRecord>();
  return rows.results;
}

/** A word that a source's tables do not know, and how often it came; times in ms. */
export interface WordRecord {
  kind: UnknownKind;
  word: string;
  n: number;
  first_seen: number;
  last_seen: number;
  /** The id of an event with it; null if that is gone. */
  event: string | null;
}

/** A network outside of a source's list, and how many requests came from it; times in ms. */
export interface NetworkRecord {
  network: string;
  n: number;
  first_seen: number;
  last_seen: number;
}

/**
 * A source, its unknown words, and the networks outside of its list, the latest ones first; null if the source has never
 * sent anything.
 */
export async function findSource(
  db: Db,
  source: string,
): Promise<(SourceRecord & { unknown: WordRecord[]; networks: NetworkRecord[] }) | null> {
  const record = await db
    .prepare(
      `${WITH_UNCOUNTED}
       SELECT told.*, (SELECT count(*) FROM dead_letters AS d WHERE d.source = ?1) AS dead_letters
       FROM told WHERE source = ?1`,
    )
    .bind(source)
    .first<SourceRecord>();
  if (record === null) return null;
  const { results } = await db
    .prepare(
      `SELECT kind, word, n, first_seen, last_seen, (SELECT id FROM events WHERE events.id = w.event) AS event
       FROM unknown_words AS w WHERE source = ?1 ORDER BY last_seen DESC, kind, word`,
    )
    .bind(source)
    .all<WordRecord>();
  const networks = await db
    .prepare(
      `SELECT network, n, first_seen, last_seen FROM outside_networks WHERE source = ?1
       ORDER BY last_seen DESC, network`,
    )
    .bind(source)
    .all<NetworkRecord>();
  return { ...record, unknown: results, networks: networks.results };
}

const TALLIES_LIVE = 35 * DAY; // longer than any claim, so that a late repeat is still not counted twice
const MOST_A_RUN = 1_000;

/** Deletes old tallies, at most 1,000 at a time. `now`: ms. */
export async function forgetTallies(db: D1Database, now: number): Promise<void> {
  await db
    .prepare(
      "DELETE FROM tallies WHERE envelope IN (SELECT envelope FROM tallies WHERE envelope < ?1 LIMIT ?2)",
    )
    .bind(firstIdAt(now - TALLIES_LIVE), MOST_A_RUN)
    .run();
}
