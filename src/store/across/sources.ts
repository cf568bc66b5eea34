// Sources over several databases: events are counted where they are stored, pings, repeats and dead letters in the home.

import type { Db } from "../db.ts";
import {
  findSource,
  listSources,
  type NetworkRecord,
  type SourceRecord,
  type WordRecord,
} from "../events/sources.ts";
import type { Shards } from "../shards.ts";
import { askAll } from "./ask.ts";
import { compareKeys, compareTexts } from "./order.ts";

/** All sources that have ever sent anything, in order of their names. Rejects if a database does not answer. */
export async function listSourcesAcross(shards: Shards): Promise<SourceRecord[]> {
  const lists = await askAll(shards, listSources);
  const [only] = lists;
  if (lists.length === 1 && only !== undefined) return only;
  const bySource = Map.groupBy(lists.flat(), ({ source }) => source);
  return [...bySource.values()]
    .map((records) => records.reduce(added))
    .toSorted((one, other) => compareTexts(one.source, other.source));
}

/** A source with its unknown words and the networks outside of its list, as findSource has it. Rejects likewise. */
export async function findSourceAcross(
  shards: Shards,
  source: string,
): Promise<(SourceRecord & { unknown: WordRecord[]; networks: NetworkRecord[] }) | null> {
  const found = await askAll(shards, async (db: Db) => await findSource(db, source));
  const records = found.flatMap((one) => one ?? []);
  const [first, ...others] = records;
  if (first === undefined || others.length === 0) return first ?? null;
  const words = joined(
    records.flatMap(({ unknown }) => unknown),
    ({ kind, word }) => JSON.stringify([kind, word]),
  );
  const networks = joined(
    records.flatMap((one) => one.networks),
    ({ network }) => network,
  );
  const record = others.reduce<SourceRecord>(added, first);
  return { ...record, unknown: words.toSorted(byWord), networks: networks.toSorted(byNetwork) };
}

/** What two databases know of a source. The provider and the lag are those of the later event. */
function added(one: SourceRecord, other: SourceRecord): SourceRecord {
  const later = (other.last_event_at ?? 0) > (one.last_event_at ?? 0) ? other : one;
  return {
    source: one.source,
    provider: later.provider,
    last_received_at: Math.max(one.last_received_at, other.last_received_at),
    last_event_at: laterOf(one.last_event_at, other.last_event_at),
    last_ping_at: laterOf(one.last_ping_at, other.last_ping_at),
    lag_ms: later.lag_ms,
    events: one.events + other.events,
    duplicates: one.duplicates + other.duplicates,
    pings: one.pings + other.pings,
    outside: one.outside + other.outside,
    dead_letters: one.dead_letters + other.dead_letters,
  };
}

function laterOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

type Seen = Pick<WordRecord, "n" | "first_seen" | "last_seen"> & { event?: string | null };

/** Adds up what has the same key. An event is one that a database still has. */
function joined<T extends Seen>(records: readonly T[], keyOf: (record: T) => string): T[] {
  const add = (one: T, other: T): T => ({
    ...one,
    n: one.n + other.n,
    first_seen: Math.min(one.first_seen, other.first_seen),
    last_seen: Math.max(one.last_seen, other.last_seen),
    ...("event" in one ? { event: one.event ?? other.event } : {}),
  });
  return [...Map.groupBy(records, keyOf).values()].map((same) => same.reduce(add));
}

const byWord = (one: WordRecord, other: WordRecord): number =>
  other.last_seen - one.last_seen || compareKeys([one.kind, one.word], [other.kind, other.word]);
const byNetwork = (one: NetworkRecord, other: NetworkRecord): number =>
  other.last_seen - one.last_seen || compareTexts(one.network, other.network);
