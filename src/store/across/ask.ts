// Asks several databases at the same time. An answer needs all of them: if one does not answer, the question fails with
// an outage, which the API tells as 503, because an answer that lacks a part looks like a whole one. One database is asked
// as if there were no others.

import { within } from "../../lib/deadline.ts";
import { inPool } from "../../lib/pool.ts";
import { SECOND } from "../../lib/time.ts";
import type { Db } from "../db.ts";
import { AT_ONCE } from "../shards/each.ts";
import type { Shard, Shards } from "../shards.ts";

/** How long one of several databases may take, ms. */
const DEADLINE = 20 * SECOND;

/** The only shard; null if there are several. */
export function onlyShard({ all }: Shards): Shard | null {
  const [first] = all;
  return all.length === 1 && first !== undefined ? first : null;
}

/** The answers of all shards, in order of their numbers. Rejects if one of them rejects, or does not answer in time. */
export async function askAll<T>(shards: Shards, ask: (db: Db, shard: Shard) => Promise<T>): Promise<T[]> {
  const only = onlyShard(shards);
  if (only !== null) return [await ask(only.db, only)];
  return await atOnce(shards.all, async (shard) => await askOne(shard, async (db) => await ask(db, shard)));
}

/** The answer of one of several shards. Rejects if it rejects, or does not answer in time. */
export async function askOne<T>({ index, db }: Shard, ask: (db: Db) => Promise<T>): Promise<T> {
  return await within(DEADLINE, `the database ${index}`, ask(db));
}

/** The answers about these items, in order, asked at the same time. Rejects if one of them rejects. */
export async function atOnce<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  await inPool([...items.entries()], { atOnce: AT_ONCE }, async ([place, item]) => {
    answers[place] = await ask(item);
  });
  return answers;
}

/** A statement, and the database in which it was prepared. */
export type Asked = readonly [db: Db, statement: D1PreparedStatement];

/**
 * Runs statements of several databases: one batch for each database, all at the same time. Resolves to the results in the
 * order of the statements. Rejects like {@link askAll}.
 */
export async function batchAcross(
  statements: readonly Asked[],
): Promise<D1Result<Record<string, unknown>>[]> {
  const batches = [...Map.groupBy(statements, ([db]) => db)];
  const answered = await atOnce(batches, async ([db, own]) => {
    const asked = db.batch<Record<string, unknown>>(own.map(([, statement]) => statement));
    const answers = await (batches.length === 1 ? asked : within(DEADLINE, "the database", asked));
    return own.map((one, i) => [one, answers[i]] as const);
  });
  const results = new Map(answered.flat());
  return statements.flatMap((one) => results.get(one) ?? []);
}
