// Corrects the counts of duplicates, after an event that was counted as a repeat turns out to be an event of its own.

/** The most repeats that an envelope can have brought: its reports less those that are stored. */
export interface DuplicatesBound {
  envelope: string;
  most: number;
}

// ?1: JSON rows of an envelope and its bound.
const EXCESS = `
  SELECT t.envelope, t.source, t.duplicates - max(0, v.value->>1) AS n
  FROM json_each(?1) AS v CROSS JOIN tallies AS t ON t.envelope = v.value->>0
  WHERE t.duplicates > max(0, v.value->>1)`;
const UNCOUNT = `
  UPDATE sources SET duplicates = sources.duplicates - v.n
  FROM (SELECT source, sum(n) AS n FROM (${EXCESS}) GROUP BY source) AS v WHERE sources.source = v.source`;
const LOWER = `
  UPDATE tallies SET duplicates = tallies.duplicates - v.n FROM (${EXCESS}) AS v
  WHERE tallies.envelope = v.envelope`;

/**
 * Lowers the counts of repeats to their bounds, by envelope and by source, in one transaction. Running it again changes
 * nothing.
 */
export async function boundDuplicates(db: D1Database, bounds: readonly DuplicatesBound[]): Promise<void> {
  if (bounds.length === 0) return;
  const asked = JSON.stringify(bounds.map(({ envelope, most }) => [envelope, most]));
  await db.batch([db.prepare(UNCOUNT).bind(asked), db.prepare(LOWER).bind(asked)]);
}
