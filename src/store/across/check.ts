// "May I mail these?" over several databases. A contact's suppressions lie in the contact's database, those of a whole
// domain in that of the domain's own key, and what outlived an erasure or is still under a former spelling in the home.
// Each database is asked once, all at the same time. What is not known is never told as not suppressed.

import { isOutage } from "../../lib/outage.ts";
import { isWholeDomain, wholeDomainOf } from "../../model/whole-domain.ts";
import { erasedStatement, findErased, hashesOf } from "../erasure/erased.ts";
import type { Db } from "../db.ts";
import type { Shard, Shards } from "../shards.ts";
import {
  checkContacts,
  checkedAmong,
  domainsInForceStatement,
  formerInForceStatement,
  formerOf,
  inForceStatement,
  ofContact,
  ofErased,
  ofFormer,
  rowsOf,
  type CheckAt,
  type CheckedContact,
  type CheckFilter,
  type Found,
} from "../suppressions/suppressions.ts";
import type { Suppression } from "../../model/suppression/fold.ts";
import { askOne, atOnce, batchAcross, onlyShard } from "./ask.ts";

/** The answer of a check. */
export interface Check {
  /** The contacts that must not be mailed. */
  checked: Map<string, CheckedContact>;
  /** The contacts of which nothing is known, because a database did not answer. */
  unknown: ReadonlySet<string>;
}

/**
 * Finds the contacts that must not be mailed. With `partial`, contacts are unknown if a database that may know of them
 * does not answer; without it, such an outage rejects.
 */
export async function checkAcross(
  shards: Shards,
  bucket: R2Bucket,
  contacts: readonly string[],
  { partial = false, ...filter }: CheckFilter & { partial?: boolean | undefined },
): Promise<Check> {
  const only = onlyShard(shards);
  if (only === null) return await checkSeveral(shards, bucket, new Set(contacts), filter, partial);
  const checked = await unlessOut(partial, checkContacts(only.db, bucket, contacts, filter));
  return checked === null
    ? { checked: new Map(), unknown: new Set(contacts) }
    : { checked, unknown: new Set() };
}

async function checkSeveral(
  shards: Shards,
  bucket: R2Bucket,
  contacts: ReadonlySet<string>,
  filter: CheckFilter,
  partial: boolean,
): Promise<Check> {
  const asked = { ...filter, now: Date.now() };
  const hashes = await hashesOf(bucket, contacts);
  const domains = [...new Set([...contacts].map(wholeDomainOf))];
  const [contactsIn, domainsIn] = await Promise.all([
    shards.group([...contacts], (contact) => contact),
    shards.group(domains, (domain) => domain),
  ]);
  const answers = await atOnce(shards.all, async (shard) => {
    const statements = statementsFor(shard, {
      contacts: contactsIn.get(shard) ?? [],
      domains: domainsIn.get(shard) ?? [],
      hashes: shard.db === shards.home ? hashes : null,
      asked,
    });
    if (Object.keys(statements).length === 0) return NOTHING;
    const finding = askOne(shard, async (db) => await findIn(db, statements));
    return await unlessOut(partial, finding);
  });
  const found = {
    own: answers.flatMap((one) => one?.own ?? []),
    ofDomains: answers.flatMap((one) => one?.ofDomains ?? []),
    former: answers.flatMap((one) => one?.former ?? []),
    erased: answers.flatMap((one) => one?.erased ?? []),
  };
  const checked = checkedAmong(contacts, hashes, asked, found);
  const missing = new Set(shards.all.filter((_, i) => answers[i] === null));
  const unknown = shards.all.some(({ db }, i) => db === shards.home && answers[i] === null)
    ? contacts
    : heldBy(missing, contacts, { contactsIn, domainsIn });
  for (const contact of unknown) checked.delete(contact);
  return { checked, unknown };
}

const NOTHING: Found = { own: [], ofDomains: [], former: [], erased: [] };

type Statements = Partial<Record<keyof Found, D1PreparedStatement>>;

/** What to look for in one database. `hashes`: in the home those of all contacts, else null. */
interface Wanted {
  contacts: readonly string[];
  domains: readonly string[];
  hashes: ReadonlyMap<string, string> | null;
  asked: CheckAt;
}

function statementsFor({ db }: Shard, { contacts, domains, hashes, asked }: Wanted): Statements {
  return {
    ...(contacts.length > 0 ? { own: inForceStatement(db, contacts, asked) } : {}),
    ...(domains.length > 0 ? { ofDomains: domainsInForceStatement(db, domains, asked) } : {}),
    ...(hashes !== null ? { former: formerInForceStatement(db, asked) } : {}),
    ...(hashes !== null && hashes.size > 0 ? { erased: erasedStatement(db, hashes.keys()) } : {}),
  };
}

async function findIn(db: Db, statements: Statements): Promise<Found> {
  const results = await db.batch<Record<string, unknown>>(Object.values(statements));
  const found = Object.keys(statements).map((name, i) => [name, rowsOf(results[i])]);
  return { ...NOTHING, ...Object.fromEntries(found) } as Found;
}

type Owners = ReadonlyMap<Shard, readonly string[]>;

/** The contacts whose suppressions, or those of whose domains, these databases hold. */
function heldBy(
  shards: ReadonlySet<Shard>,
  contacts: ReadonlySet<string>,
  { contactsIn, domainsIn }: { contactsIn: Owners; domainsIn: Owners },
): ReadonlySet<string> {
  if (shards.size === 0) return new Set();
  const own = new Set([...shards].flatMap((shard) => contactsIn.get(shard) ?? []));
  const domains = new Set([...shards].flatMap((shard) => domainsIn.get(shard) ?? []));
  return new Set([...contacts].filter((one) => own.has(one) || domains.has(wholeDomainOf(one))));
}

/** Settles like the work; with `partial`, null for an outage. */
async function unlessOut<T>(partial: boolean, work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (partial && isOutage(error)) return null;
    throw error;
  }
}

/** The suppressions of a contact, and those of its whole domain. */
export interface KnownSuppressions {
  own: Suppression[];
  /** Empty if the contact is a whole domain itself. */
  ofDomain: Suppression[];
}

/** All suppressions of a contact, including one that outlived its erasure. Empty for an unknown contact. */
export async function getSuppressions(
  shards: Shards,
  bucket: R2Bucket,
  contact: string,
): Promise<KnownSuppressions> {
  const domain = wholeDomainOf(contact);
  const [{ db }, { db: domainDb }] = await Promise.all([shards.of(contact), shards.of(domain)]);
  const [[own, former, ofDomain], erased] = await Promise.all([
    batchAcross([
      [db, ofContact(db, contact)],
      [shards.home, ofFormer(shards.home)],
      [domainDb, ofContact(domainDb, domain)],
    ]),
    findErased(shards.home, bucket, [contact]),
  ]);
  const kept = erased.get(contact);
  return {
    own: [
      ...(kept === undefined ? [] : [ofErased(kept)]),
      ...rowsOf<Suppression>(own),
      ...formerOf(contact, rowsOf(former)),
    ],
    ofDomain: isWholeDomain(contact) ? [] : rowsOf<Suppression>(ofDomain),
  };
}
