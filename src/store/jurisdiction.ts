// The jurisdiction in which the objects of this deployment were made. An object of the same name in another jurisdiction
// is another object, an empty one: claims and evidence would seem forgotten. Only the database can tell that the setting
// has changed since, so it keeps what was in force when the first object was reached. That row is never changed.

import type { Db } from "./db.ts";

/** What the database tells about where things lie. */
export interface NotedJurisdiction {
  /** In which jurisdiction the objects were made, "none" if in no particular one; null if there are no objects yet. */
  noted: string | null;
  /** The region of the database that answered, such as WEUR; null if it does not say, as on a developer's machine. */
  region: string | null;
}

/** Reads the note. Rejects if the database does not answer or lacks the table. */
export async function readNotedJurisdiction(db: Db): Promise<NotedJurisdiction> {
  const { results, meta } = await db
    .prepare("SELECT jurisdiction FROM jurisdiction")
    .all<{ jurisdiction: string }>();
  return { noted: results[0]?.jurisdiction ?? null, region: meta.served_by_region ?? null };
}

/**
 * Notes the jurisdiction unless one is noted already. Returns the one that is noted then: of two that are noted at the
 * same time, the first. `now`: ms.
 */
export async function noteJurisdiction(db: Db, jurisdiction: string, now: number): Promise<string> {
  const { noted } = await readNotedJurisdiction(db);
  if (noted !== null) return noted;
  await db
    .prepare("INSERT OR IGNORE INTO jurisdiction (one, jurisdiction, noted_at) VALUES (1, ?1, ?2)")
    .bind(jurisdiction, now)
    .run();
  return (await readNotedJurisdiction(db)).noted ?? jurisdiction;
}
