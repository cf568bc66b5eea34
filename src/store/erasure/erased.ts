// What outlives an erased contact: its suppression, stored under a keyed hash of its address. The key lies in the
// bucket, apart from the database. Without the key the rows reveal no address, not even by hashing all possible ones.

import { nodeCrypto } from "../../lib/node-modules.ts";
import { unicodeAddress } from "../../model/domain-spellings.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import { ERASURE_KEY } from "../bucket/layout.ts";
import type { Db } from "../db.ts";

const KEY_BYTES = 32;

/** A suppression that outlived its contact. `since`: time of its evidence, ms. */
export interface ErasedSuppression {
  reason: SuppressionReason;
  since: number;
}

const known = new WeakMap<R2Bucket, Uint8Array>();
/** When the bucket last had no key, ms. Before the first erasure, checks must not cost a read of the bucket each. */
const missed = new WeakMap<R2Bucket, number>();
/** How long an isolate may miss that another isolate has erased the very first contact, ms. */
const MISSED_FOR = 60_000;

/** Returns the key, and makes it at first use. If several isolates do so at once, the first one's key is stored. */
async function makeKey(bucket: R2Bucket): Promise<Uint8Array> {
  const before = await findKey(bucket);
  if (before !== null) return before;
  const random = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  await bucket.put(ERASURE_KEY, random, { onlyIf: { etagDoesNotMatch: "*" } });
  const made = await findKey(bucket);
  if (made === null) throw new Error("the key of the hashes was not kept");
  return made;
}

/** Reads the key, also if this isolate missed it a moment ago; null before the first erasure. */
export async function findKey(bucket: R2Bucket): Promise<Uint8Array | null> {
  const before = known.get(bucket);
  if (before !== undefined) return before;
  const object = await bucket.get(ERASURE_KEY);
  if (object === null) {
    missed.set(bucket, Date.now());
    return null;
  }
  const key = new Uint8Array(await object.arrayBuffer());
  known.set(bucket, key);
  missed.delete(bucket);
  return key;
}

/** Hashes under the key: HMAC-SHA-256, hexadecimal. */
async function hashing(key: Uint8Array): Promise<(address: string) => string> {
  const { createHmac } = await nodeCrypto(); // not with the module: a new isolate would wait for it
  return (address) => createHmac("sha256", key).update(address).digest("hex");
}

/** HMAC-SHA-256 of a normalised address, hexadecimal. Makes the key if there is none yet. */
export async function hashOf(bucket: R2Bucket, address: string): Promise<string> {
  const hash = await hashing(await makeKey(bucket));
  return hash(address);
}

/**
 * The hashes of many addresses, as a map from hash to address. Empty as long as no contact was ever erased. Contacts
 * that were erased before domains were kept in punycode have hashes of the other spelling, so each has both.
 */
export async function hashesOf(bucket: R2Bucket, addresses: Iterable<string>): Promise<Map<string, string>> {
  // A clock may be set back; a miss of the future says nothing.
  if (Math.abs(Date.now() - (missed.get(bucket) ?? 0)) < MISSED_FOR) return new Map();
  const key = await findKey(bucket);
  if (key === null) return new Map();
  const hash = await hashing(key);
  const hashes = new Map<string, string>();
  for (const address of addresses) {
    const unicode = unicodeAddress(address);
    if (unicode !== address) hashes.set(hash(unicode), address);
    hashes.set(hash(address), address);
  }
  return hashes;
}

/** A row of {@link erasedStatement}. */
export type ErasedRow = ErasedSuppression & { hash: string };

/** The query for the rows with these hashes. The caller can put it into one batch with other reads. */
export function erasedStatement(db: Db, hashes: Iterable<string>): D1PreparedStatement {
  return db
    .prepare(
      `SELECT e.hash, e.reason, e.since FROM json_each(?1) AS h CROSS JOIN erased AS e ON e.hash = h.value`,
    )
    .bind(JSON.stringify([...hashes]));
}

/** The suppressions that still apply to erased contacts among these normalised addresses, by address. */
export async function findErased(
  db: Db,
  bucket: R2Bucket,
  addresses: Iterable<string>,
): Promise<Map<string, ErasedSuppression>> {
  const hashes = await hashesOf(bucket, addresses);
  if (hashes.size === 0) return new Map();
  const { results } = await erasedStatement(db, hashes.keys()).all<ErasedRow>();
  return new Map(results.map(({ hash, reason, since }) => [hashes.get(hash) ?? "", { reason, since }]));
}

/**
 * Lifts the suppression of an erased contact, if it has this reason (null: any reason). Returns whether there was one.
 */
export async function liftErased(
  db: D1Database,
  bucket: R2Bucket,
  address: string,
  reason: SuppressionReason | null = null,
): Promise<boolean> {
  const hashes = await hashesOf(bucket, [address]);
  if (hashes.size === 0) return false;
  const { meta } = await db
    .prepare(
      "DELETE FROM erased WHERE hash IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR reason = ?2)",
    )
    .bind(JSON.stringify([...hashes.keys()]), reason)
    .run();
  return meta.changes > 0;
}
