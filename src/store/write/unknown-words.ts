// Counts words that a provider's tables do not know, in the transaction that stores their events. An event counts once,
// because only new rows of the feed are counted. A source has at most so many words; those beyond count together.

import { DAY } from "../../lib/time.ts";
import type { UnknownKind } from "../../model/unknown-word.ts";
import { ARE_NEW } from "./counters.ts";

/** An unknown word in an event. */
export interface WordOfEvent {
  /** The event's id. */
  event: string;
  source: string;
  kind: UnknownKind;
  word: string;
}

/** Different words of a source that are counted one by one. */
export const MOST_WORDS = 100;
/** Different words that one slice may add. */
const MOST_NEW = 50;
/** The word that stands for all others. */
export const OTHERS = "(others)";

// ?1: any source of the slice, for the mark; ?2: JSON rows of event, source, kind and word.
/** Counts the words of the slice's new events. */
export const COUNT_WORDS = `
  WITH full AS MATERIALIZED (SELECT source FROM unknown_words GROUP BY source HAVING count(*) >= ${MOST_WORDS}),
  said AS (
    SELECT v.value->>1 AS source, v.value->>2 AS kind, v.value->>3 AS word, events.received_at AS at, events.id AS id
    FROM json_each(?2) AS v CROSS JOIN events ON events.id = v.value->>0 AND events.${ARE_NEW})
  INSERT INTO unknown_words (source, kind, word, n, first_seen, last_seen, event)
  SELECT source, kind,
    CASE WHEN source NOT IN full OR EXISTS (
      SELECT 1 FROM unknown_words AS u WHERE (u.source, u.kind, u.word) = (said.source, said.kind, said.word))
    THEN word ELSE '${OTHERS}' END, count(*), min(at), max(at), max(id)
  FROM said WHERE true GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET n = n + excluded.n, first_seen = min(first_seen, excluded.first_seen),
    last_seen = max(last_seen, excluded.last_seen), event = excluded.event`;

/** The value ?2 of {@link COUNT_WORDS}. */
export function wordRows(words: readonly WordOfEvent[]): string {
  const seen = new Set<string>();
  const rows = words.map(({ event, source, kind, word }) => {
    const key = JSON.stringify([source, kind, word]);
    if (seen.size < MOST_NEW) seen.add(key);
    return [event, source, kind, seen.has(key) ? word : OTHERS];
  });
  return JSON.stringify(rows);
}

/** How long a word is shown that does not come any more: so that old ones do not take the place of new ones. */
const WORDS_LIVE = 90 * DAY;

/** Deletes the words that did not come for 90 days. `now`: ms. */
export async function forgetWords(db: D1Database, now: number): Promise<void> {
  await db
    .prepare("DELETE FROM unknown_words WHERE last_seen < ?1")
    .bind(now - WORDS_LIVE)
    .run();
}
