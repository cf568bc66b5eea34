// Writes what belongs to contacts, each into the database that owns it. If a database refuses because it does not own them
// all, the map is read anew and the rest is tried once more.

import { contactPrefix } from "../../model/event-id.ts";
import { isRefusal } from "../outages.ts";
import { shardsOf } from "../shards.ts";
import type { Shard } from "./databases.ts";
import { settleEach } from "./each.ts";
import { ownedAmong } from "./fence.ts";
import { forgetMap } from "./map.ts";

/** What was not written, and why. */
export interface Unwritten<T> {
  shard: Shard<D1Database>;
  items: readonly T[];
  error: unknown;
}

/** What to write: items, whose they are, and how those of one database are written. */
interface Writing<T> {
  contactOf: (item: T) => string;
  /** Its transactions hold the fence (fence.ts) if there are several databases. It may be called again. */
  write: (shard: Shard<D1Database>, items: readonly T[]) => Promise<void>;
}

/**
 * Writes the items of each database, at most six databases at once. Resolves to what was not written: because a database
 * failed, or because nobody owns a contact at present. Rejects if the map cannot be read.
 */
export async function writeByShard<T>(
  env: Pick<Env, "DB">,
  items: readonly T[],
  writing: Writing<T>,
): Promise<Unwritten<T>[]> {
  const unwritten = await writeOnce(env, items, writing);
  if (shardsOf(env).all.length === 1) return unwritten;
  const refused = unwritten.filter(({ error }) => isRefusal(error));
  if (refused.length === 0) return unwritten;
  forgetMap(env);
  const { owned, others } = await findOwned(env, refused, writing);
  const failed = unwritten.filter((one) => !refused.includes(one));
  return [...failed, ...others, ...(await writeOnce(env, owned, writing))];
}

async function writeOnce<T>(
  env: Pick<Env, "DB">,
  items: readonly T[],
  { contactOf, write }: Writing<T>,
): Promise<Unwritten<T>[]> {
  const groups = [...(await shardsOf(env).group(items, contactOf))];
  const settled = await settleEach(groups, async ([shard, own]) => await write(shard, own));
  return groups.flatMap(([shard, own], index) => {
    const one = settled[index];
    return one?.status === "rejected" ? [{ shard, items: own, error: one.reason as unknown }] : [];
  });
}

/** Which of the refused items their database owns, by the map as it is now, and which none does, or none that answers. */
async function findOwned<T>(
  env: Pick<Env, "DB">,
  refused: readonly Unwritten<T>[],
  { contactOf }: Writing<T>,
): Promise<{ owned: T[]; others: Unwritten<T>[] }> {
  const items = refused.flatMap((one) => one.items);
  const groups = [...(await shardsOf(env).group(items, contactOf))];
  const asked = await settleEach(groups, async ([{ db }, own]) => await ownedAmong(db, own.map(contactOf)));
  const owned: T[] = [];
  const others: Unwritten<T>[] = [];
  for (const [index, [shard, own]] of groups.entries()) {
    const answer = asked[index];
    const prefixes = answer?.status === "fulfilled" ? answer.value : new Set<string>();
    const left: T[] = [];
    for (const item of own) (prefixes.has(contactPrefix(contactOf(item))) ? owned : left).push(item);
    const error: unknown = answer?.status === "rejected" ? answer.reason : refused[0]?.error;
    if (left.length > 0) others.push({ shard, items: left, error });
  }
  return { owned, others };
}

/** Throws why something was not written, if anything was not. */
export function throwUnwritten([first]: readonly Unwritten<unknown>[]): void {
  if (first !== undefined) throw first.error;
}
