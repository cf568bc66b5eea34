// Configured pipes. What a person set is kept here; how far a pipe has come is kept by its object. A pipe that was deleted is
// known to nobody but those who clear away what is left of it, so that a crash half-way leaves nothing behind.

import type { Db } from "../db.ts";
import { pausedEventStatement } from "./system-events.ts";

/** How a pipe delivers, whatever its kind. */
export interface PipeOptions {
  /** Most events in one request; the kind's own limit where that is lower. */
  batch: number;
  /** Requests under way at once. */
  concurrency: number;
  /** Requests a second; null for as many as go. */
  rate: number | null;
  /** Whether a contact's events are kept in order: then those behind one that is refused wait with it. */
  ordered: boolean;
  /** The share of successful requests that is noted in the log, 0 to 1. */
  log_share: number;
}

/** Where in the two feeds a pipe is: everything until these places is done. */
export interface FeedPositions {
  events: number;
  notices: number;
}

/** A pipe as stored; times in ms. */
export interface PipeRecord {
  id: string;
  name: string;
  kind: string;
  settings: Record<string, unknown>;
  secrets: string | null;
  filter: string | null;
  options: PipeOptions;
  start: FeedPositions;
  paused: string | null;
  paused_at: number | null;
  revision: number;
  created_at: number;
  changed_at: number;
}

type Row = Omit<PipeRecord, "settings" | "options" | "start"> &
  Record<"settings" | "options" | "start", string>;

const toRecord = (row: Row): PipeRecord => ({
  ...row,
  settings: JSON.parse(row.settings) as PipeRecord["settings"],
  options: JSON.parse(row.options) as PipeOptions,
  start: JSON.parse(row.start) as FeedPositions,
});

const COLUMNS =
  "id, name, kind, settings, secrets, filter, options, start, paused, paused_at, revision, created_at, changed_at";

export async function getPipe(db: Db, id: string): Promise<PipeRecord | null> {
  const row = await db
    .prepare(`SELECT ${COLUMNS} FROM pipes WHERE id = ?1 AND deleted_at IS NULL`)
    .bind(id)
    .first<Row>();
  return row === null ? null : toRecord(row);
}

/** All pipes, the oldest first. There are some dozens at most: see MOST_PIPES. */
export async function listPipes(db: Db): Promise<PipeRecord[]> {
  const { results } = await db
    .prepare(`SELECT ${COLUMNS} FROM pipes WHERE deleted_at IS NULL ORDER BY id`)
    .all<Row>();
  return results.map(toRecord);
}

/** What is to be done about a pipe, and where it began. */
export interface PipeState {
  id: string;
  state: "running" | "paused" | "deleted";
  start: FeedPositions;
}

/** All pipes, those that were deleted and are not cleared away yet among them. */
export async function listPipeStates(db: Db): Promise<PipeState[]> {
  const { results } = await db
    .prepare(
      `SELECT id, iif(deleted_at IS NOT NULL, 'deleted', iif(paused IS NULL, 'running', 'paused')) AS state, start
       FROM pipes ORDER BY id`,
    )
    .all<{ id: string; state: PipeState["state"]; start: string }>();
  return results.map(({ id, state, start }) => ({ id, state, start: JSON.parse(start) as FeedPositions }));
}

/** Every batch that is stored wakes each of them. */
export const MOST_PIPES = 50;

/** Keeps a new pipe; what keeps it from being kept, if anything. */
export async function addPipe(db: D1Database, pipe: PipeRecord): Promise<"name" | "number" | null> {
  const { id, name, kind, settings, secrets, filter, options, start, revision, created_at, changed_at } =
    pipe;
  const told = [JSON.stringify(settings), secrets, filter, JSON.stringify(options), JSON.stringify(start)];
  const { meta } = await db
    .prepare(
      `INSERT INTO pipes (id, name, kind, settings, secrets, filter, options, start, revision, created_at, changed_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 WHERE (SELECT count(*) FROM pipes WHERE deleted_at IS NULL) < ${MOST_PIPES}
       ON CONFLICT DO NOTHING`,
    )
    .bind(id, name, kind, ...told, revision, created_at, changed_at)
    .run();
  if (meta.changes > 0) return null;
  const taken = await db.prepare("SELECT 1 AS n FROM pipes WHERE name = ?1").bind(name).first("n");
  return taken === null ? "number" : "name";
}

/** Changes what a person set, where it is still of the revision that was read; otherwise, or with a taken name, not. */
export async function changePipe(db: D1Database, pipe: PipeRecord): Promise<boolean> {
  const { id, name, settings, secrets, filter, options, revision, changed_at } = pipe;
  const { meta } = await db
    .prepare(
      `UPDATE OR IGNORE pipes SET name = ?2, settings = ?3, secrets = ?4, filter = ?5, options = ?6, changed_at = ?7,
         revision = revision + 1
       WHERE id = ?1 AND revision = ?8 AND deleted_at IS NULL`,
    )
    .bind(id, name, JSON.stringify(settings), secrets, filter, JSON.stringify(options), changed_at, revision)
    .run();
  return meta.changes > 0;
}

/** Pauses a pipe that runs; `told`: whether the other pipes hear of it. Whether it ran. `at`: ms. */
export async function pausePipe(
  db: D1Database,
  {
    pipe,
    reason,
    at,
    told,
  }: { pipe: Pick<PipeRecord, "id" | "name">; reason: string; at: number; told: boolean },
): Promise<boolean> {
  const { id, name } = pipe;
  const pausing = db
    .prepare(
      "UPDATE pipes SET paused = ?2, paused_at = ?3 WHERE id = ?1 AND paused IS NULL AND deleted_at IS NULL",
    )
    .bind(id, reason, at);
  const [done] = await db.batch([
    pausing,
    ...(told ? [pausedEventStatement(db, { pipe: id, name, reason, at })] : []),
  ]);
  return (done?.meta.changes ?? 0) > 0;
}

/** Lets a paused pipe run again. Whether it was paused. */
export async function resumePipe(db: D1Database, id: string): Promise<boolean> {
  const { meta } = await db
    .prepare("UPDATE pipes SET paused = NULL, paused_at = NULL WHERE id = ?1 AND paused IS NOT NULL")
    .bind(id)
    .run();
  return meta.changes > 0;
}

/** Deletes a pipe: its secrets and its name at once. What is left is cleared away after. Whether there was one. `now`: ms. */
export async function deletePipe(db: D1Database, id: string, now: number): Promise<boolean> {
  const { meta } = await db
    .prepare(
      `UPDATE pipes SET deleted_at = ?2, name = 'deleted ' || id, settings = '{}', secrets = NULL, filter = NULL
       WHERE id = ?1 AND deleted_at IS NULL`,
    )
    .bind(id, now)
    .run();
  return meta.changes > 0;
}

/** Forgets a deleted pipe, of which nothing else is left. */
export async function forgetPipe(db: D1Database, id: string): Promise<void> {
  await db.prepare("DELETE FROM pipes WHERE id = ?1 AND deleted_at IS NOT NULL").bind(id).run();
}
