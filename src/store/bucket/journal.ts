// The journal: what people did by hand, in gzipped NDJSON objects of the bucket, one for each act or portion of acts. The
// archive brings back what providers reported; a database that is lost gets the rest from here. An act writes its lines
// before it is acknowledged, so that a crash at any line loses nothing that was. A line may therefore stand here of an act
// that the caller has to repeat; the journal is read in order of time, and a line that comes twice changes nothing.
//
// It has two parts. Acts may name an address, so an erasure removes their lines (src/erasure/rewrite.ts). The part about
// erasures holds only keyed hashes, is read first, and stays.

import { newId } from "../../lib/time-id.ts";
import { gzip } from "../../model/envelope.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import type { Erasure } from "../erasure/erasures.ts";
import type { PipeRecord } from "../pipes/pipes.ts";
import type { ContactChange } from "../write/rows.ts";
import { ACTS, ERASURES, journalKey } from "./layout.ts";
import { linesOf } from "./lines.ts";

/** A pipe as the journal keeps it. `had_secrets`: whether a person has to pass secrets anew. */
export type JournaledPipe = Omit<PipeRecord, "secrets" | "start"> & { had_secrets: boolean };

/**
 * What a person did. A contact's line is its state after the act; `pending`: an import wrote it, and the contact's object
 * does not know it yet.
 */
export type Act =
  | ({ kind: "contact"; pending?: true } & ContactChange)
  | { kind: "pipe"; pipe: JournaledPipe }
  | { kind: "pipe deleted"; id: string };

/** A request to erase somebody, as far as a rebuilt database needs it to finish the work. */
export type AskedErasure = Pick<Erasure, "id" | "hash" | "note" | "asked_at" | "asked_by" | "tombstone">;

/** A receipt as it is stored once the erasure is done: its row holds no address any more. */
export type Receipt = Erasure & { contact: null; finished_at: number };

/**
 * What happened to an erasure: it was asked for, it is done, a suppression outlives the contact, or that one was lifted
 * (`reason` null: whatever its reason). Times in ms since the epoch.
 */
export type ErasureAct =
  | ({ kind: "erasure" } & AskedErasure)
  | { kind: "erased"; receipt: Receipt }
  | { kind: "kept"; hash: string; reason: SuppressionReason; since: number }
  | { kind: "kept ended"; hashes: string[]; reason: SuppressionReason | null };

/** A line of the journal. `at`: when it was written, ms since the epoch. */
export type Line<T> = T & { at: number };

/** Writes acts as one object, in their order. Rejects if the bucket does not take it: then nobody may be told of them. */
export async function putJournal(bucket: R2Bucket, acts: readonly Act[]): Promise<void> {
  if (acts.length > 0) await put(bucket, ACTS, acts);
}

/** Writes what happened to an erasure. Rejects like {@link putJournal}. */
export async function journalErasure(bucket: R2Bucket, act: ErasureAct): Promise<void> {
  await put(bucket, ERASURES, [act]);
}

async function put(
  bucket: R2Bucket,
  part: Parameters<typeof journalKey>[0],
  acts: readonly (Act | ErasureAct)[],
): Promise<void> {
  const at = Date.now();
  const lines = acts.map((act) => `${JSON.stringify({ ...act, at })}\n`).join("");
  await bucket.put(journalKey(part, newId(at)), await gzip(new TextEncoder().encode(lines)));
}

/** The lines of an object of the journal, in their order; none if it is gone. Throws if it cannot be read. */
export async function readActs(bucket: R2Bucket, key: string): Promise<Line<Act>[]> {
  return (await read(bucket, key)) as Line<Act>[];
}

/** The lines of an object of the part about erasures; see {@link readActs}. */
export async function readErasures(bucket: R2Bucket, key: string): Promise<Line<ErasureAct>[]> {
  return (await read(bucket, key)) as Line<ErasureAct>[];
}

async function read(bucket: R2Bucket, key: string): Promise<unknown[]> {
  const object = await bucket.get(key);
  if (object === null) return [];
  const acts: unknown[] = [];
  for await (const line of linesOf(new Uint8Array(await object.arrayBuffer())))
    if (line !== "") acts.push(JSON.parse(line));
  return acts;
}
