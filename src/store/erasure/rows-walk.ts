// The statements of an erasure's walk through the database. Each reads or changes a bounded part of one table.

import type { Erasure } from "./erasures.ts";
import { mayMention } from "./may-mention.ts";
import {
  storedColumns,
  toStoredRows,
  type StoredColumns,
  type StoredRow,
} from "../events/by-archive-object.ts";
import type { Db } from "../db.ts";
import { eventsWithSeqs, inFeedOrder, walkFeedRows } from "../feed-rows.ts";

/** Rows of one page. D1 bills each row that a page reads. */
const PAGE = 10_000;
/** Rows that are read whole at once: an event's row has up to 70 KB, and a result of D1 10 MB. */
export const AT_ONCE = 100;
/** Names of one page. */
const NAMES = 500;

/** A page of a table: the key of its last row, null behind the table's end, and the keys of rows that may mention. */
export interface Page {
  last: string | number | null;
  keys: (string | number)[];
}

interface PageRow {
  last: string | number | null;
  keys: string;
}

/** `rows`: what follows SELECT, from the key on, without a LIMIT. */
const pageQuery = (key: string, rows: string): string => `
  WITH page AS MATERIALIZED (
    SELECT ${key} AS key, ${mayMention("text", "?2")} AS may FROM (SELECT ${rows} LIMIT ${PAGE}))
  SELECT max(key) AS last, json_group_array(key) FILTER (WHERE may) AS keys FROM page`;

const textOf = (columns: readonly string[]): string =>
  `${columns.map((column) => `coalesce(${column}, '')`).join(" || ' ' || ")} AS text`;

const EVENTS_PAGE = pageQuery(
  "seq",
  `e.seq, ${textOf(["e.message_id", "e.campaign", "e.custom_id", "e.tags", "e.details"])} ${walkFeedRows({ after: "?1" })} ${inFeedOrder("asc")}`,
);

/** The events behind `after` (a seq). `pieces`: of the addresses, see {@link mayMention}. */
export async function pageOfEvents(db: Db, after: number, pieces: string): Promise<Page> {
  return await pageOf(db, EVENTS_PAGE, after, pieces);
}

async function pageOf(db: Db, sql: string, after: string | number, pieces: string): Promise<Page> {
  const row = await db.prepare(sql).bind(after, pieces).first<PageRow>();
  return { last: row?.last ?? null, keys: JSON.parse(row?.keys ?? "[]") as Page["keys"] };
}

/** The events with these seqs, at most {@link AT_ONCE}. */
export async function readEvents(db: Db, seqs: readonly (string | number)[]): Promise<StoredRow[]> {
  const { results } = await db
    .prepare(`SELECT ${storedColumns("e")} FROM ${eventsWithSeqs("?1")} AS e`)
    .bind(JSON.stringify(seqs))
    .all<StoredColumns>();
  return await toStoredRows(results);
}

/** The counters by name: the table, and its column with the name. */
export const NAMED_COUNTERS = { campaign_rollups: "campaign", tag_rollups: "tag" } as const;

/** A table of counters that have a name of the sender's. */
export type NamedCounter = keyof typeof NAMED_COUNTERS;

/** The names behind `after` in a table of counters, in order; fewer than a page are the last ones. */
export async function pageOfNames(
  db: Db,
  table: NamedCounter,
  after: string,
): Promise<{ names: string[]; isLast: boolean }> {
  const name = NAMED_COUNTERS[table];
  // From one name to the next by the index, because each has many cells.
  const { results } = await db
    .prepare(
      `WITH RECURSIVE names (name) AS (
         SELECT min(${name}) FROM ${table} WHERE ${name} > ?1
         UNION ALL SELECT (SELECT min(t.${name}) FROM ${table} AS t WHERE t.${name} > names.name) FROM names
         WHERE names.name IS NOT NULL LIMIT ${NAMES})
       SELECT name FROM names WHERE name IS NOT NULL`,
    )
    .bind(after)
    .all<{ name: string }>();
  return { names: results.map((row) => row.name), isLast: results.length < NAMES };
}

const SUMS: Readonly<Record<NamedCounter, readonly string[]>> = {
  campaign_rollups: ["n", "gone", "uniques", "unique_humans"],
  tag_rollups: ["n", "gone"],
};

/**
 * Adds the cells of one name to those of another, and deletes them. Cells that count rows which still exist stay as they
 * are: those rows were received after the erasure, and have the name. Returns whether any cell was renamed.
 */
export async function renameCells(
  db: D1Database,
  table: NamedCounter,
  from: string,
  to: string,
): Promise<boolean> {
  const name = NAMED_COUNTERS[table];
  const sums = SUMS[table];
  const added = sums.map((column) => `${column} = ${column} + excluded.${column}`).join(", ");
  const [, deleted] = await db.batch([
    db
      .prepare(
        `INSERT INTO ${table} (day, ${name}, source, type, bounce, machine, ${sums.join(", ")})
         SELECT day, ?2, source, type, bounce, machine, ${sums.join(", ")} FROM ${table}
         WHERE ${name} = ?1 AND n = gone ON CONFLICT DO UPDATE SET ${added}`,
      )
      .bind(from, to),
    db.prepare(`DELETE FROM ${table} WHERE ${name} = ?1 AND n = gone`).bind(from),
  ]);
  return (deleted?.meta.changes ?? 0) > 0;
}

/** The tables with other texts: their keys, the columns with texts, and the one with the time of the row, ms. */
export const TEXTS = {
  attempts: { key: "id", columns: ["reason", "excerpt"], time: "at" },
  notices: { key: "seq", columns: ["data"], time: "told" },
  dead_letters: { key: "id", columns: ["reason"], time: "received_at" },
  erasures: { key: "id", columns: ["note"], time: "asked_at" },
  bulk_decisions: { key: "id", columns: ["note"], time: "at" },
} as const;

/** A table with other texts. */
export type TextTable = keyof typeof TEXTS;

/** A page of a table with texts, like {@link pageOfEvents}. */
export async function pageOfTexts(
  db: Db,
  table: TextTable,
  after: string | number,
  pieces: string,
): Promise<Page> {
  const { key, columns } = TEXTS[table];
  const rows = `${key}, ${textOf(columns)} FROM ${table} WHERE ${key} > ?1 ORDER BY ${key}`;
  return await pageOf(db, pageQuery(key, rows), after, pieces);
}

/** A row of a table with texts. `at`: ms. */
export interface TextRow {
  key: string | number;
  at: number;
  texts: (string | null)[];
}

/** The rows with these keys, at most {@link AT_ONCE}. */
export async function readTexts(
  db: Db,
  table: TextTable,
  keys: readonly (string | number)[],
): Promise<TextRow[]> {
  const { key, columns, time } = TEXTS[table];
  const { results } = await db
    .prepare(
      `SELECT t.${key} AS key, t.${time} AS at, json_array(${columns.map((column) => `t.${column}`).join(", ")}) AS texts
       FROM json_each(?1) AS k CROSS JOIN ${table} AS t ON t.${key} = k.value`,
    )
    .bind(JSON.stringify(keys))
    .all<{ key: string | number; at: number; texts: string }>();
  return results.map(({ key: own, at, texts }) => ({
    key: own,
    at,
    texts: JSON.parse(texts) as (string | null)[],
  }));
}

/** Replaces the texts of rows. */
export async function writeTexts(db: D1Database, table: TextTable, rows: readonly TextRow[]): Promise<void> {
  if (rows.length === 0) return;
  const { key, columns } = TEXTS[table];
  const set = columns.map((column, index) => `${column} = ?${index + 2}`).join(", ");
  const update = db.prepare(`UPDATE ${table} SET ${set} WHERE ${key} = ?1`);
  await db.batch(rows.map((row) => update.bind(row.key, ...row.texts)));
}

/**
 * Moves the erasures' cursors in the database past a page and adds up what was changed. If two runs process the same page, only the
 * first of two runs counts.
 */
export async function moveRowsOn(
  db: D1Database,
  moves: readonly { erasure: Erasure; cursor: string; found: { mentions: number; names: number } }[],
): Promise<void> {
  const move = db.prepare(
    `UPDATE erasures SET rows_cursor = ?4, mentions = mentions + ?5, names = names + ?6
     WHERE id = ?1 AND pass = ?2 AND rows_cursor = ?3 AND tombstone = ?7`,
  );
  const statements = moves.map(({ erasure: { id, pass, rows_cursor, tombstone }, cursor, found }) =>
    move.bind(id, pass, rows_cursor, cursor, found.mentions, found.names, tombstone),
  );
  if (statements.length > 0) await db.batch(statements);
}
