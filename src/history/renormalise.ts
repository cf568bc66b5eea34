// Reads stored deliveries anew, after a parser was mended: what would change, appear or vanish. The archive is walked
// object by object, so that a step is bounded and the next goes on where it ended.

import type { Config } from "../config/config.ts";
import { isNamed } from "../erasure/redact.ts";
import { getBatch, listBatches } from "../store/bucket/archive.ts";
import { readStoredRows, storedAlready } from "../store/events/by-archive-object.ts";
import type { Db } from "../store/db.ts";
import { differencesOf, type Difference } from "./differences.ts";
import { readEnvelope, type ParsedEnvelope } from "../process/parse.ts";

/** Which deliveries: by when they were archived, ms, and by source. */
export interface Range {
  from: number;
  to: number;
  source: string | undefined;
  /** The last archive object of the step before. */
  after: string | null;
  /** Events of deliveries received before may have been ended, ms: they do not appear again. */
  endedUntil: number;
}

/** What one archive object comes to. */
export interface Reading {
  batch: string;
  deliveries: number;
  /** Events that are read now. */
  events: number;
  /** Elements that cannot be read, now. */
  rejects: number;
  differences: Difference[];
  group: ParsedEnvelope[];
}

/** The next archive objects of the range, at most `limit`, each read and compared when it is asked for. */
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

/** `seen`: ids that appeared earlier in this walk; a repeat of such a report appears once. */
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
  const rows = Map.groupBy(await readStoredRows(db, batch), ({ line }) => line);
  const found = group.flatMap((parsed) =>
    differencesOf(rows.get(parsed.line) ?? [], parsed.events).filter(
      (one) => isTold(one, parsed) && (one.kind !== "appeared" || parsed.envelope.receivedAt >= endedUntil),
    ),
  );
  const differences = await withoutRepeats(db, found, seen);
  return {
    batch,
    deliveries: group.length,
    events: group.reduce((sum, { events }) => sum + events.length, 0),
    rejects: group.reduce((sum, { rejects }) => sum + rejects.length, 0),
    differences,
    group,
  };
}

/**
 * What was taken out of a delivery does not vanish: where a repeat of what was erased came together with news of the same
 * contact, the news is stored, and nothing tells of it any more.
 */
function isTold({ kind, before }: Difference, { envelope }: ParsedEnvelope): boolean {
  return kind !== "vanished" || envelope.erased !== true || isNamed(envelope, before.contact);
}

/** An event that is stored already, from another delivery of the same report, does not appear. */
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
