// The order of change: contacts in the order in which their states were stored. Whoever keeps a copy of the list asks
// for what follows the last change that it has, and misses none, however late a report came and whatever lifted it.

import type { Suppression } from "../../model/suppression/fold.ts";
import { destinationOf } from "../../model/destination.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import type { Db } from "../db.ts";
import { isAtDomain } from "../prefix-range.ts";

/** A place in the order: the number of a change, and the last contact of it. */
export type ChangeCursor = [changed: number, contact: string];

/** Before everything. */
export const FIRST_CHANGE: ChangeCursor = [-1, ""];

/** The place before all changes that were stored after `time` (ms). Numbers are times, by the database's clock. */
export const changesAfter = (time: number): ChangeCursor => [time, "\u{10FFFF}"];

/** A contact whose state was stored; times in ms. */
export interface ChangedContact {
  contact: string;
  /** When it was stored; 0 if that was before this was noted. */
  changed: number;
  /** The strongest reason in force for all mail, and when its evidence happened. */
  suppressed: SuppressionReason | null;
  since: number | null;
}

/** A page of changes. */
export interface ChangePage<T> {
  items: T[];
  /** Null at the end. */
  next: ChangeCursor | null;
  /** Where to go on later. */
  resume: ChangeCursor;
}

/** Rows that one page looks through if a filter excludes many. */
const MOST_SCANNED = 20_000;

/** Which contacts to tell of. */
export interface ChangeFilter {
  domain?: readonly string[] | undefined;
  suppressed?: boolean | undefined;
}

/** The contacts that changed behind `after`, in the order of their latest change. */
export async function listChanges(
  db: Db,
  after: ChangeCursor,
  { domain, suppressed }: ChangeFilter,
  limit: number,
): Promise<ChangePage<ChangedContact>> {
  const most = domain === undefined && suppressed === undefined ? limit + 1 : MOST_SCANNED;
  const window = `SELECT contact, changed, suppressed, since FROM contacts INDEXED BY contacts_changed
    WHERE (changed, contact) > (?1, ?2) ORDER BY changed, contact LIMIT ${most}`;
  const filter = `(?3 IS NULL OR ${isAtDomain("contact", "?3")}) AND (?4 IS NULL OR (suppressed IS NOT NULL) = ?4)`;
  const domains = domain === undefined ? null : JSON.stringify(domain);
  const wanted = suppressed === undefined ? null : Number(suppressed);
  const [found, edges] = await db.batch<ChangedContact & { n: number }>([
    db
      .prepare(`SELECT * FROM (${window}) WHERE ${filter} ORDER BY changed, contact LIMIT ?5`)
      .bind(...after, domains, wanted, limit + 1),
    db
      .prepare(`SELECT *, count(*) OVER () AS n FROM (${window}) ORDER BY changed DESC, contact DESC LIMIT 1`)
      .bind(...after),
  ]);
  const all = found?.results ?? [];
  const items = all.slice(0, limit);
  const last = items.at(-1);
  if (all.length > limit && last !== undefined) return pageTo(items, placeOf(last), true);
  const [edge] = edges?.results ?? [];
  return edge === undefined ? pageTo(items, after, false) : pageTo(items, placeOf(edge), edge.n === most);
}

const placeOf = ({ changed, contact }: ChangedContact): ChangeCursor => [changed, contact];

const pageTo = <T>(items: T[], resume: ChangeCursor, more: boolean): ChangePage<T> => ({
  items,
  next: more ? resume : null,
  resume,
});

/** A contact that changed, with all its suppressions of now that pass the filter. */
export interface ChangedSuppressions extends ChangedContact {
  destination: string;
  suppressions: Suppression[];
}

/** Which suppressions of a changed contact to tell. '' among the scopes: those of all mail. */
export interface RowFilter {
  domain?: readonly string[] | undefined;
  reason?: readonly string[] | undefined;
  source?: readonly string[] | undefined;
  scope?: readonly string[] | undefined;
  destination?: readonly string[] | undefined;
}

const ROWS = `
  SELECT s.* FROM json_each(?1) AS c CROSS JOIN suppressions AS s ON s.contact = c.value
  ORDER BY c.key, s.at, s.event`;

/**
 * The contacts that changed behind `after`, with their suppressions: as many contacts as have about `limit` of these, and
 * at least one.
 */
export async function listChangedSuppressions(
  db: Db,
  after: ChangeCursor,
  { domain, ...filter }: RowFilter,
  limit: number,
): Promise<ChangePage<ChangedSuppressions>> {
  const page = await listChanges(db, after, { domain }, limit);
  const contacts = JSON.stringify(page.items.map(({ contact }) => contact));
  const { results } = await db
    .prepare(ROWS)
    .bind(contacts)
    .all<Suppression & { contact: string; destination: string }>();
  const rows = Map.groupBy(results, ({ contact }) => contact);
  const items: ChangedSuppressions[] = [];
  let held = 0;
  for (const change of page.items) {
    const suppressions = (rows.get(change.contact) ?? []).filter((row) => passes(row, filter));
    held += Math.max(1, suppressions.length);
    const before = items.at(-1);
    if (held > limit && before !== undefined) return pageTo(items, placeOf(before), true);
    const destination = destinationOf(change.contact);
    if (passesDestination(destination, filter)) items.push({ ...change, destination, suppressions });
  }
  return { ...page, items };
}

const passesDestination = (destination: string, filter: RowFilter): boolean =>
  filter.destination === undefined || filter.destination.includes(destination);

function passes(row: Suppression, { reason, source, scope }: RowFilter): boolean {
  const fits = (wanted: readonly string[] | undefined, value: string): boolean =>
    wanted === undefined || wanted.includes(value);
  return fits(reason, row.reason) && fits(source, row.source) && fits(scope, row.scope);
}
