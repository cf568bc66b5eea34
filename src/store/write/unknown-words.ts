// Counts words that a provider's tables do not know, in the transaction that stores their events. An event counts once,
// because only events that are not stored yet are counted. A source has at most so many words; those beyond count together.

import { DAY } from "../../lib/time.ts";
import type { UnknownKind } from "../../model/unknown-word.ts";
import type { EventRow } from "./rows.ts";

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

// ?1: JSON rows of event, source, kind, word, and when the event was received (ms).
/** Counts the words of the slice's new events, before these are stored. */
export const COUNT_WORDS = `
  WITH full AS MATERIALIZED (SELECT source FROM unknown_words GROUP BY source HAVING count(*) >= ${MOST_WORDS}),
  said AS (
    SELECT v.value->>1 AS source, v.value->>2 AS kind, v.value->>3 AS word, v.value->>4 AS at, v.value->>0 AS id
    FROM json_each(?1) AS v WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.id = v.value->>0))
  INSERT INTO unknown_words (source, kind, word, n, first_seen, last_seen, event)
  SELECT source, kind,
    CASE WHEN source NOT IN full OR EXISTS (
      SELECT 1 FROM unknown_words AS u WHERE (u.source, u.kind, u.word) = (said.source, said.kind, said.word))
    THEN word ELSE '${OTHERS}' END, count(*), min(at), max(at), max(id)
  FROM said WHERE true GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET n = n + excluded.n, first_seen = min(first_seen, excluded.first_seen),
    last_seen = max(last_seen, excluded.last_seen), event = excluded.event`;

/** The value ?1 of {@link COUNT_WORDS}. `events`: those of the slice. */
export function wordRows(words: readonly WordOfEvent[], events: readonly EventRow[]): string {
  const receivedAt = new Map(events.map(({ id, received_at }) => [id, received_at]));
  const seen = new Set<string>();
  const rows = words.flatMap(({ event, source, kind, word }) => {
    const at = receivedAt.get(event);
    if (at === undefined) return [];
    const key = JSON.stringify([source, kind, word]);
    if (seen.size < MOST_NEW) seen.add(key);
    return [[event, source, kind, seen.has(key) ? word : OTHERS, at]];
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
