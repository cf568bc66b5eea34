// Whether the databases have room for events. The consumer asks before each group of deliveries, so the answer is kept for
// some seconds, and a full batch costs no query of its own.

import { within } from "../lib/deadline.ts";
import { describeError, isOutage } from "../lib/outage.ts";
import { SECOND } from "../lib/time.ts";
import { hasRoom } from "../model/storage/level.ts";
import { storeOf } from "../store/db.ts";
import { originalOf } from "../store/outages.ts";
import { mapOf } from "../store/shards/map.ts";
import { isMistaken } from "../store/shards/mistaken.ts";
import { shardsOf } from "../store/shards.ts";
import { readFill } from "../store/storage/fill.ts";

/**
 * For how long an answer holds, ms. All consumers together store some hundred megabytes in it at most, which is less
 * than what is kept free.
 */
const KNOWN_FOR = 10 * SECOND;
/** How long to wait for the database, ms. */
const DEADLINE = 5 * SECOND;

const known = new WeakMap<object, Map<number, { room: boolean; until: number }>>();

/**
 * Whether events may be stored at all. `limit`: the largest size of a database, bytes. The one database must have room; of
 * several, those that have some go on (in-shards.ts). No event is stored while the databases are not those that the
 * configuration names.
 */
export async function mayStore(env: Env, limit: number): Promise<boolean> {
  if (!(await areSound(env))) return false;
  return shardsOf(env).all.length > 1 || (await hasRoomIn(env, 0, limit));
}

async function areSound(env: Env): Promise<boolean> {
  try {
    await mapOf(env);
    return true;
  } catch (error) {
    if (!isMistaken(error) && isOutage(error)) return true; // what is then tried in vain is tried again
    console.error({ message: "the databases cannot be used", ...describeError(error) });
    return false;
  }
}

/**
 * Whether a database has room for events. `shard`: its number. If it does not tell, it has: what is then stored in vain is
 * tried again.
 */
export async function hasRoomIn(env: Env, shard: number, limit: number): Promise<boolean> {
  const before = known.get(originalOf(env))?.get(shard);
  if (before !== undefined && before.until > Date.now()) return before.room;
  const db = shardsOf(env).all[shard]?.db ?? storeOf(env);
  try {
    return remember(env, shard, hasRoom(await within(DEADLINE, "the database", readFill(db, limit))));
  } catch (error) {
    console.warn({ message: "the fill level could not be read", ...describeError(error) });
    return remember(env, shard, true);
  }
}

/** Notes that a database refused to store anything more, so that it is not tried again at once. */
export function noteFull(env: Env, shard = 0): void {
  remember(env, shard, false);
}

function remember(env: Env, shard: number, room: boolean): boolean {
  const original = originalOf(env);
  const own = known.get(original) ?? new Map<number, { room: boolean; until: number }>();
  known.set(original, own.set(shard, { room, until: Date.now() + KNOWN_FOR }));
  return room;
}
