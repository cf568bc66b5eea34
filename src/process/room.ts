// Whether the database has room for events. The consumer asks before each group of deliveries, so the answer is kept for
// some seconds, and a full batch costs no query of its own.

import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { SECOND } from "../lib/time.ts";
import { hasRoom } from "../model/storage/level.ts";
import { storeOf } from "../store/db.ts";
import { originalOf } from "../store/outages.ts";
import { readFill } from "../store/storage/fill.ts";

/**
 * For how long an answer holds, ms. All consumers together store some hundred megabytes in it at most, which is less
 * than what is kept free.
 */
const KNOWN_FOR = 10 * SECOND;
/** How long to wait for the database, ms. */
const DEADLINE = 5 * SECOND;

const known = new WeakMap<object, { room: boolean; until: number }>();

/**
 * Whether events may be stored. `limit`: the largest size of the database, bytes. If the database does not tell, they
 * may: what is then stored in vain is tried again.
 */
export async function mayStore(env: Env, limit: number): Promise<boolean> {
  const before = known.get(originalOf(env));
  if (before !== undefined && before.until > Date.now()) return before.room;
  try {
    return remember(env, hasRoom(await within(DEADLINE, "the database", readFill(storeOf(env), limit))));
  } catch (error) {
    console.warn({ message: "the fill level could not be read", ...describeError(error) });
    return remember(env, true);
  }
}

/** Notes that the database refused to store anything more, so that it is not tried again at once. */
export function noteFull(env: Env): void {
  remember(env, false);
}

function remember(env: Env, room: boolean): boolean {
  known.set(originalOf(env), { room, until: Date.now() + KNOWN_FOR });
  return room;
}
