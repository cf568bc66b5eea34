// Sets several databases up, once: each gets its number and its own stretch of seqs, and the prefixes are divided. It may
// stop at every line, and run several times at once: each step looks at what is there, in one transaction, and the next
// run goes on. Until the map is written nobody stores anything, so nothing can be stored in two places.
//
// A deployment that begins with several databases divides the prefixes evenly. One that has stored anything keeps all of
// them in the home. A prefix is never owned by two: the home owns it, then it is frozen there, then the other database
// takes it over, and only then the map tells.

import {
  ALL_PREFIXES,
  divideEvenly,
  feedStart,
  type PrefixRange,
  type ShardMap,
} from "../../model/storage/shards.ts";
import { newId } from "../../lib/time-id.ts";
import type { Shard } from "./databases.ts";
import { forEach } from "./each.ts";
import { checkMark, type Mark } from "./marks.ts";
import { lacksMigrations, mistaken } from "./mistaken.ts";

/** Nothing was ever stored about any contact. The feed's last row stays, also if all events were deleted. */
const UNUSED = ["feed", "contacts", "suppressions", "messages", "erasures"]
  .map((table) => `NOT EXISTS (SELECT 1 FROM ${table})`)
  .join(" AND ");

const MARK_HOME = "INSERT INTO shard (one, number, deployment) VALUES (1, 0, ?1) ON CONFLICT DO NOTHING";

/** ?1: the number; ?2: the deployment. A database that holds anything, and no mark, belongs to somebody else. */
const MARK = `
  INSERT INTO shard (one, number, deployment) SELECT 1, ?1, ?2 WHERE ${UNUSED} ON CONFLICT DO NOTHING`;
const IS_MARKED = "EXISTS (SELECT 1 FROM shard WHERE number = ?1 AND deployment = ?2)";

/** Where the feeds of a database begin: a row that is gone, as migration 0019 makes one. ?3: the seq before the first. */
const BEGIN_FEEDS = [
  `INSERT INTO feed (first_seq, n, batch, stored_at, ids) SELECT ?3, 1, '', 0, '[null]'
   WHERE ${IS_MARKED} AND NOT EXISTS (SELECT 1 FROM feed)`,
  `INSERT INTO notices (seq, id, type, at, told, data) SELECT ?3, 'gone-' || ?3, 'gone', 0, 0, '{}'
   WHERE ${IS_MARKED} AND NOT EXISTS (SELECT 1 FROM notices)`,
  `INSERT INTO counting (one, position) SELECT 1, ?3 WHERE ${IS_MARKED}
   ON CONFLICT DO UPDATE SET position = max(position, excluded.position)`,
];

const READ_MARK = "SELECT number, deployment FROM shard";

/** The plan, unless there is one. ?1: for a home that was never used, ?2: for another; JSON rows of lo, hi, state, target. */
const PLAN = `
  INSERT INTO owned (lo, hi, state, target)
  SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each(iif(${UNUSED}, ?1, ?2))
  WHERE NOT EXISTS (SELECT 1 FROM owned)
  ON CONFLICT DO NOTHING`;
const READ_PLAN = "SELECT lo, hi, state, target FROM owned ORDER BY lo";

/** Takes the first range of a database over. What it has given away since stays in its table, so it is taken over once. */
const TAKE_OVER = `
  INSERT INTO owned (lo, hi, state) SELECT ?3, ?4, 'owned' WHERE ${IS_MARKED} AND NOT EXISTS (SELECT 1 FROM owned)`;
const OWNED_FROM = "SELECT count(*) AS n FROM owned WHERE lo = ?1";

const WRITE_MAP = [
  `INSERT INTO shard_map (one, version, shards, ranges) VALUES (1, 1, ?1, ?2)
   ON CONFLICT DO UPDATE SET shards = excluded.shards, version = version + 1 WHERE excluded.shards > shards`,
  "UPDATE owned SET state = 'gone', target = NULL WHERE state = 'frozen' AND lo IN (SELECT value FROM json_each(?1))",
];

interface Planned extends PrefixRange {
  state: "owned" | "frozen" | "gone";
  target: number | null;
}

/**
 * Sets the databases up, as far as they are not. Rejects if one of them does not answer, is another one than its binding
 * says, or lacks the migrations.
 */
export async function setUp(
  [home, ...others]: readonly [Shard<D1Database>, ...Shard<D1Database>[]],
  map: ShardMap | null,
): Promise<void> {
  const deployment = await markHome(home.db);
  await forEach(others, async (shard) => {
    try {
      await markOther(shard, deployment);
    } catch (error) {
      throw lacksMigrations(shard.index, error);
    }
  });
  const shards = others.length + 1;
  if (map !== null) return await writeMap(home.db, { shards, ranges: map.ranges }, []);
  const plan = await makePlan(home.db, shards);
  const given = plan.filter(({ state }) => state === "frozen");
  await forEach(given, async (range) => {
    const shard = others.find(({ index }) => index === range.target);
    if (shard === undefined) throw mistaken(`DB_${range.target} is not configured`);
    await takeOver(shard, deployment, range);
  });
  const ranges = plan.map(({ lo, target }) => [lo, target ?? 0] as const);
  await writeMap(home.db, { shards, ranges }, given);
}

async function markHome(db: D1Database): Promise<string> {
  const results = await db.batch<Mark>([
    db.prepare(MARK_HOME).bind(newId(Date.now())),
    db.prepare(READ_MARK).bind(),
  ]);
  const mark = results.at(-1)?.results[0] ?? null;
  checkMark(0, mark, mark?.deployment ?? "");
  return mark?.deployment ?? "";
}

async function markOther({ index, db }: Shard<D1Database>, deployment: string): Promise<void> {
  const results = await db.batch<Mark>([
    db.prepare(MARK).bind(index, deployment),
    ...BEGIN_FEEDS.map((sql) => db.prepare(sql).bind(index, deployment, feedStart(index))),
    db.prepare(READ_MARK).bind(),
  ]);
  checkMark(index, results.at(-1)?.results[0] ?? null, deployment);
}

async function makePlan(db: D1Database, shards: number): Promise<Planned[]> {
  const evenly = divideEvenly(shards).map(({ lo, hi }, number) =>
    number === 0 ? [lo, hi, "owned", null] : [lo, hi, "frozen", number],
  );
  const all = [[ALL_PREFIXES.lo, ALL_PREFIXES.hi, "owned", null]];
  const results = await db.batch<Planned>([
    db.prepare(PLAN).bind(JSON.stringify(evenly), JSON.stringify(all)),
    db.prepare(READ_PLAN).bind(),
  ]);
  return results.at(-1)?.results ?? [];
}

async function takeOver(
  { index, db }: Shard<D1Database>,
  deployment: string,
  { lo, hi }: PrefixRange,
): Promise<void> {
  const results = await db.batch<{ n: number }>([
    db.prepare(TAKE_OVER).bind(index, deployment, lo, hi),
    db.prepare(OWNED_FROM).bind(lo),
  ]);
  if (results.at(-1)?.results[0]?.n !== 1) throw mistaken(`DB_${index} did not take its range over`);
}

async function writeMap(
  db: D1Database,
  { shards, ranges }: Pick<ShardMap, "shards" | "ranges">,
  given: readonly PrefixRange[],
): Promise<void> {
  const [map = "", gone = ""] = WRITE_MAP;
  await db.batch([
    db.prepare(map).bind(shards, JSON.stringify(ranges)),
    db.prepare(gone).bind(JSON.stringify(given.map(({ lo }) => lo))),
  ]);
}
