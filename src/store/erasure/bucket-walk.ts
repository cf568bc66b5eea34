// How far erasures have come in their walk through the bucket, and what they found there.

import type { Db } from "../db.ts";
import type { Erasure } from "./erasures.ts";

/** What an erasure found and changed in one page of the bucket: numbers of objects and of raw elements. */
export interface Looked {
  looked_at: number;
  rewritten: number;
  elements: number;
  /** The keys of objects that cannot be read. */
  unreadable: string[];
}

/** The most keys of unreadable objects that a request remembers. */
const MOST_UNREADABLE = 100;

/** The keys in ?8 that the request does not remember yet. Both passes may find the same. */
const NEW_KEYS =
  "SELECT value FROM json_each(?8) WHERE value NOT IN (SELECT value FROM json_each(unreadable_keys))";

/**
 * Moves the cursors of erasures past a page of the bucket and adds up their counts. If two runs process the same page,
 * only the first one's counts are added.
 */
export async function moveOn(
  db: Db,
  moves: readonly { erasure: Erasure; cursor: string; looked: Looked }[],
): Promise<void> {
  const move = db.prepare(
    `UPDATE erasures SET cursor = ?4, looked_at = looked_at + ?5, rewritten = rewritten + ?6,
       elements = elements + ?7, unreadable = unreadable + (SELECT count(*) FROM (${NEW_KEYS})),
       unreadable_keys = (SELECT json_group_array(value) FROM (
         SELECT value FROM json_each(unreadable_keys) UNION ALL ${NEW_KEYS} LIMIT ${MOST_UNREADABLE})),
       stuck_key = NULL, stuck_since = NULL, stuck_tries = 0
     WHERE id = ?1 AND pass = ?2 AND cursor = ?3 AND tombstone = ?9`,
  );
  const statements = moves.map(({ erasure, cursor, looked }) => {
    const { id, pass, tombstone } = erasure;
    const counts = [looked.looked_at, looked.rewritten, looked.elements];
    const keys = JSON.stringify(looked.unreadable);
    return move.bind(id, pass, erasure.cursor, cursor, ...counts, keys, tombstone);
  });
  if (statements.length > 0) await db.batch(statements);
}

/** Notes at `now` (ms) that the walk of these erasures waits at an object, and adds up what it found in others. */
export async function waitAt(
  db: Db,
  key: string,
  waiting: readonly { erasure: Erasure; looked: Looked }[],
  now: number,
): Promise<void> {
  const wait = db.prepare(
    `UPDATE erasures SET stuck_tries = iif(stuck_key IS ?3, stuck_tries + 1, 1),
       stuck_since = iif(stuck_key IS ?3, stuck_since, ?4), stuck_key = ?3,
       rewritten = rewritten + ?5, elements = elements + ?6
     WHERE id = ?1 AND tombstone = ?2`,
  );
  const statements = waiting.map(({ erasure: { id, tombstone }, looked }) =>
    wait.bind(id, tombstone, key, now, looked.rewritten, looked.elements),
  );
  if (statements.length > 0) await db.batch(statements);
}

/** Begins the second pass: through the bucket behind the key `cursor`, and through the whole database. */
export async function lookAgain(
  db: Db,
  { id, tombstone }: Pick<Erasure, "id" | "tombstone">,
  cursor: string,
): Promise<void> {
  await db.batch([
    db
      .prepare(
        "UPDATE erasures SET pass = 2, cursor = ?2, rows_cursor = '' WHERE id = ?1 AND pass = 1 AND tombstone = ?3",
      )
      .bind(id, cursor, tombstone),
  ]);
}
