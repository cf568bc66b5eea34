// Dead letters by what they have in common, for decisions about many of them at once.

import { isOfEnvelope } from "./prefix-range.ts";
import { firstIdAt } from "../lib/time-id.ts";
import type { Db } from "./db.ts";
import { deleteDeadEnvelopes } from "./dead-letters.ts";

/** Which dead letters are meant; null for any. `reason`: how it begins; `from` (inclusive), `to`: receipt, ms. */
export interface LetterFilter {
  sources: readonly string[] | null;
  reason: string | null;
  from: number | null;
  to: number | null;
}

/** One matching dead letter. */
export interface MatchedLetter {
  id: string;
  envelope: string;
}

// The ids begin with the time of receipt.
const MATCHES = `id > ?1 AND id >= ?2 AND id < ?3
  AND (?4 IS NULL OR source IN (SELECT value FROM json_each(?4)))
  AND (?5 IS NULL OR substr(reason, 1, length(?5)) = ?5)`;

const valuesOf = ({ sources, reason, from, to }: LetterFilter, after: string): (string | null)[] => [
  after,
  from === null ? "" : firstIdAt(from),
  to === null ? "~" : firstIdAt(to),
  sources === null ? null : JSON.stringify(sources),
  reason,
];

/** The next matching dead letters behind the id `after`, at most `limit`, in order of receipt. */
export async function matchLetters(
  db: Db,
  filter: LetterFilter,
  after: string,
  limit: number,
): Promise<MatchedLetter[]> {
  const { results } = await db
    .prepare(`SELECT id, envelope FROM dead_letters WHERE ${MATCHES} ORDER BY id LIMIT ?6`)
    .bind(...valuesOf(filter, after), limit)
    .all<MatchedLetter>();
  return results;
}

/** How many dead letters match, and the most frequent reasons. */
export interface MatchedFigures {
  letters: number;
  envelopes: number;
  reasons: { source: string; reason: string; n: number }[];
}

const MOST_REASONS = 20;

/** Counts the matching dead letters. */
export async function countLetters(db: Db, filter: LetterFilter): Promise<MatchedFigures> {
  const values = valuesOf(filter, "");
  const [counted, grouped] = await db.batch<Record<string, unknown>>([
    db
      .prepare(
        `SELECT count(*) AS letters, count(DISTINCT envelope) AS envelopes FROM dead_letters WHERE ${MATCHES}`,
      )
      .bind(...values),
    db
      .prepare(
        `SELECT source, reason, count(*) AS n FROM dead_letters WHERE ${MATCHES}
         GROUP BY source, reason ORDER BY n DESC, source, reason LIMIT ${MOST_REASONS}`,
      )
      .bind(...values),
  ]);
  const { letters = 0, envelopes = 0 } = (counted?.results[0] ?? {}) as Partial<MatchedFigures>;
  return { letters, envelopes, reasons: (grouped?.results ?? []) as MatchedFigures["reasons"] };
}

/**
 * Deletes dead letters, and the envelopes that none of the others needs. The envelopes go first, so that a call that
 * breaks off leaves letters that can still be discarded. Returns how many letters there were.
 */
export async function discardLetters(
  db: D1Database,
  bucket: R2Bucket,
  letters: readonly MatchedLetter[],
): Promise<number> {
  const ids = JSON.stringify(letters.map(({ id }) => id));
  const envelopes = [...new Set(letters.map(({ envelope }) => envelope))];
  const { results } = await db
    .prepare(
      `SELECT DISTINCT d.envelope FROM json_each(?1) AS e CROSS JOIN dead_letters AS d
         ON ${isOfEnvelope("d.id", "e.value")}
       WHERE d.id NOT IN (SELECT value FROM json_each(?2))`,
    )
    .bind(JSON.stringify(envelopes), ids)
    .all<{ envelope: string }>();
  const needed = new Set(results.map(({ envelope }) => envelope));
  await deleteDeadEnvelopes(
    bucket,
    envelopes.filter((envelope) => !needed.has(envelope)),
  );
  const { meta } = await db
    .prepare("DELETE FROM dead_letters WHERE id IN (SELECT value FROM json_each(?1))")
    .bind(ids)
    .run();
  return meta.changes;
}
