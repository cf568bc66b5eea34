// Erases contacts, in steps each of which may be repeated after a crash at any line:
//   1. the request is kept;
//   2. the contact's object is emptied but for a tombstone, which what is still under way will meet;
//   3. its rows go, and a suppression in force stays as a keyed hash;
//   4. the bucket is walked through, and it is taken out of every object;
//   5. once nobody can be alive who began before the tombstone stood, rows and the walk's end are looked at again;
//   6. the request forgets the address.

import { configOf } from "../config/config.ts";
import { firstIdAt, timeOfId, newId } from "../lib/time-id.ts";
import { archiveKey } from "../store/bucket/archive.ts";
import { removeDeadLettersOf } from "../store/dead-letters.ts";
import { hashOf } from "../store/erasure/erased.ts";
import {
  findErasure,
  finishErasure,
  forgetHashes,
  getErasure,
  lookAgain,
  openErasure,
  removeRows,
  runningErasures,
  type Erasure,
  type Running,
} from "../store/erasure/erasures.ts";
import { remainderOf } from "./dead-letters.ts";
import { walk, WALKED } from "./walk.ts";
import { storeOf } from "../store/db.ts";

/**
 * ms after the tombstone until the second look: an invocation of the Worker lives for 15 minutes at most
 * (https://developers.cloudflare.com/workers/platform/limits/#wall-time-limits-by-invocation-type).
 */
const SETTLES = 20 * 60_000;

/** Objects that are looked at within a request, and within a scheduled run. */
const IN_REQUEST = 200;
const IN_RUN = 1_000;
const MOST_AT_ONCE = 20;

/** How long it is known by the address's hash that a contact was erased: as long as the tombstones stand, ms. */
const KNOWN_FOR = 35 * 86_400_000;

/** When a running erasure looks for the second time, ms; null where the object has not been reached yet. */
export function settlesAt({ erased_at }: Pick<Erasure, "erased_at">): number | null {
  return erased_at === null ? null : erased_at + SETTLES;
}

/**
 * Asks for an erasure of all that was received until now. One that is under way begins again with what came since; where
 * one has ended, a new one looks at what came since. It never answers from memory: what is in the bucket alone (a run that
 * died on its way to the database, a dead letter that was discarded) nobody else would find. `now`: ms. Returns how far
 * it is.
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
  await advance(env, [opened], IN_REQUEST, now);
  return (await getErasure(storeOf(env), opened.id)) ?? opened;
}

/** Where the objects begin that may have been written since, or by who began before it. */
function tailOf(erasedAt: number | null): string {
  return erasedAt === null ? "" : archiveKey(firstIdAt(erasedAt - SETTLES));
}

/** A scheduled run's share of all erasures that are under way. `now`: ms. */
export async function continueErasures(env: Env, now: number): Promise<void> {
  const running = await runningErasures(storeOf(env), MOST_AT_ONCE);
  if (running.length > 0) await advance(env, running, IN_RUN, now);
  await forgetHashes(storeOf(env), now - KNOWN_FOR);
}

async function advance(env: Env, running: readonly Running[], most: number, now: number): Promise<void> {
  const config = configOf(env);
  const ready: Running[] = [];
  for (const erasure of running) {
    const begun = erasure.begun === 0 ? await begin(env, erasure) : erasure;
    if (begun !== null) ready.push(begun);
  }
  const walked = await walk(env, ready, most, config);
  const again: Running[] = [];
  for (const erasure of walked) {
    const settles = settlesAt(erasure);
    if (erasure.cursor !== WALKED || settles === null || now < settles) continue;
    if (erasure.pass === 2) await end(env, erasure, now);
    else again.push(await secondPass(env, erasure));
  }
  // What comes late is little: mostly all of it fits into the same run.
  for (const erasure of await walk(env, again, most, config))
    if (erasure.cursor === WALKED) await end(env, erasure, now);
}

/** Steps 2 and 3; null where they must be tried again, which holds up nobody else's erasure. */
async function begin(env: Env, erasure: Running): Promise<Running | null> {
  try {
    await empty(env, erasure);
    const { contact } = erasure;
    const begun = await getErasure(storeOf(env), erasure.id);
    return begun?.contact === contact && begun.begun === 1 ? { ...begun, contact } : null;
  } catch (error) {
    console.error({ message: "an erasure waits", erasure: erasure.id, error: String(error) });
    return null;
  }
}

async function empty(env: Env, { id, contact, tombstone }: Running): Promise<void> {
  const placed = await env.CONTACTS.getByName(contact).erase(tombstone);
  await removeRows(storeOf(env), id, placed);
  const config = configOf(env);
  await removeDeadLettersOf(
    storeOf(env),
    contact,
    { erasure: id, until: placed.at },
    async (letter) => await remainderOf(env.BUCKET, letter, contact, config),
  );
}

async function secondPass(env: Env, erasure: Running): Promise<Running> {
  await empty(env, erasure);
  const cursor = tailOf(erasure.erased_at);
  await lookAgain(storeOf(env), erasure, cursor);
  return { ...erasure, pass: 2, cursor };
}

/** Not before the spool has moved on what was spooled until then. */
async function end(env: Env, erasure: Running, now: number): Promise<void> {
  const [spooled, again] = await Promise.all([
    env.BUCKET.list({ prefix: "spool/", limit: 1 }),
    env.BUCKET.list({ prefix: "spool/again-", limit: 1 }),
  ]);
  const [first] = spooled.objects;
  const waits = first !== undefined && timeOfId(first.key.slice("spool/".length)) <= (erasure.erased_at ?? 0);
  if (!waits && again.objects.length === 0) await finishErasure(storeOf(env), erasure, now);
}
