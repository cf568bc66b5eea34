// The row of the latest rebuild: how far it has come, so that any run can go on. A run that reads the row moves it only if
// it is still where it read it, so that two runs at once do the same work twice and count it once.

import type { Db } from "../db.ts";

/** The phases in their order: each reads a part of what is left, and those that protect people come first. */
export const PHASES = [
  "erasures",
  "acts",
  "contacts",
  "suppressions",
  "events",
  "dead letters",
  "pipes",
] as const;
export type Phase = (typeof PHASES)[number];

/** What a rebuild has restored so far. */
export interface RebuildCounts {
  objects: number;
  deliveries: number;
  events: number;
  acts: number;
  dead_letters: number;
  pipes: number;
}

/** The row; times in ms since the epoch. */
export interface Rebuild extends RebuildCounts {
  id: string;
  asked_at: number;
  asked_by: string;
  phase: Phase;
  cursor: string;
  tries: number;
  tallied: string;
  skipped: number;
  /** JSON: the keys of the first objects that were passed over. */
  skipped_keys: string;
  stopped_at: number | null;
  finished_at: number | null;
}

/** The latest rebuild; null if there was none. */
export async function readRebuild(db: Db): Promise<Rebuild | null> {
  return await db.prepare("SELECT * FROM rebuild").first<Rebuild>();
}

/** Whether the rebuild is under way. */
export function isRunning({ stopped_at, finished_at }: Pick<Rebuild, "stopped_at" | "finished_at">): boolean {
  return stopped_at === null && finished_at === null;
}

/** Whether it has come so far that everybody is suppressed who was, as far as their objects still know. */
export function arePeopleKnown({ phase }: Pick<Rebuild, "phase">): boolean {
  return PHASES.indexOf(phase) >= PHASES.indexOf("events");
}

/**
 * Begins a rebuild, or lets a stopped one go on. One that is under way stays as it is. What an earlier one has counted
 * of repeats and pings stays counted.
 */
export async function beginRebuild(
  db: D1Database,
  { id, at, by }: { id: string; at: number; by: string },
): Promise<void> {
  await db.batch([
    db.prepare("UPDATE rebuild SET stopped_at = NULL WHERE finished_at IS NULL"),
    db
      .prepare(
        `INSERT INTO rebuild (one, id, asked_at, asked_by, phase) VALUES (1, ?1, ?2, ?3, '${PHASES[0]}')
         ON CONFLICT DO UPDATE SET id = excluded.id, asked_at = excluded.asked_at, asked_by = excluded.asked_by,
           phase = excluded.phase, cursor = '', tries = 0, objects = 0, deliveries = 0, events = 0, acts = 0,
           dead_letters = 0, pipes = 0, skipped = 0, skipped_keys = '[]', stopped_at = NULL, finished_at = NULL
         WHERE rebuild.finished_at IS NOT NULL`,
      )
      .bind(id, at, by),
  ]);
}

/**
 * Stops a rebuild that is under way. Returns whether one was. A place among the contacts is an address, which must not
 * stay here: that phase begins again. `at`: ms.
 */
export async function stopRebuild(db: D1Database, at: number): Promise<boolean> {
  const { meta } = await db
    .prepare(
      "UPDATE rebuild SET stopped_at = ?1, cursor = iif(phase = 'contacts', '', cursor) WHERE stopped_at IS NULL AND finished_at IS NULL",
    )
    .bind(at)
    .run();
  return meta.changes > 0;
}

/** The condition that the row is still where it was read. ?1: id; ?2: phase; ?3: cursor. */
const UNMOVED = "id = ?1 AND phase = ?2 AND cursor = ?3";

/** Notes that work behind the cursor begins: a process that ends there leaves the note. */
export async function noteTry(db: D1Database, { id, phase, cursor }: Rebuild): Promise<void> {
  await db.prepare(`UPDATE rebuild SET tries = tries + 1 WHERE ${UNMOVED}`).bind(id, phase, cursor).run();
}

/** Takes the notes back: what failed was not the work but a service. */
export async function forgiveTries(db: D1Database, { id, phase, cursor }: Rebuild): Promise<void> {
  await db.prepare(`UPDATE rebuild SET tries = 0 WHERE ${UNMOVED}`).bind(id, phase, cursor).run();
}

/** The statement that moves the cursor and adds up what was restored. */
export function movedOn(
  db: D1Database,
  { id, phase, cursor }: Rebuild,
  to: string,
  found: Partial<RebuildCounts>,
): D1PreparedStatement {
  const { objects = 0, deliveries = 0, events = 0, acts = 0, dead_letters = 0, pipes = 0 } = found;
  return db
    .prepare(
      `UPDATE rebuild SET cursor = ?4, tries = 0, objects = objects + ?5, deliveries = deliveries + ?6,
         events = events + ?7, acts = acts + ?8, dead_letters = dead_letters + ?9, pipes = pipes + ?10,
         tallied = iif(phase = 'events', max(tallied, ?4), tallied)
       WHERE ${UNMOVED}`,
    )
    .bind(id, phase, cursor, to, objects, deliveries, events, acts, dead_letters, pipes);
}

/** Most keys of objects that were passed over that the row remembers. */
const MOST_KEYS = 100;

/** Passes over an object at which the work fails whenever it is tried. */
export async function passOver(db: D1Database, { id, phase, cursor }: Rebuild, key: string): Promise<void> {
  await db
    .prepare(
      `UPDATE rebuild SET cursor = ?4, tries = 0, skipped = skipped + 1,
         skipped_keys = iif(json_array_length(skipped_keys) < ${MOST_KEYS},
           json_insert(skipped_keys, '$[#]', ?4), skipped_keys)
       WHERE ${UNMOVED}`,
    )
    .bind(id, phase, cursor, key)
    .run();
}

/** Begins the next phase, or ends the rebuild after the last one. `at`: ms. */
export async function endPhase(db: D1Database, { id, phase, cursor }: Rebuild, at: number): Promise<void> {
  const next = PHASES[PHASES.indexOf(phase) + 1] ?? null;
  await db
    .prepare(
      `UPDATE rebuild SET phase = coalesce(?4, phase), cursor = '', tries = 0, finished_at = iif(?4 IS NULL, ?5, NULL)
       WHERE ${UNMOVED}`,
    )
    .bind(id, phase, cursor, next, at)
    .run();
}
