// Erases contacts, in steps. Each step may be repeated after a crash at any line:
//   1. store the request;
//   2. empty the contact's object except for a tombstone, which stops deliveries that are still being processed;
//   3. delete the contact's rows, and keep a suppression in force as a keyed hash;
//   4. walk through the database and the bucket, and remove the address from the rows of others and from every object;
//   5. once no invocation can still run that began before the tombstone, repeat 2 and 3, the walk through the database,
//      and the end of the one through the bucket;
//   6. remove the address from the request.
//
// Where there are several shards, each has a part of the request (src/store/erasure/parts.ts). All parts guard their
// shards before rows go anywhere, because the contact may come to any of them, and end before the request itself.

import { configOf } from "../config/config.ts";
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
  runningErasures,
  type Erasure,
  type Running,
} from "../store/erasure/erasures.ts";
import { removeRows } from "../store/erasure/contact-rows.ts";
import { addUp, guardPart, openPart, partsIn, readParts } from "../store/erasure/parts.ts";
import { shardsOf, type Shards } from "../store/shards.ts";
import { remainderOf } from "./dead-letters.ts";
import { walkRows } from "./rows.ts";
import { walk, WALKED } from "./walk.ts";
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
  shards: Shards = shardsOf(env),
): Promise<Erasure> {
  const hash = await hashOf(env.BUCKET, contact);
  const before = await findErasure(shards.home, hash);
  const request = { id: newId(now), contact, hash, note: asked.note, asked_at: now, asked_by: asked.by };
  const opened = await openErasure(shards.home, request, tailOf(before?.erased_at ?? null));
  await journalRequest(env, opened);
  await advance({ env, shards, now }, [opened], IN_REQUEST);
  const [sum] = await addUp(shards, [(await getErasure(shards.home, opened.id)) ?? opened]);
  return sum ?? opened;
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
export async function continueErasures(
  env: Env,
  now: number,
  shards: Shards = shardsOf(env),
): Promise<number> {
  const running = await runningErasures(shards.home, MOST_AT_ONCE);
  if (running.length > 0) await advance({ env, shards, now }, running, IN_RUN);
  await forgetHashes(shards.home, now - KNOWN_FOR);
  return running.length;
}

/** A run: the bindings, the shards, and its time, ms. */
interface Run {
  env: Env;
  shards: Shards;
  now: number;
}

async function advance(run: Run, running: readonly Running[], most: Share): Promise<void> {
  const { now } = run;
  const ready: Running[] = [];
  for (const erasure of running) {
    const begun = erasure.begun === 0 ? await begin(run, erasure) : erasure;
    if (begun !== null) ready.push(begun);
  }
  const again: Running[] = [];
  for (const erasure of await walkAll(run, ready, most)) {
    const settles = settlesAt(erasure);
    if (settles === null || now < settles) continue;
    if (erasure.pass === 2) await end(run, erasure);
    else again.push(await secondPass(run, erasure));
  }
  // Few objects are written late, so the second pass mostly fits into the same run.
  for (const erasure of await walkAll(run, again, most)) await end(run, erasure);
}

/**
 * Continues the walks: through the database, that is each of the shards, and then through the bucket. Returns the
 * erasures whose walks are all through.
 */
async function walkAll({ env, shards }: Run, erasures: readonly Running[], most: Share): Promise<Running[]> {
  const config = configOf(env);
  const rows = await walkRows({ env, db: shards.home }, erasures, most.pages);
  const waiting = new Set<string>();
  for (const db of erasures.length === 0 ? [] : partsIn(shards))
    for (const part of await walkRows({ env, db }, await readParts(db, erasures), most.pages))
      if (part.rows_cursor !== WALKED) waiting.add(part.id);
  const walked = await walk(env, rows, most.objects, config);
  return walked.filter((erasure) => isWalked(erasure) && !waiting.has(erasure.id));
}

const isWalked = ({ cursor, rows_cursor }: Running): boolean => cursor === WALKED && rows_cursor === WALKED;

/** Steps 2 and 3. Returns null if they must be tried again; that does not delay the other erasures. */
async function begin(run: Run, erasure: Running): Promise<Running | null> {
  const db = run.shards.home;
  try {
    await empty(run, erasure);
    const { contact } = erasure;
    const begun = await getErasure(db, erasure.id);
    return begun?.contact === contact && begun.begun === 1 ? { ...begun, contact } : null;
  } catch (error) {
    console.error({ message: "an erasure waits", erasure: erasure.id, ...describeError(error) });
    return null;
  }
}

/** Empties the contact's object, and deletes its rows in all shards, the home last, and its dead letters. */
async function empty({ env, shards }: Run, erasure: Running): Promise<void> {
  const { id, contact, tombstone } = erasure;
  const parts = partsIn(shards);
  for (const db of parts) await openPart(db, erasure);
  const placed = await contactOf(env, contact).erase(tombstone);
  let { kept } = placed;
  for (const db of parts.length === 0 ? [] : [...parts, shards.home]) {
    const known = await guardPart(db, erasure, placed);
    kept ??= known;
  }
  for (const db of parts) await removeRows(db, id, { ...placed, claims: 0, kept: null }, false);
  await removeRows(shards.home, id, { ...placed, kept }, true);
  await journalKept({ env, shards }, id);
  const config = configOf(env);
  await removeDeadLettersOf(
    shards.home,
    contact,
    { erasure: id, until: placed.at },
    async (letter) => await remainderOf(env.BUCKET, letter, contact, config),
  );
}

/** The suppression that outlives the contact is noted in the journal, too: no report is left that would bring it back. */
async function journalKept({ env, shards }: Pick<Run, "env" | "shards">, id: string): Promise<void> {
  const { hash = null, kept_reason = null, kept_since = null } = (await getErasure(shards.home, id)) ?? {};
  if (hash === null || kept_reason === null || kept_since === null) return;
  await journalErasure(env.BUCKET, { kind: "kept", hash, reason: kept_reason, since: kept_since });
}

/** Repeats steps 2 and 3, and begins the second pass: in the home last, which says that it has begun. */
async function secondPass(run: Run, erasure: Running): Promise<Running> {
  await empty(run, erasure);
  for (const db of partsIn(run.shards)) await lookAgain(db, erasure, WALKED);
  const cursor = tailOf(erasure.erased_at);
  await lookAgain(run.shards.home, erasure, cursor);
  return { ...erasure, pass: 2, cursor, rows_cursor: "" };
}

/** Ends the erasure, unless deliveries from before it still wait in the spool, or for a look after being given up. */
async function end({ env, shards, now }: Run, erasure: Running): Promise<void> {
  const [spooled, again, givenUp] = await Promise.all([
    env.BUCKET.list({ prefix: SPOOL, limit: 1 }),
    env.BUCKET.list({ prefix: SPOOLED_AGAIN, limit: 1 }),
    env.BUCKET.list({ prefix: GIVEN_UP, limit: 1 }),
  ]);
  const [first] = spooled.objects;
  const waits = first !== undefined && timeOfSpoolKey(first.key) <= (erasure.erased_at ?? 0);
  const timeless = again.objects.length + givenUp.objects.length; // their names do not tell when they were received
  if (waits || timeless > 0) return;
  const [done = erasure] = await addUp(shards, [(await getErasure(shards.home, erasure.id)) ?? erasure]);
  const receipt = { ...done, contact: null, prefix: null, finished_at: now };
  await journalErasure(env.BUCKET, { kind: "erased", receipt });
  for (const db of partsIn(shards)) await finishErasure(db, erasure, now);
  await finishErasure(shards.home, erasure, now);
}
