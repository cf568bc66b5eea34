// How full the database is, as far as D1 tells: the size comes with every answer, the rest from the counters and from one
// row in which the scheduled look keeps what it has seen. D1 refuses the pragmas that would tell the free pages, so they
// are worked out: see src/model/storage/level.ts.

import { moveMark, type Fill, type Mark, type Threshold } from "../../model/storage/level.ts";
import type { Db } from "../db.ts";
import { UNCOUNTED_EVENTS } from "../write/counting.ts";

/** What the last look has seen. */
interface Seen {
  looked_at: number;
  events: number;
  mark_size: number;
  mark_events: number | null;
}

/** A fill, and when its events were counted, ms; null if they never were. */
export type KnownFill = Fill & { lookedAt: number | null };

/** SQLite's pages, of which each table and each index has at least one, bytes. */
const PAGE = 4_096;

const SEEN = `
  SELECT s.*, schema.trees FROM (SELECT count(*) AS trees FROM sqlite_schema WHERE rootpage > 0) AS schema
  LEFT JOIN storage AS s ON s.one = 1`;

interface Answer {
  /** Null before the first look. */
  seen: Seen | null;
  size: number;
  empty: number;
}

async function readSeen(db: Db): Promise<Answer> {
  const { results, meta } = await db.prepare(SEEN).all<(Seen | { looked_at: null }) & { trees: number }>();
  const [row] = results;
  const empty = (1 + (row?.trees ?? 0)) * PAGE;
  return { seen: row === undefined || row.looked_at === null ? null : row, size: meta.size_after, empty };
}

/** The size of a database, bytes, which comes with every answer. */
export async function sizeOf(db: Db): Promise<number> {
  return (await db.prepare("SELECT 1").all()).meta.size_after;
}

function fillOf({ seen, size, empty }: Answer, events: number, limit: number): KnownFill {
  const before: Mark | null = seen === null ? null : { size: seen.mark_size, events: seen.mark_events };
  const mark = moveMark(before, { size, events }, { limit, empty });
  return { limit, size, empty, events, mark, lookedAt: seen?.looked_at ?? null };
}

/**
 * The fill level with the size of this moment and the events of the last look, which is at most ten minutes old, and a
 * minute from 90 % on. It reads one row and the schema. `limit`: the largest size, bytes.
 */
export async function readFill(db: Db, limit: number): Promise<KnownFill> {
  const answer = await readSeen(db);
  return fillOf(answer, answer.seen?.events ?? 0, limit);
}

/**
 * The same with the events counted now: it reads a row for each cell of the counters by day, some hundreds for each day
 * of a busy sender.
 */
export async function lookAtFill(db: Db, limit: number): Promise<KnownFill> {
  const answer = await readSeen(db);
  return fillOf(answer, await countStored(db), limit);
}

/** How many events are stored: those that were counted, without those that are gone, and those that were not yet. */
async function countStored(db: Db): Promise<number> {
  const counted = "SELECT coalesce(sum(n - gone), 0) FROM day_rollups";
  const sql = `SELECT (${counted}) + (SELECT count(*) FROM ${UNCOUNTED_EVENTS}) AS n`;
  return (await db.prepare(sql).first<number>("n")) ?? 0;
}

const KEEP = `
  INSERT INTO storage (one, looked_at, events, mark_size, mark_events) VALUES (1, ?1, ?2, ?3, ?4)
  ON CONFLICT DO UPDATE SET looked_at = excluded.looked_at, events = excluded.events, mark_size = excluded.mark_size,
    mark_events = excluded.mark_events`;

/** Keeps what a look has seen. `now`: ms. */
export async function keepLook(db: Db, { events, mark }: Fill, now: number): Promise<void> {
  await db.prepare(KEEP).bind(now, events, mark.size, mark.events).run();
}

/**
 * Notes that people are told of a threshold (0: below all of them) on a day (its start, ms). Resolves to false if they
 * were told of it, or of a higher one, on this day before.
 */
export async function noteTold(db: Db, day: number, threshold: Threshold | 0): Promise<boolean> {
  const { meta } = await db
    .prepare(
      "UPDATE storage SET told_on = ?1, told = ?2 WHERE one = 1 AND (told_on < ?1 OR (told_on = ?1 AND told < ?2))",
    )
    .bind(day, threshold)
    .run();
  return meta.changes > 0;
}
