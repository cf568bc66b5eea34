// An erasure where there are several shards. Each shard but the home has a part of it: a row under the same id, which
// guards the shard like the request guards the home, records how far the walk through the shard has come, and counts what
// was removed there. The receipt adds up.

import { contactPrefix } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import type { Shards } from "../shards.ts";
import type { PlacedTombstone } from "./contact-rows.ts";
import type { Erasure, Running } from "./erasures.ts";

/** The databases of the shards that hold parts. */
export function partsIn({ all }: Shards): Db[] {
  return all.slice(1).map(({ db }) => db);
}

/** The cursor of a part in the bucket: the request walks through it. */
const IN_HOME = "~";

/** Opens the part of an erasure in a shard, or begins it again for a new tombstone. Repeating it changes nothing. */
export async function openPart(
  db: Db,
  {
    id,
    contact,
    asked_at,
    asked_by,
    tombstone,
  }: Pick<Running, "id" | "contact" | "asked_at" | "asked_by" | "tombstone">,
): Promise<void> {
  const again = `id = excluded.id, contact = excluded.contact, prefix = excluded.prefix, tombstone = excluded.tombstone,
    begun = 0, pass = 1, rows_cursor = '', cursor = excluded.cursor, finished_at = NULL
    WHERE erasures.tombstone <> excluded.tombstone OR erasures.contact IS NULL`;
  await db
    .prepare(
      `INSERT INTO erasures (id, contact, prefix, asked_at, asked_by, tombstone, cursor)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, '${IN_HOME}')
       ON CONFLICT (contact) WHERE contact IS NOT NULL DO UPDATE SET ${again}
       ON CONFLICT (id) DO UPDATE SET ${again}`,
    )
    .bind(id, contact, contactPrefix(contact), asked_at, asked_by, tombstone)
    .run();
}

/**
 * Makes a shard refuse what the tombstone covers, before any shard deletes rows. Resolves to the suppression that is in
 * force there, if the shard knows one.
 */
export async function guardPart(
  db: Db,
  { id, contact }: Pick<Running, "id" | "contact">,
  { at, version, id: tombstone }: PlacedTombstone,
): Promise<PlacedTombstone["kept"]> {
  const [, found] = await db.batch<NonNullable<PlacedTombstone["kept"]>>([
    db
      .prepare(
        `UPDATE erasures SET erased_at = ?2, version = ?3
         WHERE id = ?1 AND contact IS NOT NULL AND begun = 0 AND tombstone = ?4`,
      )
      .bind(id, at, version, tombstone),
    db
      .prepare(
        `SELECT reason, at FROM (
           SELECT kept_reason AS reason, kept_since AS at, 1 AS rank FROM erasures WHERE id = ?1
           UNION ALL SELECT suppressed, since, 2 FROM contacts WHERE contact = ?2)
         WHERE reason IS NOT NULL ORDER BY rank LIMIT 1`,
      )
      .bind(id, contact),
  ]);
  return found?.results[0] ?? null;
}

/** The parts of these erasures in a shard that are under way there. */
export async function readParts(db: Db, erasures: readonly Pick<Erasure, "id">[]): Promise<Running[]> {
  const { results } = await db
    .prepare(
      `SELECT e.* FROM json_each(?1) AS i CROSS JOIN erasures AS e ON e.id = i.value WHERE e.contact IS NOT NULL`,
    )
    .bind(JSON.stringify(erasures.map(({ id }) => id)))
    .all<Running>();
  return results;
}

/** What a part counts; the rest of the receipt is of the home alone. */
const COUNTED = ["events", "messages", "suppressions", "mentions", "names"] as const;

/** The receipts with what was removed in all shards. Rejects if a shard does not answer. */
export async function addUp(shards: Shards, erasures: readonly Erasure[]): Promise<Erasure[]> {
  const sums = erasures.map((erasure) => ({ ...erasure }));
  if (sums.length === 0) return sums;
  const byId = new Map(sums.map((erasure) => [erasure.id, erasure]));
  const ids = JSON.stringify([...byId.keys()]);
  const counted = [...COUNTED, "contacts"].map((name) => `e.${name}`).join(", ");
  const parts = await Promise.all(
    partsIn(shards).map(async (db) => {
      const sql = `SELECT e.id, ${counted} FROM json_each(?1) AS i CROSS JOIN erasures AS e ON e.id = i.value`;
      return await db.prepare(sql).bind(ids).all<Erasure>();
    }),
  );
  for (const part of parts.flatMap(({ results }) => results)) {
    const sum = byId.get(part.id);
    if (sum === undefined) continue;
    for (const name of COUNTED) sum[name] += part[name];
    sum.contacts = Math.max(sum.contacts, part.contacts);
  }
  return sums;
}
