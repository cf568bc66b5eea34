// The contacts that a rebuild restored from the journal, page by page.

import type { Suppression } from "../../model/suppression/fold.ts";
import type { Db } from "../db.ts";

/** A contact's stored state. */
export interface RestoredContact {
  contact: string;
  version: number;
  suppressions: Suppression[];
}

const PAGE = `
  SELECT c.contact, c.version AS state, s.reason, s.scope, s.event, s.source, s.at, s.by, s.note, s.lifted_at,
    s.lifted_by, s.lift_note, s.held, s.expires_at FROM (
    SELECT contact, version FROM contacts WHERE contact > ?1 ORDER BY contact LIMIT ?2) AS c
  LEFT JOIN suppressions AS s ON s.contact = c.contact ORDER BY c.contact, s.at, s.event`;

/** The contacts behind `after`, in order, at most `limit`, with their suppressions. */
export async function contactsBehind(db: Db, after: string, limit: number): Promise<RestoredContact[]> {
  const { results } = await db
    .prepare(PAGE)
    .bind(after, limit)
    .all<Suppression & { contact: string; state: number }>();
  return [...Map.groupBy(results, ({ contact }) => contact)].map(([contact, rows]) => ({
    contact,
    version: rows[0]?.state ?? 0,
    suppressions: rows.filter(({ event }) => event !== null),
  }));
}
