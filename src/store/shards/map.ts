// The map of the prefixes, as an isolate knows it: read from the home every five seconds. It is a hint. What it says wrong
// is refused by the fence (fence.ts), and then it is read at once.
//
// With one database the map is read once, to make sure that there is none: an answer from one of several databases would
// be silently incomplete.

import { within } from "../../lib/deadline.ts";
import { describeError, isOutage } from "../../lib/outage.ts";
import { SECOND } from "../../lib/time.ts";
import { bindingOf, ONE_SHARD, type ShardMap } from "../../model/storage/shards.ts";
import type { Db } from "../db.ts";
import { databasesOf, type Shard } from "./databases.ts";
import { settleEach } from "./each.ts";
import { checkMark, readMark } from "./marks.ts";
import { lacksMigrations, mistaken } from "./mistaken.ts";
import { setUp } from "./set-up.ts";

/** For how long a map is used, and how long to wait for the home, ms. */
const KNOWN_FOR = 5 * SECOND;
const DEADLINE = 10 * SECOND;
/** How long to wait until a database says which one it is. One that is down holds up no other. */
const MARK_DEADLINE = 2 * SECOND;

interface Known {
  map: ShardMap;
  until: number;
  /** Databases that have said which one they are. */
  marked: Set<number>;
}

/** By the home's binding. */
const known = new WeakMap<object, Known>();
const reading = new WeakMap<object, Promise<ShardMap>>();

/**
 * The map, at most five seconds old. The first call sets the databases up. Rejects with an outage if they cannot be used:
 * the home does not answer, a binding leads to another database, or more are in use than configured.
 */
export async function mapOf(env: Pick<Env, "DB">): Promise<ShardMap> {
  const before = known.get(env.DB);
  if (before !== undefined && before.until > Date.now()) return before.map;
  const already = reading.get(env.DB);
  if (already !== undefined) return await already;
  const now = read(env);
  reading.set(env.DB, now);
  try {
    return await now;
  } finally {
    reading.delete(env.DB);
  }
}

/** Forgets the map, because it was wrong. The next call reads it. */
export function forgetMap(env: Pick<Env, "DB">): void {
  const before = known.get(env.DB);
  if (before !== undefined) before.until = 0;
}

async function read(env: Pick<Env, "DB">): Promise<ShardMap> {
  const shards = databasesOf(env);
  const [home, ...others] = shards;
  if (others.length === 0) return await readOfOne(home.db);
  const stored = await within(DEADLINE, "the database", readMap(home.db));
  checkUse(stored, shards.length);
  let { map } = stored;
  if (map === null || map.shards < shards.length) {
    await setUp(shards, map);
    map = (await within(DEADLINE, "the database", readMap(home.db))).map;
    if (map === null) throw mistaken("the map of the prefixes was not kept");
  }
  const marked = known.get(home.db)?.marked ?? new Set();
  await checkMarks(shards, marked);
  known.set(home.db, { map, until: Date.now() + KNOWN_FOR, marked });
  return map;
}

/** Makes sure that one database is all there is. Whether it answers is told by whoever needs it. */
async function readOfOne(home: D1Database): Promise<ShardMap> {
  const stored = await within(MARK_DEADLINE, "the database", readMap(home)).catch(() => null);
  if (stored !== null) checkUse(stored, 1);
  known.set(home, {
    map: ONE_SHARD,
    until: stored === null ? Date.now() + KNOWN_FOR : Infinity,
    marked: new Set(),
  });
  return ONE_SHARD;
}

function checkUse({ number, uses }: StoredMap, count: number): void {
  if (number > 0) throw mistaken(`DB is the database of ${bindingOf(number)}: correct the bindings`);
  if (uses > count) throw mistaken(tooFew(count, uses));
}

/** Says that the setting is too low. */
export const tooFew = (count: number, uses: number): string =>
  `STORAGE.shards is ${count}, but ${uses} databases are in use: put ${uses} back, and the bindings`;

/** Asks those that have not said yet which they are. One that does not answer is asked again with the next map. */
async function checkMarks(shards: readonly Shard<D1Database>[], marked: Set<number>): Promise<void> {
  const [home] = shards;
  const unknown = shards.filter(({ index }) => !marked.has(index));
  if (home === undefined || unknown.length === 0) return;
  const { deployment = "" } = (await within(DEADLINE, "the database", readMark(home.db))) ?? {};
  const answers = await settleEach(
    unknown,
    async ({ db }) => await within(MARK_DEADLINE, "a database", readMark(db)),
  );
  for (const [i, { index }] of unknown.entries()) {
    const answer = answers[i];
    if (answer?.status === "fulfilled") {
      checkMark(index, answer.value, deployment);
      marked.add(index);
    } else {
      const error: unknown = answer?.reason;
      if (!isOutage(error)) throw lacksMigrations(index, error);
      console.warn({
        message: "a database did not say which one it is",
        shard: index,
        ...describeError(error),
      });
    }
  }
}

/** What the home says of the databases. */
export interface StoredMap {
  /** Null if there is none. */
  map: ShardMap | null;
  /** How many databases the map, or the plan for it, needs. */
  uses: number;
  /** The home's own number, which is 0 unless its binding leads elsewhere. */
  number: number;
}

const READ = `
  SELECT m.version, m.shards, m.ranges,
    max(coalesce(m.shards, 1), 1 + coalesce((SELECT max(target) FROM owned), 0)) AS uses,
    coalesce((SELECT number FROM shard), 0) AS number
  FROM (SELECT 1 AS one) AS always LEFT JOIN shard_map AS m ON m.one = always.one`;

/** Reads the map from the home. A home without the table has none: it was not migrated yet. */
export async function readMap(home: Db): Promise<StoredMap> {
  interface Row {
    version: number | null;
    shards: number;
    ranges: string;
    uses: number;
    number: number;
  }
  try {
    const row = await home.prepare(READ).bind().first<Row>();
    const { version = null, shards = 1, ranges = "[]", uses = 1, number = 0 } = row ?? {};
    const map =
      version === null ? null : { version, shards, ranges: JSON.parse(ranges) as ShardMap["ranges"] };
    return { map, uses, number };
  } catch (error) {
    if (isOutage(error) || !/no such table/.test(String(error))) throw error;
    return { map: null, uses: 1, number: 0 };
  }
}
