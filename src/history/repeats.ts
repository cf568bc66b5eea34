// The third pass of a removal of a source's data (src/erasure/source). A report that came again while the removal was at
// work was taken for a repeat of one that was about to go, and not stored; or it was stored on top of that one's row, and
// went with it. So every delivery of that time which stays is read again, and what has no row gets one. No consumer has
// to know of a removal: what it decided is looked at again once none can be alive that decided by what is gone.

import { configOf, type Config } from "../config/config.ts";
import { checkJurisdiction, contactOf } from "../config/objects.ts";
import type { RepeatsStep, Stepped } from "../erasure/source/steps.ts";
import { SETTLES } from "../erasure/source/steps.ts";
import { inPool } from "../lib/pool.ts";
import { DAY } from "../lib/time.ts";
import { fromLine, type Envelope } from "../model/envelope.ts";
import { readEnvelope, type NewEvent, type ParsedEnvelope } from "../process/parse.ts";
import { isContentError, linesOf } from "../store/bucket/lines.ts";
import { ARCHIVE, archiveKeyAt, batchOfKey } from "../store/bucket/layout.ts";
import { storeOf } from "../store/db.ts";
import type { Removal } from "../store/erasure/removals.ts";
import { countQueries } from "../store/query-count.ts";
import { boundDuplicates, type DuplicatesBound } from "../store/write/duplicates.ts";
import { applyDifferences } from "./apply.ts";
import { compareWithRows, type Reading } from "./renormalise.ts";

/** Objects of the archive that one list call names. */
const PAGE = 100;
/** A step ends after so many queries, so that not much is done twice if the process dies. */
const QUERIES_A_STEP = 100;
/** Contacts whose objects are asked at the same time, and the deadline for all of an object's, ms. */
const AT_ONCE = 32;
const DEADLINE = { ms: 30_000, of: "the contacts" };

/**
 * The step of the third pass for one scheduled run, which makes about `most` queries, whatever number of removals it
 * continues.
 */
export function repeatsWithin(most: number): RepeatsStep {
  let made = 0;
  return async (env, removal) => {
    if (made >= most) return null;
    const counted = countQueries(env);
    const stepped = await stepRepeats(counted.env, removal, () => counted.count.queries >= QUERIES_A_STEP);
    made += counted.count.queries;
    return stepped;
  };
}

/** Looks at the next objects of the archive until `isSpent`. Rejects if a service is unavailable. */
async function stepRepeats(env: Env, removal: Removal, isSpent: () => boolean): Promise<Stepped> {
  const { asked_at, emptied_at, cursor } = removal;
  const end = archiveKeyAt((emptied_at ?? asked_at) + SETTLES);
  const startAfter = cursor === "" ? archiveKeyAt(asked_at - SETTLES) : cursor;
  const { objects, truncated } = await env.BUCKET.list({ prefix: ARCHIVE, startAfter, limit: PAGE });
  const place = { pass: 3, seen: removal.seen } as const;
  for (const { key } of objects) {
    if (key >= end) return { to: { ...place, phase: "wait", cursor: "" } };
    await restoreFrom(env, removal, key);
    if (isSpent()) return { to: { ...place, phase: "repeats", cursor: key } };
  }
  const last = objects.at(-1)?.key;
  return truncated && last !== undefined
    ? { to: { ...place, phase: "repeats", cursor: last } }
    : { to: { ...place, phase: "wait", cursor: "" } };
}

/** Stores what the deliveries of an object report and no row has. The same call again finds nothing. */
async function restoreFrom(env: Env, removal: Removal, key: string): Promise<void> {
  const config = configOf(env);
  const batch = batchOfKey(key);
  const group = await readStaying(env.BUCKET, key, removal, config);
  if (group.every(({ events }) => events.length === 0)) return;
  const db = storeOf(env);
  const { eventsDays } = config.retention;
  const endedUntil = eventsDays === null ? -Infinity : Date.now() - eventsDays * DAY;
  const reading = await compareWithRows(db, batch, group, { seen: new Set(), endedUntil });
  const differences = reading.differences.filter(({ kind }) => kind === "appeared");
  await boundDuplicates(db, boundsOf(group, reading));
  if (differences.length === 0) return;
  await forgetClaims(
    env,
    removal,
    differences.flatMap(({ after }) => after ?? []),
  );
  await applyDifferences(env, { ...reading, differences }, "left");
}

/** The deliveries of an object that stay and may repeat what the source reported. */
async function readStaying(
  bucket: R2Bucket,
  key: string,
  removal: Removal,
  config: Config,
): Promise<ParsedEnvelope[]> {
  const object = await bucket.get(key);
  if (object === null) return [];
  const group: ParsedEnvelope[] = [];
  let line = 0;
  try {
    for await (const text of linesOf(new Uint8Array(await object.arrayBuffer()))) {
      const envelope = readLine(text, removal);
      if (envelope !== null)
        group.push(readEnvelope({ envelope, batch: batchOfKey(key), line, problem: null }, config));
      line += 1;
    }
  } catch (error) {
    if (!isContentError(error)) throw error;
    console.error({ message: "an object of the archive cannot be read, and is passed over", key });
    return [];
  }
  return group;
}

/** The envelope of a line; null if it goes, if another provider sent it, or if nobody can read it. */
function readLine(text: string, { source, provider, until }: Removal): Envelope | null {
  if (text === "" || (provider !== null && !text.includes(JSON.stringify(provider)))) return null;
  try {
    const envelope = fromLine(text);
    if (envelope.source === source && envelope.receivedAt <= until) return null;
    return provider === null || envelope.provider === provider ? envelope : null;
  } catch {
    return null;
  }
}

/**
 * The most repeats that each delivery can have brought. A delivery that was processed a second time may have stored by
 * then what counts as a repeat since the first time. Of a delivery from which a contact was erased it is not known.
 */
function boundsOf(group: readonly ParsedEnvelope[], { rowsByLine }: Reading): DuplicatesBound[] {
  return group.flatMap(({ envelope, events, duplicates, line }) =>
    envelope.erased === true
      ? []
      : [{ envelope: envelope.id, most: events.length + duplicates - (rowsByLine.get(line) ?? 0) }],
  );
}

/**
 * Makes the contacts' objects forget claims on these events from before the removal: a delivery of the source claimed
 * them that never stored them, and whose dead letter is gone. What the objects answer is stored with the events.
 */
async function forgetClaims(env: Env, { until }: Removal, events: readonly NewEvent[]): Promise<void> {
  const groups = [...Map.groupBy(events, ({ row }) => row.contact)];
  await checkJurisdiction(env);
  await inPool(groups, { atOnce: AT_ONCE, deadline: DEADLINE }, async ([contact, own]) => {
    await contactOf(env, contact).forget(
      own.map(({ row }) => row.id),
      until,
    );
  });
}
