// Requests to remove a source's data, one row each. The row records how far the work has come, so that any run can
// resume it, and what was removed.

import type { Db } from "../db.ts";
import type { Shards } from "../shards.ts";

/**
 * A step of a removal, or `wait` at the end of a pass. The first five are those of the passes that remove, in their
 * order; `repeats` is the third pass.
 */
export type Phase = "events" | "suppressions" | "dead-letters" | "counters" | "archive" | "repeats" | "wait";

/** A request as stored; times in ms. */
export interface Removal {
  id: string;
  source: string;
  /** The source's provider; null if it was not known. */
  provider: string | null;
  /** Everything of the source that was received until then goes. */
  until: number;
  asked_at: number;
  asked_by: string;
  pass: 1 | 2 | 3;
  phase: Phase;
  /** Where the phase continues; "" at its beginning. */
  cursor: string;
  /** The last event that the first pass has looked at, by seq. */
  seen: number;
  events: number;
  messages: number;
  contacts: number;
  suppressions: number;
  dead_letters: number;
  /** Requests removed from the archive, and the objects of the archive that this changed. */
  deliveries: number;
  objects: number;
  /** Objects of the archive that cannot be read. */
  unreadable: number;
  /** When the second pass was through, ms; null before. */
  emptied_at: number | null;
  finished_at: number | null;
}

/** Where a removal continues. */
export type Place = Pick<Removal, "pass" | "phase" | "cursor" | "seen">;

/** The request with this id; null if there is none. */
export async function getRemoval(db: Db, id: string): Promise<Removal | null> {
  return await db.prepare("SELECT * FROM removals WHERE id = ?1").bind(id).first<Removal>();
}

/** The requests under way, at most `most`, the oldest first. */
export async function runningRemovals(db: Db, most: number): Promise<Removal[]> {
  const { results } = await db
    .prepare("SELECT * FROM removals WHERE finished_at IS NULL ORDER BY id LIMIT ?1")
    .bind(most)
    .all<Removal>();
  return results;
}

/**
 * Stores a request. If one for this source is under way, that one begins again, up to the new time, and is returned.
 */
export async function openRemoval(
  db: Db,
  {
    id,
    source,
    provider,
    asked_at,
    asked_by,
  }: Pick<Removal, "id" | "source" | "provider" | "asked_at" | "asked_by">,
): Promise<Removal> {
  const [, found] = await db.batch<Removal>([
    db
      .prepare(
        `INSERT INTO removals (id, source, until, asked_at, asked_by, provider)
         VALUES (?1, ?2, ?3, ?3, ?4, coalesce(?5, (SELECT provider FROM sources WHERE source = ?2)))
         ON CONFLICT (source) WHERE finished_at IS NULL DO UPDATE SET
           until = excluded.until, pass = 1, phase = 'events', cursor = '', seen = 0, emptied_at = NULL`,
      )
      .bind(id, source, asked_at, asked_by, provider),
    db.prepare("SELECT * FROM removals WHERE source = ?1 AND finished_at IS NULL").bind(source),
  ]);
  const [row] = found?.results ?? [];
  if (row === undefined) throw new Error("the request was not kept");
  return row;
}

/** What one step found in the archive. */
export type ArchiveFigures = Pick<Removal, "deliveries" | "objects" | "unreadable">;

/**
 * Moves a removal on, and adds up what its step found in the archive. Resolves to the removal as it is now: another run
 * may have moved it, or a repeated request may have made it begin again. Then neither place nor figures are noted.
 */
export async function moveRemoval(
  db: Db,
  { id, until, pass, phase, cursor }: Removal,
  to: Place,
  found: ArchiveFigures = { deliveries: 0, objects: 0, unreadable: 0 },
): Promise<Removal | null> {
  const [, now] = await db.batch<Removal>([
    db
      .prepare(
        `UPDATE removals SET pass = ?6, phase = ?7, cursor = ?8, seen = ?9, deliveries = deliveries + ?10,
           objects = objects + ?11, unreadable = unreadable + ?12
         WHERE id = ?1 AND until = ?2 AND pass = ?3 AND phase = ?4 AND cursor = ?5 AND finished_at IS NULL`,
      )
      .bind(id, until, pass, phase, cursor, to.pass, to.phase, to.cursor, to.seen, ...figuresOf(found)),
    db.prepare("SELECT * FROM removals WHERE id = ?1 AND finished_at IS NULL").bind(id),
  ]);
  return now?.results[0] ?? null;
}

const figuresOf = ({ deliveries, objects, unreadable }: ArchiveFigures): number[] => [
  deliveries,
  objects,
  unreadable,
];

/**
 * Opens the part of a removal in a shard beside the home, or begins it again for a later time. Returns the part, which
 * has ended if `finished_at` is set. Repeating it changes nothing.
 */
export async function openRemovalPart(
  db: Db,
  { id, source, provider, until, asked_at, asked_by }: Removal,
): Promise<Removal> {
  const [, found] = await db.batch<Removal>([
    db
      .prepare(
        `INSERT INTO removals (id, source, provider, until, asked_at, asked_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET until = excluded.until, pass = 1, phase = 'events', cursor = '', seen = 0,
           finished_at = NULL WHERE removals.until < excluded.until`,
      )
      .bind(id, source, provider, until, asked_at, asked_by),
    db.prepare("SELECT * FROM removals WHERE id = ?1").bind(id),
  ]);
  const [row] = found?.results ?? [];
  if (row === undefined) throw new Error("the part was not kept");
  return row;
}

/** Ends the part of a removal in a shard beside the home, unless it has begun again meanwhile. `now`: ms. */
export async function finishRemovalPart(db: Db, part: Removal, now: number): Promise<void> {
  await finishIn(2, db, part, now);
}

/** What a part counts; the rest of the receipt is of the home alone. */
const COUNTED = ["events", "messages", "contacts", "suppressions"] as const;

/** The receipts with what was removed in all shards. Rejects if a shard does not answer. */
export async function addUpRemovals(
  { all }: Pick<Shards, "all">,
  removals: readonly Removal[],
): Promise<Removal[]> {
  const sums = removals.map((removal) => ({ ...removal }));
  const ids = JSON.stringify(sums.map(({ id }) => id));
  const parts = await Promise.all(
    (sums.length === 0 ? [] : all.slice(1)).map(async ({ db }) => {
      const sql = `SELECT id, ${COUNTED.join(", ")} FROM removals WHERE id IN (SELECT value FROM json_each(?1))`;
      return await db.prepare(sql).bind(ids).all<Removal>();
    }),
  );
  for (const part of parts.flatMap(({ results }) => results))
    for (const sum of sums) if (sum.id === part.id) for (const name of COUNTED) sum[name] += part[name];
  return sums;
}

/** Begins the third pass of a removal, unless it has begun again meanwhile. `now`: ms. */
export async function noteEmptied(db: Db, { id, until }: Removal, now: number): Promise<void> {
  await db
    .prepare(
      `UPDATE removals SET pass = 3, phase = 'repeats', cursor = '', emptied_at = ?3
       WHERE id = ?1 AND until = ?2 AND pass = 2 AND finished_at IS NULL`,
    )
    .bind(id, until, now)
    .run();
}

/** Ends a removal, unless it has begun again meanwhile. `now`: ms. */
export async function finishRemoval(db: Db, removal: Removal, now: number): Promise<void> {
  await finishIn(3, db, removal, now);
}

/** Ends what is in its last pass. */
async function finishIn(pass: 2 | 3, db: Db, { id, until }: Removal, now: number): Promise<void> {
  await db
    .prepare(
      "UPDATE removals SET finished_at = ?3 WHERE id = ?1 AND until = ?2 AND pass = ?4 AND finished_at IS NULL",
    )
    .bind(id, until, now, pass)
    .run();
}
