// Reads of a contact's record: its suppressions, and its events in figures.

import type { Suppression } from "../../model/suppression/fold.ts";
import type { EventType } from "../../model/event.ts";
import { wholeDomainOf } from "../../model/whole-domain.ts";
import { batchAcross } from "../across/ask.ts";
import type { Shards } from "../shards.ts";
import { formerOf, ofContact, ofFormer, rowsOf } from "../suppressions/suppressions.ts";
import { rangeOf } from "../prefix-range.ts";

/** A contact's suppressions, and the number and times of its events by type; times in ms. */
export interface ContactRecord {
  suppressions: Suppression[];
  /** Of the whole domain. */
  ofDomain: Suppression[];
  counts: { type: EventType; n: number; first: number; last: number }[];
}

/**
 * The record of a contact; null if it has neither events nor suppressions, and its domain has none. Rejects if a database
 * does not answer.
 */
export async function getContact(shards: Shards, contact: string): Promise<ContactRecord | null> {
  const domain = wholeDomainOf(contact);
  const [{ db }, { db: domainDb }] = await Promise.all([shards.of(contact), shards.of(domain)]);
  const [from, to] = rangeOf(contact);
  const counts = db
    .prepare(
      `SELECT type, count(*) AS n, min(at) AS first, max(at) AS last FROM events
       WHERE id >= ?1 AND id < ?2 AND contact = ?3 GROUP BY type`,
    )
    .bind(from, to, contact);
  const [found, counted, former, ofDomain] = await batchAcross([
    [db, ofContact(db, contact)],
    [db, counts],
    [shards.home, ofFormer(shards.home)],
    [domainDb, ofContact(domainDb, domain)],
  ]);
  const record = {
    suppressions: [...rowsOf<Suppression>(found), ...formerOf(contact, rowsOf(former))],
    ofDomain: rowsOf<Suppression>(ofDomain),
    counts: rowsOf<ContactRecord["counts"][number]>(counted),
  };
  const isUnknown = Object.values(record).every((list) => list.length === 0);
  return isUnknown ? null : record;
}
