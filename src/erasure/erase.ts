// Erases contacts, in steps. Each step may be repeated after a crash at any line:
//   1. store the request;
//   2. empty the contact's object except for a tombstone, which stops deliveries that are still being processed;
//   3. delete the contact's rows, and keep a suppression in force as a keyed hash;
//   4. walk through the database and the bucket, and remove the address from the rows of others and from every object;
//   5. once no invocation can still run that began before the tombstone, repeat 2 and 3, the walk through the database,
//      and the end of the one through the bucket;
//   6. remove the address from the request.

import { configOf, type Config } from "../config/config.ts";
import { contactOf } from "../config/objects.ts";
import { describeError } from "../lib/outage.ts";
import { newId } from "../lib/time-id.ts";
import { journalErasure } from "../store/bucket/journal.ts";
import { archiveKeyAt, GIVEN_UP, SPOOL, SPOOLED_AGAIN, timeOfSpoolKey } from "../store/bucket/layout.ts";
import { removeDeadLettersOf } from "../store/dead-letters.ts";
import { lookAgain } from "../store/erasure/bucket-walk.ts";
import { hashOf } from "../store/erasure/erased.ts";
import {
  findErasure,
  finishErasure,
  forgetHashes,
  getErasure,
  openErasure,
  removeRows,
  runningErasures,
  type Erasure,
  type Running,
} from "../store/erasure/erasures.ts";
import { remainderOf } from "./dead-letters.ts";
import { walkRows } from "./rows.ts";
import { walk, WALKED } from "./walk.ts";
import { storeOf } from "../store/db.ts";
import { DAY, MINUTE } from "../lib/time.ts";

/**
 * ms from the tombstone to the second pass: an invocation of the Worker lives for 15 minutes at most
 * (https://developers.cloudflare.com/workers/platform/limits/#wall-time-limits-by-invocation-type).
 */
const SETTLES = 20 * MINUTE;

/** Most objects of the bucket, and pages of 10,000 rows of the database, that are looked at. */
interface Share {
  objects: number;
  pages: number;
}
const IN_REQUEST: Share = { objects: 200, pages: 10 };
const IN_RUN: Share = { objects: 1_000, pages: 60 };
/** Most erasures that a scheduled run continues. */
const MOST_AT_ONCE = 20;

/** How long a finished request keeps the hash of its address, ms: as long as the tombstones exist. */
const KNOWN_FOR = 35 * DAY;

/** When the second pass of a running erasure may begin, ms; null if the contact's object has no tombstone yet. */
export function settlesAt({ erased_at }: Pick<Erasure, "erased_at">): number | null {
  return erased_at === null ? null : erased_at + SETTLES;
}

/**
 * Requests the erasure of everything received until now. An erasure under way begins again, so that it includes what
 * arrived since. If an earlier one has ended, a new one looks at what arrived since. A repeated request always looks
 * into the bucket, because nothing else finds data that lies only there: of a run that died on its way to the database,
 * or of a dead letter that was discarded. `now`: ms. Returns the erasure as it is after this request's share of the
 * work.
 */
export async function erase(
  env: Env,
  contact: string,
  asked: { note: string | null; by: string },
  now: number,
): Promise<Erasure> {
  const hash = await hashOf(env.BUCKET, contact);
  const before = await findErasure(storeOf(env), hash);
  const request = { id: newId(now), contact, hash, note: asked.note, asked_at: now, asked_by: asked.by };
  const opened = await openErasure(storeOf(env), request, tailOf(before?.erased_at ?? null));
  await journalRequest(env, opened);
  await advance(env, [opened], IN_REQUEST, now);
  return (await getErasure(storeOf(env), opened.id)) ?? opened;
}

/**
 * The journal gets the request before the caller is told, so that a database that is lost meanwhile does not bring the
 * contact back. It names the hash and never the address.
 */
async function journalRequest(
  env: Env,
  { id, hash, note, asked_at, asked_by, tombstone }: Running,
): Promise<void> {
  await journalErasure(env.BUCKET, { kind: "erasure", id, hash, note, asked_at, asked_by, tombstone });
}

/** The key before the first object that may have been written after that erasure, or by an invocation older than it. */
function tailOf(erasedAt: number | null): string {
  return erasedAt === null ? "" : archiveKeyAt(erasedAt - SETTLES);
}

/** Does a scheduled run's share of all erasures under way. `now`: ms. Returns how many erasures it continued. */
export async function continueErasures(env: Env, now: number): Promise<number> {
  const running = await runningErasures(storeOf(env), MOST_AT_ONCE);
  if (running.length > 0) await advance(env, running, IN_RUN, now);
  await forgetHashes(storeOf(env), now - KNOWN_FOR);
  return running.length;
}

async function advance(env: Env, running: readonly Running[], most: Share, now: number): Promise<void> {
  const config = configOf(env);
  const ready: Running[] = [];
  for (const erasure of running) {
    const begun = erasure.begun === 0 ? await begin(env, erasure) : erasure;
    if (begun !== null) ready.push(begun);
  }
  const again: Running[] = [];
  for (const erasure of await walkBoth(env, ready, most, config)) {
    const settles = settlesAt(erasure);
    if (!isWalked(erasure) || settles === null || now < settles) continue;
    if (erasure.pass === 2) await end(env, erasure, now);
    else again.push(await secondPass(env, erasure));
  }
  // Few objects are written late, so the second pass mostly fits into the same run.
  for (const erasure of await walkBoth(env, again, most, config))
    if (isWalked(erasure)) await end(env, erasure, now);
}

/** Continues both walks: through the database, and then through the bucket. */
async function walkBoth(
  env: Env,
  erasures: readonly Running[],
  most: Share,
  config: Config,
): Promise<Running[]> {
  return await walk(env, await walkRows(env, erasures, most.pages), most.objects, config);
}

const isWalked = ({ cursor, rows_cursor }: Running): boolean => cursor === WALKED && rows_cursor === WALKED;

/** Steps 2 and 3. Returns null if they must be tried again; that does not delay the other erasures. */
async function begin(env: Env, erasure: Running): Promise<Running | null> {
  try {
    await empty(env, erasure);
    const { contact } = erasure;
    const begun = await getErasure(storeOf(env), erasure.id);
    return begun?.contact === contact && begun.begun === 1 ? { ...begun, contact } : null;
  } catch (error) {
    console.error({ message: "an erasure waits", erasure: erasure.id, ...describeError(error) });
    return null;
  }
}

/** Empties the contact's object, and deletes its rows and dead letters. */
async function empty(env: Env, { id, contact, tombstone }: Running): Promise<void> {
  const placed = await contactOf(env, contact).erase(tombstone);
  await removeRows(storeOf(env), id, placed);
  await journalKept(env, id);
  const config = configOf(env);
  await removeDeadLettersOf(
    storeOf(env),
    contact,
    { erasure: id, until: placed.at },
    async (letter) => await remainderOf(env.BUCKET, letter, contact, config),
  );
}

/** The suppression that outlives the contact is noted in the journal, too: no report is left that would bring it back. */
async function journalKept(env: Env, id: string): Promise<void> {
  const { hash = null, kept_reason = null, kept_since = null } = (await getErasure(storeOf(env), id)) ?? {};
  if (hash === null || kept_reason === null || kept_since === null) return;
  await journalErasure(env.BUCKET, { kind: "kept", hash, reason: kept_reason, since: kept_since });
}

/** Repeats steps 2 and 3, and begins the second pass through the bucket. */
async function secondPass(env: Env, erasure: Running): Promise<Running> {
  await empty(env, erasure);
  const cursor = tailOf(erasure.erased_at);
  await lookAgain(storeOf(env), erasure, cursor);
  return { ...erasure, pass: 2, cursor, rows_cursor: "" };
}

/** Ends the erasure, unless deliveries from before it still wait in the spool, or for a look after being given up. */
async function end(env: Env, erasure: Running, now: number): Promise<void> {
  const [spooled, again, givenUp] = await Promise.all([
    env.BUCKET.list({ prefix: SPOOL, limit: 1 }),
    env.BUCKET.list({ prefix: SPOOLED_AGAIN, limit: 1 }),
    env.BUCKET.list({ prefix: GIVEN_UP, limit: 1 }),
  ]);
  const [first] = spooled.objects;
  const waits = first !== undefined && timeOfSpoolKey(first.key) <= (erasure.erased_at ?? 0);
  const timeless = again.objects.length + givenUp.objects.length; // their names do not tell when they were received
  if (waits || timeless > 0) return;
  const done = (await getErasure(storeOf(env), erasure.id)) ?? erasure;
  const receipt = { ...done, contact: null, prefix: null, finished_at: now };
  await journalErasure(env.BUCKET, { kind: "erased", receipt });
  await finishErasure(storeOf(env), erasure, now);
}
