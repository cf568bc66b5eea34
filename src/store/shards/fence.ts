// The fence: a transaction that writes about contacts fails if its database does not own all of them. So a map that is old,
// or a binding that was swapped, writes nothing anywhere it does not belong.

import { contactPrefix } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import { failFor } from "../refusal.ts";

/** Whether the database owns the prefix `p`, SQL. */
const owns = (p: string): string =>
  `EXISTS (SELECT 1 FROM owned AS o WHERE o.lo <= ${p} AND ${p} < o.hi AND o.state = 'owned')`;

/** ?1: JSON of prefixes. */
const FENCE = `
  SELECT ${failFor("length(p.value)")} FROM json_each(?1) AS p WHERE NOT ${owns("p.value")}`;

/** The statement that fails unless the database owns all these contacts (normalised addresses). */
export function fenceOf(db: Db, contacts: Iterable<string>): D1PreparedStatement {
  return db.prepare(FENCE).bind(JSON.stringify([...prefixesOf(contacts)]));
}

const OWNED = `SELECT p.value AS prefix FROM json_each(?1) AS p WHERE ${owns("p.value")}`;

/** The prefixes among those of these contacts that the database owns at present. */
export async function ownedAmong(db: Db, contacts: Iterable<string>): Promise<Set<string>> {
  const asked = db.prepare(OWNED).bind(JSON.stringify([...prefixesOf(contacts)]));
  const { results } = await asked.all<{ prefix: string }>();
  return new Set(results.map(({ prefix }) => prefix));
}

function prefixesOf(contacts: Iterable<string>): Set<string> {
  const prefixes = new Set<string>();
  for (const contact of contacts) prefixes.add(contactPrefix(contact));
  return prefixes;
}
