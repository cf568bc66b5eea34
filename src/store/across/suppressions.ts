// Lists of suppressions over several databases, merged in their common order, so that cursors are those of one database.

import type { Shards } from "../shards.ts";
import {
  countSuppressed,
  listSuppressions,
  placeOf,
  type ListedSuppression,
  type SuppressionCursor,
  type SuppressionFilter,
} from "../suppressions/list.ts";
import { askAll } from "./ask.ts";
import { compareKeys, limitOfEach, mergeParts } from "./order.ts";

/** A page of the list, behind the row `after`. `next`: null at the end. Rejects if a database does not answer. */
export async function listSuppressionsAcross(
  shards: Shards,
  filter: SuppressionFilter,
  after: SuppressionCursor | undefined,
  limit: number,
): Promise<{ items: ListedSuppression[]; next: SuppressionCursor | null }> {
  const each = limitOfEach(limit, shards.all.length);
  const parts = await askAll(shards, async (db) => await listSuppressions(db, filter, after, each));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : mergeParts(parts, placeOf, limit);
}

/**
 * How many contacts have suppressions that pass the filter, and the first of them by time, at most `most`. `more`: whether
 * there are so many suppressions that only the first half million of a database were looked at.
 */
export async function countSuppressedAcross(
  shards: Shards,
  filter: SuppressionFilter,
  most: number,
): Promise<{ count: number; contacts: string[]; more: boolean }> {
  const parts = await askAll(shards, async (db) => await countSuppressed(db, filter, most));
  const contacts = parts.flatMap((part) => part.contacts);
  const inOrder =
    parts.length === 1
      ? contacts
      : contacts.toSorted((a, b) => compareKeys([a.first, a.contact], [b.first, b.contact])).slice(0, most);
  return {
    count: parts.reduce((sum, part) => sum + part.count, 0),
    contacts: inOrder.map(({ contact }) => contact),
    more: parts.some((part) => part.more),
  };
}
