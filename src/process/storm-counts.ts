// How the destinations treated the mails of a given time, as storm.ts asks it: of the one database, or of several together.
// Each of several has the outcomes of its own contacts, and only the sum tells a storm. It is kept for ten seconds, in which
// a consumer stores many slices; who looks for what came before a storm reads it anew. A database that does not answer is left out: the others have a fair sample of the
// destination's contacts, and what they have must not wait for it.

import { describeError } from "../lib/outage.ts";
import { SECOND } from "../lib/time.ts";
import { addCounts, type OutcomeCounts } from "../model/suppression/storm.ts";
import { shardsOf } from "../store/shards.ts";
import { settleEach } from "../store/shards/each.ts";
import { readDestinationCounts, readUsualCounts, type DestinationCounts } from "../store/stats/outcomes.ts";

/** For how long a sum is kept, ms, and how many. */
const KNOWN_FOR = 10 * SECOND;
const MOST_KNOWN = 100;

interface Known {
  sum: Promise<unknown>;
  until: number;
}

const known = new WeakMap<object, Map<string, Known>>();

/**
 * The outcomes in these buckets of five minutes (their starts in ms), all sources added up. `anew`: what is kept is not
 * used.
 */
export async function destinationCounts(
  env: Env,
  buckets: readonly number[],
  anew: boolean,
): Promise<DestinationCounts[]> {
  const { all, home } = shardsOf(env);
  if (all.length === 1) return await readDestinationCounts(home, buckets);
  const read = async (): Promise<DestinationCounts[]> =>
    (await fromEach(env, async (db) => await readDestinationCounts(db, buckets))).flat();
  return await kept(env, `buckets ${buckets.join()}`, read, anew);
}

/** The outcomes on these UTC days (their starts in ms) by destination, for the destinations that had any. */
export async function usualCounts(env: Env, days: readonly number[]): Promise<Map<string, OutcomeCounts>> {
  const { all, home } = shardsOf(env);
  if (all.length === 1) return await readUsualCounts(home, days);
  return await kept(env, `days ${days.join()}`, async () => {
    const sums = new Map<string, OutcomeCounts>();
    for (const one of await fromEach(env, async (db) => await readUsualCounts(db, days)))
      for (const [destination, counts] of one) {
        const before = sums.get(destination);
        sums.set(destination, before === undefined ? counts : addCounts(before, counts));
      }
    return sums;
  });
}

/** The answers of the databases that answer. Rejects if none does. */
async function fromEach<T>(env: Env, read: (db: D1Database) => Promise<T>): Promise<T[]> {
  const settled = await settleEach(shardsOf(env).all, async ({ db }) => await read(db));
  const failed = settled.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  if (failed.length === settled.length) throw failed[0];
  if (failed.length > 0)
    console.warn({
      message: "storms are looked for without some databases",
      databases: failed.length,
      ...describeError(failed[0]),
    });
  return settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

async function kept<T>(env: Env, key: string, read: () => Promise<T>, anew = false): Promise<T> {
  const own = known.get(shardsOf(env).home) ?? new Map<string, Known>();
  known.set(shardsOf(env).home, own);
  const now = Date.now();
  const before = own.get(key);
  if (!anew && before !== undefined && before.until > now) return (await before.sum) as T;
  for (const [old, { until }] of own) if (until <= now || own.size >= MOST_KNOWN) own.delete(old);
  const sum = read();
  own.set(key, { sum, until: now + KNOWN_FOR });
  sum.catch(() => own.delete(key));
  return await sum;
}
