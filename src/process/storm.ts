// Marks bounces that happened in a storm: if a destination refuses far more than usual, its bounces are no evidence about
// single addresses. They are marked before they are claimed, by the counts of the 15 minutes before them, and the first
// mark stays with the evidence. Hard bounces suppress at once, so those from before the storm could be told are held
// afterwards. That looks at what is stored, so of several consumers that store a storm together the last one sees it.

import { sendCommands } from "../contact/send-commands.ts";
import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { DAY } from "../lib/time.ts";
import { FIVE_MINUTES, startOf } from "../model/stats/counts.ts";
import {
  addCounts,
  isStorm,
  maybeStorm,
  NO_OUTCOMES,
  refusesMuch,
  type OutcomeCounts,
  type Storm,
} from "../model/suppression/storm.ts";
import type { StormPolicy } from "../model/suppression/policy.ts";
import { shardsOf } from "../store/shards.ts";
import { type DestinationCounts } from "../store/stats/outcomes.ts";
import { findHardBounced } from "../store/suppressions/hard-bounced.ts";
import { destinationCounts, usualCounts } from "./storm-counts.ts";
import type { NewEvent } from "./parse.ts";

/** Deadline for the database, ms. */
const DEADLINE = 30_000;
/** How many days before a storm show what is usual. */
const USUAL_DAYS = 14;

const bucketOf = (at: number): number => startOf("5m", at);
/** The three buckets of 15 minutes, of which this one is the last. */
const windowOf = (bucket: number): number[] => [2, 1, 0].map((back) => bucket - back * FIVE_MINUTES);

/** Events with their marks, and where hard bounces may be from a storm, if more than these events tell it. */
export interface MarkedEvents {
  events: readonly NewEvent[];
  suspects: readonly Place[];
}

/**
 * Returns the events in their order, with the bounces of a storm marked. Reads the database only if there are bounces
 * that may suppress. Rejects if it is unavailable.
 */
export async function markStorms(
  env: Env,
  events: readonly NewEvent[],
  policy: StormPolicy,
): Promise<MarkedEvents> {
  const bounces = events.filter(isBounce);
  if (bounces.length === 0) return { events, suspects: [] };
  const places = placesOf(bounces);
  const counts = await readCounts(env, places.flatMap(aroundOf), events.flatMap(outcomeOf));
  const found = await findStorms(env, places, counts, policy);
  const hard = placesOf(events.filter(({ evidence }) => evidence?.kind === "hard"));
  return {
    events: found.size === 0 ? events : events.map((event) => marked(event, found)),
    suspects: hard.flatMap(aroundOf).filter((place) => isSuspect(windowCounts(counts, place), policy)),
  };
}

/** So few outcomes can be all that one consumer has of a storm. */
function isSuspect(window: OutcomeCounts, policy: StormPolicy): boolean {
  return window.outcomes * 5 >= policy.outcomes && refusesMuch(window, policy);
}

/** How many contacts one slice holds back afterwards; the next slice of the storm goes on. */
const MOST_HELD = 200;

/**
 * Holds suppressions in force that rest on hard bounces of a storm at these places. They came before the storm could be
 * told. Rejects if a contact or the database does not answer; the same call again does what is left.
 */
export async function holdEarlier(env: Env, suspects: readonly Place[], policy: StormPolicy): Promise<void> {
  if (suspects.length === 0) return;
  const found = await findStorms(env, suspects, await readCounts(env, suspects, [], true), policy);
  let left = MOST_HELD;
  for (const time of timesOf(found)) {
    if (left <= 0) return;
    const search = { ...time, destination: time.storm.destination };
    for (const { db } of shardsOf(env).all) {
      if (left <= 0) return;
      const contacts = await hardBounced(env, db, search, left);
      if (contacts.length === 0) continue;
      left -= contacts.length;
      await sendCommands(env, new Map(contacts.map((contact) => [contact, [{ kind: "hold", ...time }]])));
    }
  }
}

/** Those of one database. One of several that does not answer holds up no other: the next slice of the storm goes on. */
async function hardBounced(
  env: Env,
  db: D1Database,
  search: Parameters<typeof findHardBounced>[1],
  most: number,
): Promise<string[]> {
  try {
    return await within(DEADLINE, "the database", findHardBounced(db, search, most));
  } catch (error) {
    if (shardsOf(env).all.length === 1) throw error;
    console.warn({ message: "a database was not searched for bounces of a storm", ...describeError(error) });
    return [];
  }
}

/** The counts of the windows of these places: what is stored, and what will be. */
async function readCounts(
  env: Env,
  places: readonly Place[],
  coming: readonly DestinationCounts[],
  anew = false,
): Promise<Counts> {
  const buckets = [...new Set(places.flatMap(({ bucket }) => windowOf(bucket)))];
  const stored = await within(DEADLINE, "the database", destinationCounts(env, buckets, anew));
  return sumOf([...stored, ...coming]);
}

/** The storms at these places, by {@link keyOf}. */
async function findStorms(
  env: Env,
  places: readonly Place[],
  counts: Counts,
  policy: StormPolicy,
): Promise<Map<string, FoundStorm>> {
  const found = new Map<string, FoundStorm>();
  const likely = places.filter((place) => maybeStorm(windowCounts(counts, place), policy));
  if (likely.length === 0) return found;
  const usual = await within(DEADLINE, "the database", usualCounts(env, usualDays(likely)));
  for (const place of likely) {
    const storm = stormAt(place, counts, usual.get(place.destination) ?? NO_OUTCOMES, policy);
    if (storm !== null) found.set(keyOf(place.bucket, place.destination), storm);
  }
  return found;
}

/** A storm, and five minutes in which hard bounces of its destination belong to it. Times in ms since the epoch. */
interface StormyTime {
  storm: Storm;
  since: number;
  until: number;
}

/** The times of these storms, each of a destination once, under the mark that was found first. */
function timesOf(found: ReadonlyMap<string, FoundStorm>): StormyTime[] {
  const times = new Map<string, StormyTime>();
  for (const { storm, buckets } of found.values())
    for (const since of buckets) {
      const key = keyOf(since, storm.destination);
      if (!times.has(key)) times.set(key, { storm, since, until: since + FIVE_MINUTES });
    }
  return [...times.values()];
}

const isBounce = ({ evidence }: NewEvent): boolean => evidence?.kind === "soft" || evidence?.kind === "hard";

/** Five minutes (their start in ms since the epoch) at a destination. */
export interface Place {
  bucket: number;
  destination: string;
}

/** The places whose 15 minutes have a bounce's five minutes in them: later ones may have been reported earlier. */
function aroundOf({ bucket, destination }: Place): Place[] {
  return [0, 1, 2].map((after) => ({ bucket: bucket + after * FIVE_MINUTES, destination }));
}

function placesOf(bounces: readonly NewEvent[]): Place[] {
  const places = bounces.map(({ row }): [string, Place] => {
    const place = { bucket: bucketOf(row.at), destination: row.destination };
    return [keyOf(place.bucket, place.destination), place];
  });
  return [...new Map(places).values()];
}

/** The days before the first of these places. */
function usualDays(places: readonly Place[]): number[] {
  const first = startOf("day", Math.min(...places.map(({ bucket }) => bucket)));
  return Array.from({ length: USUAL_DAYS }, (_, i) => first - (i + 1) * DAY);
}

/** Bucket -> destination -> counts. */
type Counts = ReadonlyMap<number, ReadonlyMap<string, OutcomeCounts>>;

const keyOf = (bucket: number, destination: string): string => `${bucket} ${destination}`;

function sumOf(parts: readonly DestinationCounts[]): Counts {
  const counts = new Map<number, Map<string, OutcomeCounts>>();
  for (const { bucket, destination, outcomes, refused, hard } of parts) {
    const ofBucket = counts.get(bucket) ?? new Map<string, OutcomeCounts>();
    counts.set(bucket, ofBucket);
    const known = ofBucket.get(destination) ?? NO_OUTCOMES;
    ofBucket.set(destination, addCounts(known, { outcomes, refused, hard }));
  }
  return counts;
}

/** What an event that is not stored yet will add to the counters. */
function outcomeOf({ row: { at, type, bounce, destination } }: NewEvent): DestinationCounts[] {
  if (type !== "delivered" && type !== "bounced" && type !== "blocked") return [];
  const isHard = type === "bounced" && bounce === "hard";
  const counts = { outcomes: 1, refused: type === "delivered" || isHard ? 0 : 1, hard: isHard ? 1 : 0 };
  return [{ bucket: bucketOf(at), destination, ...counts }];
}

function windowCounts(counts: Counts, { bucket, destination }: Place): OutcomeCounts {
  return windowOf(bucket).reduce(
    (sum, one) => addCounts(sum, countsAt(counts, one, destination)),
    NO_OUTCOMES,
  );
}

function countsAt(counts: Counts, bucket: number, destination: string): OutcomeCounts {
  return counts.get(bucket)?.get(destination) ?? NO_OUTCOMES;
}

/** The window at all other destinations. */
function elsewhereCounts(counts: Counts, { bucket, destination }: Place): OutcomeCounts {
  const others = windowOf(bucket).flatMap((one) => [...(counts.get(one) ?? [])]);
  return others
    .filter(([other]) => other !== destination)
    .reduce((sum, [, one]) => addCounts(sum, one), NO_OUTCOMES);
}

interface FoundStorm {
  storm: Storm;
  /** The buckets of the window whose hard bounces belong to it. */
  buckets: ReadonlySet<number>;
}

function stormAt(place: Place, counts: Counts, usual: OutcomeCounts, policy: StormPolicy): FoundStorm | null {
  const { bucket, destination } = place;
  const window = windowCounts(counts, place);
  const elsewhere = elsewhereCounts(counts, place);
  const isStormy = (one: number): boolean =>
    isStorm({ window, latest: countsAt(counts, one, destination), elsewhere, usual }, policy);
  if (!isStormy(bucket)) return null;
  const storm = { destination, ...window, at: bucket + FIVE_MINUTES };
  const buckets = windowOf(bucket).filter(
    (one) => isStormy(one) && refusesMuch(countsAt(counts, one, destination), policy),
  );
  return { storm, buckets: new Set(buckets) };
}

function marked(event: NewEvent, found: ReadonlyMap<string, FoundStorm>): NewEvent {
  const { evidence, row } = event;
  if (evidence === null || !isBounce(event)) return event;
  const bucket = bucketOf(row.at);
  const of = found.get(keyOf(bucket, row.destination));
  // A dead address after the storm suppresses at once, although the window still holds the storm.
  if (of === undefined || (evidence.kind === "hard" && !of.buckets.has(bucket))) return event;
  return { ...event, evidence: { ...evidence, storm: of.storm } };
}
