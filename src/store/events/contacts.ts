// Reads of a contact's record: its suppressions, and its events in figures.

import type { Suppression } from "../../model/suppression/fold.ts";
import type { EventType } from "../../model/event.ts";
import { wholeDomainOf } from "../../model/whole-domain.ts";
import type { Db } from "../db.ts";
import { formerOf, ofContact, ofFormer } from "../suppressions/suppressions.ts";
import { rangeOf } from "../prefix-range.ts";

/** A contact's suppressions, and the number and times of its events by type; times in ms. */
export interface ContactRecord {
  suppressions: Suppression[];
  /** Of the whole domain. */
  ofDomain: Suppression[];
  counts: { type: EventType; n: number; first: number; last: number }[];
}

/** The record of a contact; null if it has neither events nor suppressions, and its domain has none. */
export async function getContact(db: Db, contact: string): Promise<ContactRecord | null> {
  const [from, to] = rangeOf(contact);
  const suppressions = ofContact(db, contact);
  const counts = db
    .prepare(
      `SELECT type, count(*) AS n, min(at) AS first, max(at) AS last FROM events
       WHERE id >= ?1 AND id < ?2 AND contact = ?3 GROUP BY type`,
    )
    .bind(from, to, contact);
  const [found, counted, former, ofDomain] = await db.batch([
    suppressions,
    counts,
    ofFormer(db),
    ofContact(db, wholeDomainOf(contact)),
  ]);
  const own = (found?.results ?? []) as Suppression[];
  const record = {
    suppressions: [...own, ...formerOf(contact, former?.results ?? [])],
    ofDomain: (ofDomain?.results ?? []) as Suppression[],
    counts: (counted?.results ?? []) as ContactRecord["counts"],
  };
  const isUnknown = Object.values(record).every((list) => list.length === 0);
  return isUnknown ? null : record;
}
