// The rows of a source: reads of them page by page, and the statements that remove them. What a removal counts, it
// counts in the transaction that deletes, so that a step that is repeated after a crash counts nothing twice.

import { contactPrefix } from "../../model/event-id.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import {
  storedColumns,
  toStoredRows,
  type StoredColumns,
  type StoredRow,
} from "../events/by-archive-object.ts";
import type { Db } from "../db.ts";
import { inFeedOrder, walkFeedRows } from "../feed-rows.ts";
import { isOf } from "../prefix-range.ts";
import { isCut, sizeOfEvent, withinBytes, type SizedRow } from "../within-bytes.ts";
import { UNCOUNTED_EVENTS } from "../write/counting.ts";
import { storeReplacements } from "../write/replace.ts";
import type { ContactChange } from "../write/rows.ts";
import { NO_ROWS, storeSlice } from "../write/slice.ts";
import { DISTURB_RECOUNT } from "../stats/recount.ts";
import type { Removal } from "./removals.ts";

/** Rows of a table that one step looks at, and rows of the source that it removes. */
const LOOKED_AT = 10_000;
const REMOVED = 500;

/** A page: the rows of the source in it, and the key of the last row looked at; null behind the table's end. */
export interface SourcePage<T, K> {
  rows: T[];
  last: K | null;
}

const EVENTS = withinBytes("events", {
  keys: `SELECT e.seq AS key, e.id, ${sizeOfEvent("e")} AS size
    FROM (SELECT e.* ${walkFeedRows({ after: "?1" })} ${inFeedOrder("asc")} LIMIT ${LOOKED_AT}) AS e
    WHERE e.source = ?2 AND e.received_at <= ?3 ORDER BY e.seq LIMIT ${REMOVED}`,
  columns: storedColumns("events"),
  order: "asc",
});

/** The source's events behind `after` (a seq) that were received until the removal's time. */
export async function eventsOfSource(
  db: Db,
  { source, until }: Pick<Removal, "source" | "until">,
  after: number,
): Promise<SourcePage<StoredRow, number>> {
  const [ends, found] = await db.batch<Record<string, unknown>>([
    db
      .prepare(
        `SELECT max(seq) AS last FROM (
           SELECT e.seq ${walkFeedRows({ after: "?1" })} ${inFeedOrder("asc")} LIMIT ${LOOKED_AT})`,
      )
      .bind(after),
    db.prepare(EVENTS).bind(after, source, until),
  ]);
  const sized = (found?.results ?? []) as unknown as (StoredColumns & SizedRow)[];
  const rows = (await toStoredRows(sized)).map(({ size: _, ...row }) => row);
  const end = (ends?.results[0]?.["last"] ?? null) as number | null;
  return { rows, last: rows.length === REMOVED || isCut(sized) ? (rows.at(-1)?.seq ?? end) : end };
}

/** The evidence of one suppression. */
export interface SourceEvidence {
  contact: string;
  event: string;
}

/**
 * The evidence of suppressions behind the contact `after` that a source reported in events which are not stored any
 * more: retention may have deleted them.
 */
export async function evidenceOfSource(
  db: Db,
  source: string,
  after: string,
): Promise<SourcePage<SourceEvidence, string>> {
  const { results } = await db
    .prepare(
      `SELECT s.contact, s.event, s.source = ?2 AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.id = s.event) AS own
       FROM (SELECT contact, event, source FROM suppressions WHERE contact > ?1 ORDER BY contact LIMIT ${REMOVED}) AS s`,
    )
    .bind(after, source)
    .all<SourceEvidence & { own: 0 | 1 }>();
  // The last contact of a full page may have more rows, so it is the first one of the next page.
  const last = results.at(-1)?.contact ?? null;
  const whole = results.length < REMOVED ? results : results.filter(({ contact }) => contact !== last);
  return { rows: whole.filter(({ own }) => own === 1), last: whole.at(-1)?.contact ?? null };
}

/** Stores contacts whose objects have forgotten evidence, and counts the suppressions that end by that. */
export async function storeForgetful(
  db: D1Database,
  { id }: Removal,
  contacts: readonly ContactChange[],
  forgotten: readonly SourceEvidence[],
): Promise<void> {
  if (contacts.length === 0) return;
  const left = new Map(
    contacts.map(({ contact, suppressions }) => [contact, new Set(suppressions.map((s) => s.event))]),
  );
  const gone = forgotten.filter(({ contact, event }) => left.get(contact)?.has(event) === false);
  const count = db
    .prepare(
      `UPDATE removals SET suppressions = suppressions + (SELECT count(*) FROM suppressions WHERE (contact, event) IN
         (SELECT value->>0, value->>1 FROM json_each(?2))) WHERE id = ?1`,
    )
    .bind(id, JSON.stringify(gone.map(({ contact, event }) => [contact, event])));
  await storeSlice(db, { ...NO_ROWS, contacts }, [count]);
}

const WHO = "(SELECT value->>0 AS contact, value->>1 AS prefix FROM json_each(?2))";
/** Contacts of ?2 of which nothing is left. */
const WITHOUT_ANYTHING = `SELECT who.contact FROM ${WHO} AS who
  WHERE NOT EXISTS (SELECT 1 FROM suppressions AS s WHERE s.contact = who.contact)
    AND NOT EXISTS (SELECT 1 FROM events AS e WHERE ${isOf("e", "who")})`;

/** Deletes events with their share of all counters, their messages, and contacts of which nothing is left. */
export async function deleteEvents(
  db: D1Database,
  { id }: Removal,
  rows: readonly StoredRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const who = JSON.stringify(
    [...new Set(rows.map(({ contact }) => contact))].map((one) => [one, contactPrefix(one)]),
  );
  const add = (column: string): D1PreparedStatement =>
    db.prepare(`UPDATE removals SET ${column} = ${column} + changes() WHERE id = ?1`).bind(id);
  await storeReplacements(
    db,
    rows.map((before) => ({ before, after: null })),
    "all",
    {
      afterEvents: [add("events")],
      afterMessages: [add("messages")],
      last: [
        db
          .prepare(
            `UPDATE removals SET contacts = contacts + (SELECT count(*) FROM (${WITHOUT_ANYTHING})) WHERE id = ?1`,
          )
          .bind(id, who),
        db
          .prepare(`DELETE FROM contacts WHERE suppressed IS NULL AND contact IN (${WITHOUT_ANYTHING})`)
          .bind(id, who),
        ...DISTURB_RECOUNT.map((sql) => db.prepare(sql)),
      ],
    },
  );
}

/** Dead letters of one step. */
const LETTERS = 200;

/** The source's next dead letters; an empty list at the end. */
export async function lettersOfSource(
  db: Db,
  { source, until }: Removal,
): Promise<{ id: string; envelope: string }[]> {
  const { results } = await db
    .prepare(
      `SELECT id, envelope FROM dead_letters WHERE source = ?1 AND received_at <= ?2 ORDER BY id LIMIT ${LETTERS}`,
    )
    .bind(source, until)
    .all<{ id: string; envelope: string }>();
  return results;
}

/** Deletes dead letters whose envelopes are deleted already, and counts them. */
export async function deleteLetters(db: D1Database, { id }: Removal, ids: readonly string[]): Promise<void> {
  await db.batch([
    db
      .prepare("DELETE FROM dead_letters WHERE id IN (SELECT value FROM json_each(?1))")
      .bind(JSON.stringify(ids)),
    db.prepare("UPDATE removals SET dead_letters = dead_letters + changes() WHERE id = ?1").bind(id),
  ]);
}

const COUNTERS = ["rollups", "day_rollups", "campaign_rollups", "tag_rollups"] as const;
/** Deliveries with something to count that one step forgets. */
const TALLIES = 5_000;

/**
 * Removes what the counters still hold of the source: the counts of events whose rows were deleted earlier (in the first
 * pass only, because those of newer events count), and how often it repeated itself, pinged and came from outside of its
 * list. Resolves to whether more is left for another call.
 */
export async function clearCounters(db: D1Database, { source, until, pass }: Removal): Promise<boolean> {
  const earlier = pass === 1 ? COUNTERS.flatMap(withoutGone) : [];
  const after = firstIdAt(until + 1);
  const results = await db.batch([
    ...earlier.map((sql) => db.prepare(sql).bind(source)),
    db
      .prepare(
        `DELETE FROM tallies WHERE envelope IN
           (SELECT envelope FROM tallies WHERE envelope < ?2 AND source = ?1 LIMIT ${TALLIES})`,
      )
      .bind(source, after),
    db.prepare("DELETE FROM outside_networks WHERE source = ?1 AND last_seen <= ?2").bind(source, until),
    db.prepare("DELETE FROM unknown_words WHERE source = ?1 AND last_seen <= ?2").bind(source, until),
    db
      .prepare(
        `UPDATE sources SET duplicates = t.duplicates, pings = t.pings, outside = t.outside,
           events = (SELECT coalesce(sum(n), 0) FROM day_rollups WHERE day_rollups.source = ?1)
         FROM (SELECT coalesce(sum(duplicates), 0) AS duplicates, coalesce(sum(pings), 0) AS pings,
           coalesce(sum(outside), 0) AS outside FROM tallies WHERE source = ?1 AND envelope >= ?2) AS t
         WHERE sources.source = ?1`,
      )
      .bind(source, after),
    db
      .prepare("DELETE FROM sources WHERE source = ?1 AND events = 0 AND last_received_at <= ?2")
      .bind(source, until),
  ]);
  return (results[earlier.length]?.meta.changes ?? 0) === TALLIES;
}

/** The statements that take the counts of deleted rows out of a table of counters. ?1: the source. */
const withoutGone = (table: (typeof COUNTERS)[number]): string[] => [
  `DELETE FROM ${table} WHERE source = ?1 AND n = gone`,
  `UPDATE ${table} SET n = n - gone, gone = 0 WHERE source = ?1 AND gone <> 0`,
];

/** What a removal would remove now. */
export type RemovableFigures = Pick<Removal, "events" | "messages" | "suppressions" | "dead_letters">;

/** Counts what a removal of the source's data would remove. */
export async function countRemovable(db: Db, source: string): Promise<RemovableFigures> {
  const found = await db
    .prepare(
      `SELECT
         (SELECT coalesce(sum(n - gone), 0) FROM day_rollups WHERE source = ?1)
           + (SELECT count(*) FROM ${UNCOUNTED_EVENTS} WHERE source = ?1) AS events,
         (SELECT count(*) FROM messages WHERE source = ?1) AS messages,
         (SELECT count(*) FROM suppressions WHERE source = ?1 AND by IS NULL) AS suppressions,
         (SELECT count(*) FROM dead_letters WHERE source = ?1) AS dead_letters`,
    )
    .bind(source)
    .first<RemovableFigures>();
  return found ?? { events: 0, messages: 0, suppressions: 0, dead_letters: 0 };
}
