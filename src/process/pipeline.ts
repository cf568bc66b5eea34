// The pipeline for envelopes: parse, claim, redact, archive, store. It acknowledges nothing, so that any source of
// envelopes can run it: the queue's consumer, and an import of an ESP's own history.

import type { Config } from "../config/config.ts";
import { within } from "../lib/deadline.ts";
import { newId } from "../lib/time-id.ts";
import type { Envelope, ParkedPart } from "../model/envelope.ts";
import { putBatch } from "../store/bucket/archive.ts";
import { storeOf } from "../store/db.ts";
import { findStoredKeys } from "../store/events/by-key.ts";
import { deleteDeadEnvelopes, putDeadEnvelope } from "../store/dead-letters.ts";
import { forEach } from "../store/shards/each.ts";
import { shardsOf } from "../store/shards.ts";
import { claimAll } from "./claim.ts";
import { storeInShards } from "./in-shards.ts";
import {
  detailsLengthOf,
  hasRejects,
  keepParked,
  readEnvelope,
  splitIntoSlices,
  type NewEvent,
  type ParsedEnvelope,
} from "./parse.ts";
import { redactErased, type RedactedEnvelope } from "./redact-erased.ts";
import { holdEarlier, markStorms } from "./storm.ts";
import { rowsOf, store, unstorable, withoutErasedMentions, type ClaimedSlice, type Group } from "./store.ts";

/** Deadlines for calls to the bucket and the database, ms. */
const BUCKET_DEADLINE = 30_000;
const DATABASE_DEADLINE = 30_000;

/** An envelope to be processed. `batch`: the archive object that contains its body already, else null. */
export interface IncomingEnvelope {
  envelope: Envelope;
  batch: string | null;
  /** Why it can never be parsed, if that is known already, else null. */
  problem: string | null;
  /** The fingerprint of the credential that proved it, if that is known. */
  credential?: string;
  /** Of a parked part: the line of its body, and the contacts that are left to be stored. */
  parked?: ParkedPart;
}

/** What an invocation may still do: slices to store, and until when, ms. */
export interface Budget {
  slices: number;
  until: number;
}

/** How {@link processEnvelopes} works. */
export interface Progress {
  /** Counted down with each slice. What is left over when it is spent is not processed. */
  budget: Budget;
  /** Called with the id of each envelope once all of its events are stored or dead letters. */
  onStored: (envelopeId: string) => void;
}

/**
 * Processes envelopes with different ids, in portions whose events fit into memory together. Rejects if a service is unavailable.
 * Then, and if the budget is spent, the envelopes for which `onStored` was not called may be processed again, and their
 * claims are granted as before.
 */
export async function processEnvelopes(
  incoming: readonly IncomingEnvelope[],
  config: Config,
  env: Env,
  { budget, onStored }: Progress,
): Promise<void> {
  let failure: { error: unknown } | null = null;
  for (const portion of inPortions(incoming, config)) {
    const { slices, ...ended } = await processPortion(portion, config, env, onStored);
    budget.slices -= slices;
    failure ??= ended.failure;
    if (budget.slices <= 0 || Date.now() >= budget.until) break;
  }
  if (failure !== null) throw failure.error;
}

/** Envelopes that are parsed, claimed, archived and stored together. */
interface Portion {
  /** The id of their archive object. */
  batch: string;
  parsed: ParsedEnvelope[];
}

/**
 * A portion ends with the envelope that gives it so many events, or so much text in their details. With the limits of
 * one delivery (parse.ts), it has fewer than 35,000 events and 15 million characters.
 */
const PORTION_EVENTS = 10_000;
const PORTION_TEXT = 5_000_000;

/** Parses the envelopes one after the other, so that only one portion is in memory at a time. */
function* inPortions(incoming: readonly IncomingEnvelope[], config: Config): Generator<Portion> {
  let portion: Portion = { batch: newId(Date.now()), parsed: [] };
  let [line, events, text] = [0, 0, 0];
  for (const { envelope, batch, problem, parked } of incoming) {
    const place =
      batch === null ? { batch: portion.batch, line: line++ } : { batch, line: parked?.line ?? 0 };
    const parsed = readEnvelope({ envelope, ...place, problem }, config);
    if (parked !== undefined) keepParked(parsed, parked);
    portion.parsed.push(parsed);
    events += parsed.events.length;
    text += detailsLengthOf(parsed.events);
    if (events < PORTION_EVENTS && text < PORTION_TEXT) continue;
    yield portion;
    portion = { batch: newId(Date.now()), parsed: [] };
    [line, events, text] = [0, 0, 0];
  }
  if (portion.parsed.length > 0) yield portion;
}

/** What became of a portion. `slices`: how much of the budget it took; `failure`: why some envelopes must come again. */
interface Ended {
  slices: number;
  failure: { error: unknown } | null;
}

async function processPortion(
  { batch, parsed }: Portion,
  config: Config,
  env: Env,
  onStored: Progress["onStored"],
): Promise<Ended> {
  const slices: ClaimedSlice[] = [];
  for (const slice of splitIntoSlices(parsed)) {
    const { events, suspects } = await markStorms(env, slice.events, config.storm);
    slices.push({ slice, suspects, claimed: await claimAll(env, events) });
  }
  // Only after the claims: contacts that they report as erased must not get into the archive. If this run ended right
  // after archiving them, no erasure would look at that object again.
  const erased = slices.flatMap(({ claimed }) => claimed.erased);
  const redacted = await redactErased(parsed, erased, config, env);
  await archive([...redacted.values()], batch, env.BUCKET);
  const group: Group = { redacted, duplicates: countDuplicates(slices, await storedOtherwise(slices, env)) };
  if (shardsOf(env).all.length > 1) return await storeApart(slices, group, { config, env, onStored });
  for (const claimed of slices) {
    await storeSliceOf(claimed, group, env);
    await holdEarlier(env, claimed.suspects, config.storm);
    for (const { envelope } of claimed.slice.complete) onStored(envelope.id);
  }
  return { slices: slices.length, failure: null };
}

/** How many small transactions, as several databases get them, make as many queries as one large one. */
const SMALL = 3;

/** Stores a portion in several databases. */
async function storeApart(
  slices: readonly ClaimedSlice[],
  group: Group,
  { config, env, onStored }: { config: Config; env: Env } & Pick<Progress, "onStored">,
): Promise<Ended> {
  const { left, error, transactions } = await storeInShards(slices, group, env, config);
  for (const { suspects } of slices) await holdEarlier(env, suspects, config.storm);
  for (const parsed of slices.flatMap(({ slice }) => slice.complete))
    if (!left.has(parsed)) onStored(parsed.envelope.id);
  return {
    slices: Math.max(slices.length, Math.ceil(transactions / SMALL)),
    failure: left.size > 0 ? { error } : null,
  };
}

/**
 * How many events of an envelope are stored under another reading, by envelope id and contact (see {@link pairOf}).
 * That happens if an envelope was stored, its acknowledgement was lost, and its parser has been fixed since. Such an
 * event does not repeat itself, even if another envelope has claimed its report meanwhile. Reads the database only if
 * an envelope had different claims before.
 */
async function storedOtherwise(slices: readonly ClaimedSlice[], env: Env): Promise<Map<string, number>> {
  const readings = slices.flatMap(({ claimed }) => claimed.otherReadings);
  const counts = new Map<string, number>();
  if (readings.length === 0) return counts;
  const groups = await shardsOf(env).group(readings, ({ contact }) => contact);
  const found = await within(
    DATABASE_DEADLINE,
    "the database",
    forEach([...groups], async ([{ db }, some]) => await findStoredKeys(db, some)),
  );
  const stored = new Set(found.flatMap((some) => [...some]));
  const counted = new Set<string>();
  for (const { origin, contact, key } of readings) {
    const own = pairOf(origin, contact);
    if (!stored.has(key) || counted.has(`${own} ${key}`)) continue; // each slice of the envelope reports it
    counted.add(`${own} ${key}`);
    counts.set(own, (counts.get(own) ?? 0) + 1);
  }
  return counts;
}

const pairOf = (envelopeId: string, contact: string): string => `${envelopeId} ${contact}`;

/** How many events of each envelope are repeats, without those that {@link storedOtherwise} counted. */
function countDuplicates(
  slices: readonly ClaimedSlice[],
  otherwise: ReadonlyMap<string, number>,
): Map<ParsedEnvelope, number> {
  const unmatched = new Map(otherwise);
  const counts = new Map<ParsedEnvelope, number>();
  const add = (parsed: ParsedEnvelope, more: number): void => {
    counts.set(parsed, (counts.get(parsed) ?? 0) + more);
  };
  for (const { slice, claimed } of slices) {
    for (const { parsed, row } of claimed.duplicates) {
      const own = pairOf(parsed.envelope.id, row.contact);
      const left = unmatched.get(own) ?? 0;
      if (left > 0) unmatched.set(own, left - 1);
      else add(parsed, 1);
    }
    for (const parsed of slice.complete) add(parsed, parsed.duplicates);
  }
  return counts;
}

/** Archives the envelopes that are not in the archive yet, and keeps whole those that will have dead letters. */
async function archive(
  envelopes: readonly RedactedEnvelope[],
  batch: string,
  bucket: R2Bucket,
): Promise<void> {
  const fresh = envelopes.flatMap((own) => (own.batch === batch ? [own.envelope] : []));
  const puts = envelopes.flatMap((own) => (hasRejects(own) ? [putDeadEnvelope(bucket, own.envelope)] : []));
  if (fresh.length > 0) puts.push(putBatch(bucket, batch, fresh));
  await within(BUCKET_DEADLINE, "the archive", Promise.all(puts));
}

async function storeSliceOf({ slice, claimed: all }: ClaimedSlice, group: Group, env: Env): Promise<void> {
  const claimed = { ...all, granted: all.granted.map((event) => withoutErasedMentions(event, group)) };
  const unstored = new Set<ParsedEnvelope>();
  const onDead = async (event: NewEvent) => {
    const { envelope } = group.redacted.get(event.parsed) ?? event.parsed;
    unstored.add(event.parsed);
    await putDeadEnvelope(env.BUCKET, envelope);
    return unstorable(envelope, event.row.element);
  };
  const rows = rowsOf(slice, claimed, group, Date.now());
  await store(storeOf(env), rows, claimed.granted, { onDead });
  // Deleted before `onStored`: if this fails, the envelope is processed again and only this step is left to do.
  const replayed = slice.complete.flatMap((parsed) => {
    const own = group.redacted.get(parsed) ?? parsed;
    return own.envelope.replay === true && !hasRejects(own) && !unstored.has(parsed) ? [own.envelope.id] : [];
  });
  await deleteDeadEnvelopes(env.BUCKET, replayed);
}
