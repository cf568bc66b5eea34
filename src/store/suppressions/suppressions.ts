// Reads of suppressions. Writes use the same statements as the consumer (src/store/write/slice.ts), guarded by version.

import type { Suppression } from "../../model/suppression/fold.ts";
import { inForceOf, reasonsOf } from "../../model/suppression/in-force.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import { wholeDomainOf } from "../../model/whole-domain.ts";
import type { Db } from "../db.ts";
import { erasedStatement, hashesOf, type ErasedRow, type ErasedSuppression } from "../erasure/erased.ts";
import { FORMER, newKeyOf } from "../respelling.ts";
import type { ContactChange } from "../write/rows.ts";
import { NO_ROWS, storeSlice } from "../write/slice.ts";

const FIELDS =
  "reason, scope, event, source, at, by, note, lifted_at, lifted_by, lift_note, held, expires_at";

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
  /** All reasons in force, the strongest first. */
  reasons: SuppressionReason[];
  /** The whole domain whose suppression this is, as `@example.com`; null if it is the contact's own. */
  domain: string | null;
}

/** What to check. `scope`: the list or stream that the mail is for, '' for none; `reasons`: which count, default all. */
export interface CheckFilter {
  scope: string;
  reasons?: readonly SuppressionReason[] | undefined;
}

/**
 * Finds the contacts that must not be mailed, in one round trip to the database and, once in an isolate's life, one to
 * the bucket. The map contains only suppressed contacts.
 */
export async function checkContacts(
  db: Db,
  bucket: R2Bucket,
  contacts: readonly string[],
  filter: CheckFilter,
): Promise<Map<string, CheckedContact>> {
  const { statements, checkedOf } = await checkQuery(db, bucket, new Set(contacts), filter);
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
  filter: CheckFilter,
): Promise<{
  statements: D1PreparedStatement[];
  checkedOf: (results: readonly D1Result<Record<string, unknown>>[]) => Map<string, CheckedContact>;
}> {
  const hashes = await hashesOf(bucket, contacts);
  const domains = new Set([...contacts].map(wholeDomainOf));
  const asked = { ...filter, now: Date.now() };
  const statements = [
    inForceStatement(db, contacts, asked),
    domainsInForceStatement(db, domains, asked),
    formerInForceStatement(db, asked),
    ...(hashes.size > 0 ? [erasedStatement(db, hashes.keys())] : []),
  ];
  return {
    statements,
    checkedOf: ([own, ofDomains, former, erased]) =>
      checkedAmong(contacts, hashes, asked, {
        own: rowsOf(own),
        ofDomains: rowsOf(ofDomains),
        former: rowsOf(former),
        erased: rowsOf(erased),
      }),
  };
}

/** A check at a time: `now`, ms. */
export interface CheckAt extends CheckFilter {
  now: number;
}

type Standing = Suppression & { contact: string };

/** What the queries of a check found. */
export interface Found {
  own: readonly Standing[];
  ofDomains: readonly Standing[];
  former: readonly Standing[];
  erased: readonly ErasedRow[];
}

/** The rows of a check's query; none if it was not asked. */
export const rowsOf = <T>(result: D1Result<Record<string, unknown>> | undefined): T[] =>
  (result?.results ?? []) as T[];

/** Which of the contacts must not be mailed, from what was found. `hashes`: of the contacts, as hashesOf makes them. */
export function checkedAmong(
  contacts: ReadonlySet<string>,
  hashes: ReadonlyMap<string, string>,
  { scope, reasons, now }: CheckAt,
  found: Found,
): Map<string, CheckedContact> {
  const standing = [...found.own];
  const byDomain = Map.groupBy(found.ofDomains, (row) => row.contact);
  for (const row of found.former) {
    const contact = newKeyOf(row.contact);
    if (contact !== null && contacts.has(contact)) standing.push({ ...row, contact });
  }
  const outlived = found.erased.map((row) => ({ ...ofErased(row), contact: hashes.get(row.hash) ?? "" }));
  const own = Map.groupBy([...standing, ...outlived], (row) => row.contact);
  const checked = new Map<string, CheckedContact>();
  for (const contact of byDomain.size > 0 ? contacts : own.keys()) {
    const domain = byDomain.get(wholeDomainOf(contact)) ?? [];
    const counted = [...(own.get(contact) ?? []), ...domain].filter(
      ({ reason }) => reasons === undefined || reasons.includes(reason),
    );
    const all = inForceOf(counted, now, scope);
    const [strongest] = all;
    if (strongest === undefined) continue;
    checked.set(contact, {
      reason: strongest.reason,
      scope: strongest.scope,
      since: strongest.at,
      reasons: reasonsOf(all),
      domain: strongest.contact === contact ? null : strongest.contact,
    });
  }
  return checked;
}

/** The query for the suppressions of these contacts in force. */
export function inForceStatement(
  db: Db,
  contacts: Iterable<string>,
  { scope, now }: CheckAt,
): D1PreparedStatement {
  return db.prepare(IN_FORCE).bind(JSON.stringify([...contacts]), scope, now);
}

/** The query for the suppressions of whole domains in force. `domains`: their keys. */
export function domainsInForceStatement(
  db: Db,
  domains: Iterable<string>,
  { scope, now }: CheckAt,
): D1PreparedStatement {
  return db.prepare(DOMAINS_IN_FORCE).bind(JSON.stringify([...domains]), scope, now);
}

/** The query for suppressions in force under former spellings. */
export function formerInForceStatement(db: Db, { scope, now }: CheckAt): D1PreparedStatement {
  return db.prepare(FORMER_IN_FORCE).bind(scope, now);
}

/** Those of some contacts in force. `from`: SQL that joins suppressions `s` by keys. ?2: the scope; ?3: now, ms. */
const STANDING = (from: string): string => `
  SELECT s.contact, s.reason, s.scope, s.at, s.lifted_at, s.held, s.expires_at FROM ${from}
  WHERE s.lifted_at IS NULL AND s.held IS NULL AND (s.scope = '' OR s.scope = ?2)
    AND (s.expires_at IS NULL OR s.expires_at > ?3) ORDER BY s.at, s.event`;

/** ?1: the contacts' keys. */
const IN_FORCE = STANDING("json_each(?1) AS c CROSS JOIN suppressions AS s ON s.contact = c.value");

/** The condition of the index `suppressions_domain`. */
const IS_DOMAIN = (contact: string): string => `${contact} >= '@' AND ${contact} < 'A'`;

/** ?1: the domains' keys, which are looked at only if there is the suppression of any domain at all. */
const DOMAINS_IN_FORCE = STANDING(`
  (SELECT 1 FROM suppressions INDEXED BY suppressions_domain WHERE ${IS_DOMAIN("contact")} LIMIT 1) AS any_domain
  CROSS JOIN json_each(?1) AS c
  CROSS JOIN suppressions AS s INDEXED BY suppressions_domain ON s.contact = c.value AND ${IS_DOMAIN("s.contact")}`);

const FORMER_IN_FORCE = FORMER(
  "f.contact, f.reason, f.scope, f.at, f.lifted_at, f.held, f.expires_at",
  `f.lifted_at IS NULL AND f.held IS NULL AND (f.scope = '' OR f.scope = ?1)
    AND (f.expires_at IS NULL OR f.expires_at > ?2)`,
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
  return (await storeSlice(db, { ...NO_ROWS, contacts, taken })) > 0;
}
