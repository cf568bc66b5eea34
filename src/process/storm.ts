// Marks soft bounces that happened in a storm. If a destination refuses nearly all mail, its soft bounces are no
// evidence about single addresses. They are marked before they are claimed, by the counts of the 15 minutes before
// them. The first mark stays with the evidence.

import { within } from "../lib/deadline.ts";
import type { Storm } from "../model/suppression/evidence.ts";
import type { StormPolicy } from "../model/suppression/policy.ts";
import { readDestinationCounts, type DestinationCounts } from "../store/stats/outcomes.ts";
import type { NewEvent } from "./parse.ts";
import { FIVE_MINUTES, startOf } from "../model/stats/counts.ts";

/** Deadline for the database, ms. */
const DEADLINE = 30_000;

const bucketOf = (at: number): number => startOf("5m", at);
/** The three buckets of an event's 15 minutes, of which its own is the last. */
const windowOf = (at: number): number[] => [2, 1, 0].map((back) => bucketOf(at) - back * FIVE_MINUTES);

/**
 * Returns the events in their order, with the soft bounces of a storm marked. Reads the database only if there are soft
 * bounces. Rejects if it is unavailable.
 */
export async function markStorms(
  db: D1Database,
  events: readonly NewEvent[],
  policy: StormPolicy,
): Promise<readonly NewEvent[]> {
  const soft = events.filter(({ evidence }) => evidence?.kind === "soft");
  if (soft.length === 0) return events;
  const buckets = new Set(soft.flatMap(({ row }) => windowOf(row.at)));
  const stored = await within(DEADLINE, "the database", readDestinationCounts(db, [...buckets]));
  const counts = sumOf([...stored, ...events.flatMap(outcomeOf)]);
  return events.map((event) => {
    const { evidence, row } = event;
    if (evidence?.kind !== "soft") return event;
    const storm = stormOf(row.destination, row.at, counts, policy);
    return storm === null ? event : { ...event, evidence: { ...evidence, storm } };
  });
}

type Counts = ReadonlyMap<string, Pick<DestinationCounts, "outcomes" | "refused">>;

const keyOf = (bucket: number, destination: string): string => `${bucket} ${destination}`;

function sumOf(parts: readonly DestinationCounts[]): Counts {
  const counts = new Map<string, Pick<DestinationCounts, "outcomes" | "refused">>();
  for (const { bucket, destination, outcomes, refused } of parts) {
    const key = keyOf(bucket, destination);
    const known = counts.get(key) ?? { outcomes: 0, refused: 0 };
    counts.set(key, { outcomes: known.outcomes + outcomes, refused: known.refused + refused });
  }
  return counts;
}

/** What an event that is not stored yet will add to the counters. */
function outcomeOf({ row: { at, type, bounce, destination } }: NewEvent): DestinationCounts[] {
  if (type !== "delivered" && type !== "bounced" && type !== "blocked") return [];
  const refused = type === "blocked" || (type === "bounced" && bounce !== "hard");
  return [{ bucket: bucketOf(at), destination, outcomes: 1, refused: refused ? 1 : 0 }];
}

function stormOf(destination: string, at: number, counts: Counts, policy: StormPolicy): Storm | null {
  const window = windowOf(at).flatMap((bucket) => counts.get(keyOf(bucket, destination)) ?? []);
  const outcomes = window.reduce((sum, bucket) => sum + bucket.outcomes, 0);
  const refused = window.reduce((sum, bucket) => sum + bucket.refused, 0);
  if (outcomes < policy.outcomes || refused <= policy.share * outcomes) return null;
  return { destination, refused, outcomes, at: bucketOf(at) + FIVE_MINUTES };
}
