// The walk through the bucket. Rows record only where stored events lie, but the archive also contains repeats, rejects
// and deliveries that were never processed. So the walk looks at every object that may be old enough, once for all
// erasures under way, from the cursor of the one that has come least far. An object that nobody can read is noted in the
// receipt and passed over, so that it does not hold up every erasure for good.

import type { Config } from "../config/config.ts";
import { describeError } from "../lib/outage.ts";
import { inPool } from "../lib/pool.ts";
import { ACTS, ARCHIVE, archiveKeyAt, DEAD_LETTERS } from "../store/bucket/layout.ts";
import { isContentError } from "../store/bucket/lines.ts";
import { moveOn, waitAt, type Looked } from "../store/erasure/bucket-walk.ts";
import type { Running } from "../store/erasure/erasures.ts";
import type { Leaving } from "./mentions.ts";
import { rewriteObject } from "./rewrite.ts";
import { storeOf } from "../store/db.ts";
import { MINUTE } from "../lib/time.ts";

/** The cursor of a walk that is complete. */
export const WALKED = "~";

/** Objects of one list call. The cursors move by such pages. */
const PAGE = 100;
/** Short objects that are read at once. Long ones are read one at a time, because each fills much of the memory. */
const AT_ONCE = 3;
/** Objects with more bytes than this, gzipped, are mostly long ones (src/store/bucket/lines.ts). */
const SHORT_ZIPPED = 100_000;
/**
 * An object that the bucket does not give, while it gives others, is passed over after so many tries in at least so
 * long, ms. An outage is over by then.
 */
const MOST_TRIES = 10;
const WAITS = 60 * MINUTE;
/** How far (ms) the clock that named an object may be ahead. */
const SKEW = MINUTE;

/** Archive objects behind this key are younger than the erasure: they were written after the tombstone took effect. */
const lastKey = ({ erased_at }: Running): string => archiveKeyAt((erased_at ?? 0) + SKEW);

/** The erasures after a page, and whether they wait at an object, so that the walk ends for now. */
interface Walked {
  all: Running[];
  waits: boolean;
}

/** Continues the walk for the erasures, over at most `most` objects. Returns the erasures with their new cursors. */
export async function walk(
  env: Env,
  erasures: readonly Running[],
  most: number,
  config: Config,
): Promise<Running[]> {
  let all = [...erasures];
  for (let left = most; left > 0; left -= PAGE) {
    const cursors = all.map(({ cursor }) => cursor).filter((cursor) => cursor !== WALKED);
    const [from] = cursors.sort();
    if (from === undefined) return all;
    const walked = await walkPage(env, all, from, config);
    ({ all } = walked);
    if (walked.waits) return all;
  }
  return all;
}

async function walkPage(env: Env, all: Running[], from: string, config: Config): Promise<Walked> {
  const prefix = from < DEAD_LETTERS ? ARCHIVE : from < ACTS ? DEAD_LETTERS : ACTS;
  const page = await env.BUCKET.list({
    prefix,
    limit: PAGE,
    ...(from > prefix ? { startAfter: from } : {}),
  });
  const last = page.objects.at(-1)?.key ?? "";
  const ends = prefix === ARCHIVE ? DEAD_LETTERS : prefix === DEAD_LETTERS ? ACTS : WALKED;
  const beyond = prefix === ARCHIVE && all.every((erasure) => last > lastKey(erasure));
  const to = page.truncated && !beyond ? last : ends;
  const looked = new Map(all.map(({ id }) => [id, nothing()]));
  const lookAt = looker(env, config, looked);
  const objects = page.objects.map(({ key, size }) => ({
    key,
    size,
    erasures: all.filter((one) => concerns(one, key, prefix)),
  }));
  const failed = await lookAtAll(objects, lookAt);
  const { waiting, passedOver } = stuckAt(objects, failed, Date.now());
  for (const { key, erasures } of passedOver)
    for (const { id } of erasures) looked.get(id)?.unreadable.push(key);
  if (waiting === null) return { all: await moveAll(env, all, to, looked), waits: false };
  // Up to the object at which the walk waits, everything has been looked at.
  const before = page.objects[page.objects.findIndex(({ key }) => key === waiting) - 1]?.key;
  const moved = before === undefined ? all : await moveAll(env, all, before, looked);
  const others = moved.filter(({ cursor }) => cursor < waiting);
  const found = (id: string): Looked => (before === undefined ? (looked.get(id) ?? nothing()) : nothing());
  await waitAt(
    storeOf(env),
    waiting,
    others.map((erasure) => ({ erasure, looked: found(erasure.id) })),
    Date.now(),
  );
  console.error({
    message: "an erasure waits for an object",
    key: waiting,
    ...describeError(failed.get(waiting)),
  });
  return { all: moved, waits: true };
}

const nothing = (): Looked => ({ looked_at: 0, rewritten: 0, elements: 0, unreadable: [] });

/** Moves the cursors that are not there yet. Returns the erasures with their new cursors. */
async function moveAll(
  env: Env,
  all: readonly Running[],
  to: string,
  looked: ReadonlyMap<string, Looked>,
): Promise<Running[]> {
  const moving = all.filter(({ cursor }) => cursor < to);
  await moveOn(
    storeOf(env),
    moving.map((erasure) => ({ erasure, cursor: to, looked: looked.get(erasure.id) ?? nothing() })),
  );
  return all.map((erasure) => (moving.includes(erasure) ? { ...erasure, cursor: to } : erasure));
}

/** An object of a page, and the erasures that it concerns. `size`: bytes, gzipped. */
interface ListedObject {
  key: string;
  size: number;
  erasures: readonly Running[];
}

/** Looks at one object. Returns false if it is too long to be looked at beside others, and `alone` is false. */
type Look = (object: ListedObject, alone: boolean) => Promise<boolean>;

/** Looks at every object, and returns those that the bucket did not give or take, with the errors. */
async function lookAtAll(objects: readonly ListedObject[], look: Look): Promise<Map<string, unknown>> {
  const failed = new Map<string, unknown>();
  const long = objects.filter(({ size }) => size > SHORT_ZIPPED);
  const tryToLook = async (object: ListedObject, alone: boolean): Promise<void> => {
    try {
      if (!(await look(object, alone))) long.push(object);
    } catch (error) {
      failed.set(object.key, error);
    }
  };
  const short = objects.filter(({ size }) => size <= SHORT_ZIPPED);
  await inPool(short, { atOnce: AT_ONCE }, async (object) => await tryToLook(object, false));
  for (const object of long) await tryToLook(object, true);
  return failed;
}

/**
 * The first object at which the walk must wait, because the bucket did not give it (null if there is none), and those
 * before it that it has not given for so long that they are passed over. Throws if it gave none of several: that is an
 * outage.
 */
function stuckAt(
  objects: readonly ListedObject[],
  failed: ReadonlyMap<string, unknown>,
  now: number,
): { waiting: string | null; passedOver: ListedObject[] } {
  const concerned = objects.filter(({ erasures }) => erasures.length > 0);
  const [first] = failed.values();
  if (failed.size === concerned.length && failed.size > 1) throw first;
  const passedOver: ListedObject[] = [];
  for (const object of concerned) {
    const { key } = object;
    if (!failed.has(key)) continue;
    const isGivenUp = object.erasures.some(
      ({ stuck_key, stuck_since, stuck_tries }) =>
        stuck_key === key && stuck_tries >= MOST_TRIES && now - (stuck_since ?? now) >= WAITS,
    );
    if (!isGivenUp) return { waiting: key, passedOver };
    console.error({ message: "an erasure passed over an object", key, ...describeError(failed.get(key)) });
    passedOver.push(object);
  }
  return { waiting: null, passedOver };
}

/** Whether the erasure has not passed this object yet, and the object may be old enough. */
function concerns(erasure: Running, key: string, prefix: string): boolean {
  return erasure.cursor < key && (prefix !== ARCHIVE || key <= lastKey(erasure));
}

/** Rewrites objects for all erasures that they concern, and adds the counts of each. */
function looker(env: Env, config: Config, looked: ReadonlyMap<string, Looked>): Look {
  return async ({ key, erasures }, alone) => {
    if (erasures.length === 0) return true;
    const leaving = erasures.map(({ contact, erased_at }) => ({ contact, until: erased_at ?? 0 }));
    const counts = await rewritten(env.BUCKET, key, leaving, config, alone);
    if (counts === null) return false;
    for (const [index, { id }] of erasures.entries()) {
      const own = looked.get(id);
      if (own === undefined) continue;
      own.looked_at += 1;
      own.rewritten += (counts[index] ?? 0) > 0 ? 1 : 0;
      own.elements += counts[index] ?? 0;
      if (counts === UNREADABLE) own.unreadable.push(key);
    }
    return true;
  };
}

/** Instead of the counts of an object whose bytes are not what they should be. */
const UNREADABLE: number[] = [];
/** How often such an object is read before it counts as unreadable. */
const READS = 3;

async function rewritten(
  bucket: R2Bucket,
  key: string,
  leaving: readonly Leaving[],
  config: Config,
  alone: boolean,
): Promise<number[] | null> {
  for (let reads = 1; ; reads++) {
    try {
      return await rewriteObject(bucket, key, leaving, config, alone ? "any" : "short");
    } catch (error) {
      if (!isContentError(error)) throw error;
      if (reads < READS) continue;
      console.error({ message: "an erasure passed over an object", key, ...describeError(error) });
      return UNREADABLE;
    }
  }
}
