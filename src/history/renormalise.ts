// Reads stored deliveries again after a parser was fixed, and finds the events that would change, appear or vanish. It
// reads the archive object by object, so that a step is bounded and the next one continues where it ended.

import type { Config } from "../config/config.ts";
import { isNamed } from "../erasure/redact.ts";
import { getBatch, listBatches } from "../store/bucket/archive.ts";
import { readStoredRows, storedAlready } from "../store/events/by-archive-object.ts";
import type { Db } from "../store/db.ts";
import { differencesOf, type Difference } from "./differences.ts";
import { readEnvelope, type ParsedEnvelope } from "../process/parse.ts";

/**
 * Which deliveries to read: by the time of archiving (`from` to `to`, ms since the epoch) and by source (undefined:
 * all).
 */
export interface Range {
  from: number;
  to: number;
  source: string | undefined;
  /** The last archive object of the previous step; null for the first step. */
  after: string | null;
  /**
   * Retention may have deleted the events of deliveries received before this time (ms), so these do not appear again.
   */
  endedUntil: number;
}

/** The result of reading one archive object. */
export interface Reading {
  /** Id of the archive object. */
  batch: string;
  /** How many deliveries it contains. */
  deliveries: number;
  /** How many events are read from them now. */
  events: number;
  /** How many elements cannot be read now. */
  rejects: number;
  differences: Difference[];
  /** How many stored rows each line of the object has. */
  rowsByLine: ReadonlyMap<number, number>;
}

/**
 * Reads and compares the next archive objects of the range, at most `limit`, one at each iteration. Rejects if the
 * bucket or the database is unavailable.
 */
export async function* readRange(
  env: { db: Db; BUCKET: R2Bucket },
  config: Config,
  range: Range,
  limit: number,
): AsyncGenerator<Reading> {
  const seen = new Set<string>();
  for (const batch of await listBatches(env.BUCKET, { ...range, limit })) {
    yield await readBatch(env, config, { ...range, batch, seen });
  }
}

/**
 * Reads one archive object. `seen`: ids that appeared earlier in this step, because a repeated report must appear once.
 */
async function readBatch(
  { db, BUCKET }: { db: Db; BUCKET: R2Bucket },
  config: Config,
  { batch, source, seen, endedUntil }: Range & { batch: string; seen: Set<string> },
): Promise<Reading> {
  const envelopes = (await getBatch(BUCKET, batch)) ?? [];
  const group = envelopes.flatMap((envelope, line) =>
    source === undefined || envelope.source === source
      ? [readEnvelope({ envelope, batch, line, problem: null }, config)]
      : [],
  );
  return await compareWithRows(db, batch, group, { seen, endedUntil });
}

/** Compares deliveries of one archive object with its stored rows. `seen`, `endedUntil`: as for a range. */
export async function compareWithRows(
  db: Db,
  batch: string,
  group: readonly ParsedEnvelope[],
  { seen, endedUntil }: Pick<Range, "endedUntil"> & { seen: Set<string> },
): Promise<Reading> {
  const rows = Map.groupBy(await readStoredRows(db, batch), ({ line }) => line);
  const candidates = group.flatMap((parsed) =>
    differencesOf(rows.get(parsed.line) ?? [], parsed.events).filter(
      (difference) =>
        isGenuine(difference, parsed) &&
        (difference.kind !== "appeared" || parsed.envelope.receivedAt >= endedUntil),
    ),
  );
  const differences = await withoutRepeats(db, candidates, seen);
  return {
    batch,
    deliveries: group.length,
    events: group.reduce((sum, { events }) => sum + events.length, 0),
    rejects: group.reduce((sum, { rejects }) => sum + rejects.length, 0),
    differences,
    rowsByLine: new Map([...rows].map(([line, own]) => [line, own.length])),
  };
}

/**
 * Whether a difference is more than the effect of an erasure. An event whose contact was redacted from the delivery
 * does not vanish: if a repeat of an erased event came together with a new event of the same contact, the new event is
 * stored, but the redacted delivery does not contain it any more.
 */
function isGenuine({ kind, before }: Difference, { envelope }: ParsedEnvelope): boolean {
  return kind !== "vanished" || envelope.erased !== true || isNamed(envelope, before.contact);
}

/** Drops events that would appear but are stored already, from another delivery of the same report. */
async function withoutRepeats(
  db: Db,
  differences: readonly Difference[],
  seen: Set<string>,
): Promise<Difference[]> {
  const appearing = differences.flatMap(({ kind, after }) => (kind === "appeared" ? [after.row] : []));
  const stored = await storedAlready(db, appearing);
  return differences.filter(({ kind, after }) => {
    if (kind === "vanished") return true;
    const { id } = after.row;
    if (kind === "changed") {
      seen.add(id);
      return true;
    }
    if (stored.has(id) || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}
