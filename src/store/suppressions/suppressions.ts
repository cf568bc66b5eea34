// Reads of suppressions. Writes use the same statements as the consumer (src/store/write/slice.ts), guarded by version.

import { strongestOf, type Suppression } from "../../model/suppression/fold.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import type { Db } from "../db.ts";
import {
  erasedStatement,
  findErased,
  hashesOf,
  type ErasedRow,
  type ErasedSuppression,
} from "../erasure/erased.ts";
import { FORMER, newKeyOf } from "../respelling.ts";
import type { ContactChange } from "../write/rows.ts";
import { storeSlice } from "../write/slice.ts";

const FIELDS = "reason, scope, event, source, at, by, note, lifted_at, lifted_by, lift_note, held";

/** The query for all suppressions of a contact, in order of their evidence. */
export function ofContact(db: Db, contact: string): D1PreparedStatement {
  return db.prepare(`SELECT ${FIELDS} FROM suppressions WHERE contact = ?1 ORDER BY at, event`).bind(contact);
}

/** The query for all suppressions under former spellings; {@link formerOf} picks those of a contact. */
export function ofFormer(db: Db): D1PreparedStatement {
  return db.prepare(FORMER(`f.contact, ${FIELDS}`, "true"));
}

/** The suppressions of this contact among the results of {@link ofFormer}. */
export function formerOf(contact: string, results: readonly unknown[]): Suppression[] {
  return (results as (Suppression & { contact: string })[]).flatMap(({ contact: former, ...suppression }) =>
    newKeyOf(former) === contact ? [suppression] : [],
  );
}

/** All suppressions of a contact, including one that outlived its erasure. Empty for an unknown contact. */
export async function getSuppressions(db: Db, bucket: R2Bucket, contact: string): Promise<Suppression[]> {
  const [[own, former], erased] = await Promise.all([
    db.batch<Suppression>([ofContact(db, contact), ofFormer(db)]),
    findErased(db, bucket, [contact]),
  ]);
  const results = [...(own?.results ?? []), ...formerOf(contact, former?.results ?? [])];
  const kept = erased.get(contact);
  return kept === undefined ? results : [ofErased(kept), ...results];
}

/** The suppression of a contact that was erased while suppressed. */
export function ofErased({ reason, since }: ErasedSuppression): Suppression {
  const evidence = { reason, scope: "", event: "erased", source: "erasure", at: since, held: null };
  const note = "kept when the contact was erased";
  return { ...evidence, by: null, note, lifted_at: null, lifted_by: null, lift_note: null };
}

/** Why a contact must not be mailed: its strongest suppression in force. `scope`: '' for all mail; `since`: ms. */
export interface CheckedContact {
  reason: SuppressionReason;
  scope: string;
  since: number;
}

/**
 * Finds the contacts that must not be mailed, in one round trip to the database and, once in an isolate's life, one to
 * the bucket. `scope`: the list or stream that the mail is for, '' for none. The map contains only suppressed contacts.
 */
export async function checkContacts(
  db: Db,
  bucket: R2Bucket,
  contacts: readonly string[],
  scope: string,
): Promise<Map<string, CheckedContact>> {
  const { statements, checkedOf } = await checkQuery(db, bucket, new Set(contacts), scope);
  return checkedOf(await db.batch<Record<string, unknown>>(statements));
}

/**
 * The queries behind {@link checkContacts}, so that a caller can put them into one batch with others, and the function
 * that makes the answer from their results.
 */
export async function checkQuery(
  db: Db,
  bucket: R2Bucket,
  contacts: ReadonlySet<string>,
  scope: string,
): Promise<{
  statements: D1PreparedStatement[];
  checkedOf: (results: readonly D1Result<Record<string, unknown>>[]) => Map<string, CheckedContact>;
}> {
  const hashes = await hashesOf(bucket, contacts);
  const statements = [
    db.prepare(IN_FORCE).bind(JSON.stringify([...contacts]), scope),
    db.prepare(FORMER_IN_FORCE).bind(scope),
    ...(hashes.size > 0 ? [erasedStatement(db, hashes.keys())] : []),
  ];
  return {
    statements,
    checkedOf: ([found, former, erased]) => {
      const standing = (found?.results ?? []) as unknown as (Suppression & { contact: string })[];
      for (const row of (former?.results ?? []) as unknown as typeof standing) {
        const contact = newKeyOf(row.contact);
        if (contact !== null && contacts.has(contact)) standing.push({ ...row, contact });
      }
      const outlived = ((erased?.results ?? []) as unknown as ErasedRow[]).map((row) => ({
        ...ofErased(row),
        contact: hashes.get(row.hash) ?? "",
      }));
      const checked = new Map<string, CheckedContact>();
      for (const [contact, own] of Map.groupBy([...standing, ...outlived], (row) => row.contact)) {
        const strongest = strongestOf(own, scope);
        if (strongest === null) continue;
        checked.set(contact, { reason: strongest.reason, scope: strongest.scope, since: strongest.at });
      }
      return checked;
    },
  };
}

const IN_FORCE = `
  SELECT s.contact, s.reason, s.scope, s.at, s.lifted_at, s.held
  FROM json_each(?1) AS c CROSS JOIN suppressions AS s ON s.contact = c.value
  WHERE s.lifted_at IS NULL AND s.held IS NULL AND (s.scope = '' OR s.scope = ?2) ORDER BY s.at, s.event`;

const FORMER_IN_FORCE = FORMER(
  "f.contact, f.reason, f.scope, f.at, f.lifted_at, f.held",
  "f.lifted_at IS NULL AND f.held IS NULL AND (f.scope = '' OR f.scope = ?1)",
);

/**
 * Stores the states that contacts' objects reported. `taken`: pending suppressions that these states include. Returns
 * whether the database changed.
 */
export async function storeContacts(
  db: D1Database,
  contacts: readonly ContactChange[],
  taken: readonly (readonly [contact: string, id: string])[] = [],
): Promise<boolean> {
  const nothing = { events: [], sources: [], tallies: [], deadLetters: [], replayed: [] };
  return (await storeSlice(db, { ...nothing, contacts, taken })) > 0;
}

/**
 * Contacts of a destination with a held suppression whose evidence is from `since` or later and before `until` (ms),
 * the earliest first, at most `limit`.
 */
export async function findHeld(
  db: Db,
  { destination, since, until }: { destination: string; since: number; until: number },
  limit: number,
): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT contact FROM suppressions INDEXED BY suppressions_held
       WHERE held IS NOT NULL AND destination = ?1 AND at >= ?2 AND at < ?3 AND lifted_at IS NULL
       ORDER BY at LIMIT ?4`,
    )
    .bind(destination, since, until, limit)
    .all<{ contact: string }>();
  return results.map(({ contact }) => contact);
}
