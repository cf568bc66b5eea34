// The order of change over several databases. Each database numbers its changes by its own clock, and a change may become
// visible after later ones of another database. So a place in the list is a place in each of them.

import type { Shards } from "../shards.ts";
import {
  FIRST_CHANGE,
  listChangedSuppressions,
  listChanges,
  type ChangeCursor,
  type ChangedContact,
  type ChangedSuppressions,
  type ChangeFilter,
  type ChangePage,
  type RowFilter,
} from "../suppressions/changes.ts";
import type { Db } from "../db.ts";
import { askAll, onlyShard } from "./ask.ts";
import { compareKeys, firstOf, limitOfEach } from "./order.ts";

/** A place in the order of change of every database. */
export interface ChangePlaces {
  /** By the numbers of the databases. */
  readonly known: readonly ChangeCursor[];
  /** In those that have no place of their own, such as databases that were added since. */
  readonly others: ChangeCursor;
}

/** A page of changes. `next`: null at the end; `resume`: where to go on later. */
export interface ChangesAcross<T> {
  items: T[];
  next: ChangePlaces | null;
  resume: ChangePlaces;
}

/** The contacts that changed behind `after`, in the order of their latest change. Rejects if a database does not answer. */
export async function listChangesAcross(
  shards: Shards,
  after: ChangePlaces,
  filter: ChangeFilter,
  limit: number,
): Promise<ChangesAcross<ChangedContact>> {
  const ask = async (db: Db, from: ChangeCursor, most: number) => await listChanges(db, from, filter, most);
  return await pageAcross(shards, { after, limit, ask, sizeOf: () => 1 });
}

/** The same with the contacts' suppressions, about `limit` of these. */
export async function listChangedSuppressionsAcross(
  shards: Shards,
  after: ChangePlaces,
  filter: RowFilter,
  limit: number,
): Promise<ChangesAcross<ChangedSuppressions>> {
  const ask = async (db: Db, from: ChangeCursor, most: number) =>
    await listChangedSuppressions(db, from, filter, most);
  const sizeOf = ({ suppressions }: ChangedSuppressions): number => Math.max(1, suppressions.length);
  return await pageAcross(shards, { after, limit, ask, sizeOf });
}

interface Question<T> {
  after: ChangePlaces;
  limit: number;
  /** The page of one database behind a place, with about as many rows. */
  ask: (db: Db, from: ChangeCursor, most: number) => Promise<ChangePage<T>>;
  /** How many rows an item is. */
  sizeOf: (item: T) => number;
}

async function pageAcross<T extends ChangedContact>(
  shards: Shards,
  { after, limit, ask, sizeOf }: Question<T>,
): Promise<ChangesAcross<T>> {
  const from = (shard: number): ChangeCursor => after.known[shard] ?? after.others;
  const only = onlyShard(shards);
  if (only !== null) {
    const { items, next, resume } = await ask(only.db, from(0), limit);
    return { items, next: next === null ? null : placesOf([next]), resume: placesOf([resume]) };
  }
  const each = limitOfEach(limit, shards.all.length);
  const pages = await askAll(shards, async (db, { index }) => await ask(db, from(index), each));
  const items = firstItems(pages, { limit, sizeOf });
  const known = pages.map((page, shard): ChangeCursor => {
    const own = page.items.filter((item) => items.has(item));
    const last = own.at(-1);
    if (own.length === page.items.length) return page.resume;
    return last === undefined ? from(shard) : placeOf(last);
  });
  const all = pages.reduce((sum, page) => sum + page.items.length, 0);
  const isEnd = items.size === all && pages.every(({ next }) => next === null);
  return { items: [...items], next: isEnd ? null : placesOf(known), resume: placesOf(known) };
}

/** The items in their order, as far as no database can have one in between. */
function firstItems<T extends ChangedContact>(
  pages: readonly ChangePage<T>[],
  { limit, sizeOf }: Pick<Question<T>, "limit" | "sizeOf">,
): Set<T> {
  const edge = firstOf(pages.map(({ next }) => next));
  const inOrder = pages
    .flatMap((page) => page.items)
    .toSorted((one, other) => compareKeys(placeOf(one), placeOf(other)));
  const items = new Set<T>();
  let rows = 0;
  for (const item of inOrder) {
    rows += sizeOf(item);
    if ((edge !== null && compareKeys(placeOf(item), edge) > 0) || (rows > limit && items.size > 0)) break;
    items.add(item);
  }
  return items;
}

const placeOf = ({ changed, contact }: ChangedContact): ChangeCursor => [changed, contact];

const placesOf = (known: readonly ChangeCursor[]): ChangePlaces => ({ known, others: FIRST_CHANGE });
