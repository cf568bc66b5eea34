// Configured pipes. This table holds what a person set; the pipe's object holds how far it has come. A deleted pipe
// keeps its row until its object and its log are gone, so that a crash half-way leaves nothing behind. Only the
// clean-up sees that row.

import type { Db } from "../db.ts";
import type { FeedPosition } from "../feed-position.ts";
import { pausedEventStatement, resumedEventStatement } from "./system-events.ts";

/** How a pipe of any kind delivers. */
export interface PipeOptions {
  /** Most events in one request. The kind's own limit applies if it is lower. */
  batch: number;
  /** Requests under way at once. */
  concurrency: number;
  /** Requests a second; null for no limit. */
  rate: number | null;
  /** Whether a contact's events keep their order. If so, an event that fails holds up the later ones of its contact. */
  ordered: boolean;
  /** The share of successful requests that the log keeps, 0 to 1. */
  log_share: number;
}

/**
 * How far a pipe has come in its two feeds: the stored events, and the system events. The second is named `notices`
 * like its table, because rows and objects hold that name.
 */
export interface FeedPositions {
  events: FeedPosition;
  notices: FeedPosition;
}

/** A pipe as stored; times in ms. */
export interface PipeRecord {
  id: string;
  name: string;
  kind: string;
  settings: Record<string, unknown>;
  /** Encrypted (src/pipes/secrets.ts); null if the pipe has none. */
  secrets: string | null;
  /** An expression in CEL; null if the pipe passes on everything. */
  filter: string | null;
  options: PipeOptions;
  start: FeedPositions;
  /** Why it is paused; null while it runs. */
  paused: string | null;
  paused_at: number | null;
  /** Grows with each change by a person. A change applies only to the revision that it was made from. */
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

/** The pipe with this id; null if there is none, or it was deleted. */
export async function getPipe(db: Db, id: string): Promise<PipeRecord | null> {
  const row = await db
    .prepare(`SELECT ${COLUMNS} FROM pipes WHERE id = ?1 AND deleted_at IS NULL`)
    .bind(id)
    .first<Row>();
  return row === null ? null : toRecord(row);
}

/** The id of the pipe with this name; null if there is none. */
export async function pipeIdByName(db: Db, name: string): Promise<string | null> {
  return await db
    .prepare("SELECT id FROM pipes WHERE name = ?1 AND deleted_at IS NULL")
    .bind(name)
    .first<string>("id");
}

/** All pipes, the oldest first, at most MOST_PIPES of them. */
export async function listPipes(db: Db): Promise<PipeRecord[]> {
  const { results } = await db
    .prepare(`SELECT ${COLUMNS} FROM pipes WHERE deleted_at IS NULL ORDER BY id`)
    .all<Row>();
  return results.map(toRecord);
}

/** What maintenance needs to know about a pipe. */
export interface PipeState {
  id: string;
  state: "running" | "paused" | "deleted";
  start: FeedPositions;
}

/** All pipes, including deleted ones whose object or log still exists. */
export async function listPipeStates(db: Db): Promise<PipeState[]> {
  const { results } = await db
    .prepare(
      `SELECT id, iif(deleted_at IS NOT NULL, 'deleted', iif(paused IS NULL, 'running', 'paused')) AS state, start
       FROM pipes ORDER BY id`,
    )
    .all<{ id: string; state: PipeState["state"]; start: string }>();
  return results.map(({ id, state, start }) => ({ id, state, start: JSON.parse(start) as FeedPositions }));
}

/** The most pipes that there may be. Whenever events are stored, every pipe gets a call. */
export const MOST_PIPES = 50;

/** Stores a new pipe. Returns null, or why it was not stored: the name is taken, or there are MOST_PIPES already. */
export async function addPipe(db: D1Database, pipe: PipeRecord): Promise<"name_taken" | "too_many" | null> {
  const { id, name, kind, settings, secrets, filter, options, start, revision, created_at, changed_at } =
    pipe;
  const texts = [JSON.stringify(settings), secrets, filter, JSON.stringify(options), JSON.stringify(start)];
  const { meta } = await db
    .prepare(
      `INSERT INTO pipes (id, name, kind, settings, secrets, filter, options, start, revision, created_at, changed_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 WHERE (SELECT count(*) FROM pipes WHERE deleted_at IS NULL) < ${MOST_PIPES}
       ON CONFLICT DO NOTHING`,
    )
    .bind(id, name, kind, ...texts, revision, created_at, changed_at)
    .run();
  if (meta.changes > 0) return null;
  const taken = await db.prepare("SELECT 1 AS n FROM pipes WHERE name = ?1").bind(name).first("n");
  return taken === null ? "too_many" : "name_taken";
}

/**
 * Stores a change, and returns whether it did: not if the pipe has another revision by now, or the new name is taken.
 */
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

/**
 * Pauses a running pipe, and returns whether it was running. `told`: whether other pipes get `pipe.paused`. `at`: ms.
 */
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

/** How many pipes wait for a person: Tidings has paused them, because their destinations took nothing for too long. */
export async function countStopped(db: Db): Promise<number> {
  const { results } = await db
    .prepare(
      "SELECT count(*) AS n FROM pipes WHERE paused IS NOT NULL AND paused NOT LIKE 'paused by %' AND deleted_at IS NULL",
    )
    .all<{ n: number }>();
  return results[0]?.n ?? 0;
}

/**
 * Lets a paused pipe run again, and returns whether it was paused. `told`: whether pipes get `pipe.resumed`, as they got
 * `pipe.paused`. `at`: ms.
 */
export async function resumePipe(
  db: D1Database,
  { id, at, told }: { id: string; at: number; told: boolean },
): Promise<boolean> {
  const resuming = db
    .prepare("UPDATE pipes SET paused = NULL, paused_at = NULL WHERE id = ?1 AND paused IS NOT NULL")
    .bind(id);
  const done = await db.batch([...(told ? [resumedEventStatement(db, { pipe: id, at })] : []), resuming]);
  return (done.at(-1)?.meta.changes ?? 0) > 0;
}

/**
 * Deletes a pipe, and returns whether there was one. Its settings and secrets go at once and its name is free again;
 * the row stays until `forgetPipe`. `now`: ms.
 */
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

/** Removes the row of a deleted pipe, once its object and its log are gone. */
export async function forgetPipe(db: D1Database, id: string): Promise<void> {
  await db.prepare("DELETE FROM pipes WHERE id = ?1 AND deleted_at IS NOT NULL").bind(id).run();
}
