// The walk through the bucket. Rows record only where stored events lie, but the archive also contains repeats, rejects
// and deliveries that were never processed. So the walk looks at every object that may be old enough, once for all
// erasures under way, from the cursor of the one that has come least far.

import type { Config } from "../config/config.ts";
import { inPool } from "../lib/pool.ts";
import { ARCHIVE, archiveKeyAt, DEAD_LETTERS } from "../store/bucket/layout.ts";
import { moveOn, type Looked, type Running } from "../store/erasure/erasures.ts";
import { rewriteObject } from "./rewrite.ts";
import { storeOf } from "../store/db.ts";
import { MINUTE } from "../lib/time.ts";

/** The cursor of a walk that is complete. */
export const WALKED = "~";

/** Objects of one list call. The cursors move by such pages. */
const PAGE = 100;
/** Objects that are read at once: few, because an object may be 7 MB of text. */
const AT_ONCE = 3;
/** How far (ms) the clock that named an object may be ahead. */
const SKEW = MINUTE;

/** Archive objects behind this key are younger than the erasure: they were written after the tombstone took effect. */
const lastKey = ({ erased_at }: Running): string => archiveKeyAt((erased_at ?? 0) + SKEW);

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
    all = await walkPage(env, all, from, config);
  }
  return all;
}

async function walkPage(env: Env, all: readonly Running[], from: string, config: Config): Promise<Running[]> {
  const prefix = from < DEAD_LETTERS ? ARCHIVE : DEAD_LETTERS;
  const page = await env.BUCKET.list({
    prefix,
    limit: PAGE,
    ...(from > prefix ? { startAfter: from } : {}),
  });
  const keys = page.objects.map(({ key }) => key);
  const last = keys.at(-1) ?? "";
  const ends = prefix === DEAD_LETTERS ? WALKED : DEAD_LETTERS;
  const beyond = prefix === ARCHIVE && all.every((erasure) => last > lastKey(erasure));
  const to = page.truncated && !beyond ? last : ends;
  const looked = new Map(
    all.map(({ id }) => [id, { looked_at: 0, rewritten: 0, elements: 0, dead_letters: 0 }]),
  );
  await inPool(keys, { atOnce: AT_ONCE }, async (key) => {
    const concerned = all.filter((erasure) => concerns(erasure, key, prefix));
    await lookAt(env, key, concerned, looked, config);
  });
  const moving = all.filter(({ cursor }) => cursor < to);
  await moveOn(
    storeOf(env),
    moving.map((erasure) => ({ erasure, cursor: to, looked: looked.get(erasure.id) ?? NOTHING })),
  );
  return all.map((erasure) => (moving.includes(erasure) ? { ...erasure, cursor: to } : erasure));
}

const NOTHING: Looked = { looked_at: 0, rewritten: 0, elements: 0, dead_letters: 0 };

/** Whether the erasure has not passed this object yet, and the object may be old enough. */
function concerns(erasure: Running, key: string, prefix: string): boolean {
  return erasure.cursor < key && (prefix === DEAD_LETTERS || key <= lastKey(erasure));
}

/** Rewrites one object for all erasures that it concerns, and adds the counts of each. */
async function lookAt(
  env: Env,
  key: string,
  erasures: readonly Running[],
  looked: ReadonlyMap<string, Looked>,
  config: Config,
): Promise<void> {
  if (erasures.length === 0) return;
  const leaving = erasures.map(({ contact, erased_at }) => ({ contact, until: erased_at ?? 0 }));
  const counts = await rewriteObject(env.BUCKET, key, leaving, config);
  for (const [index, { id }] of erasures.entries()) {
    const tally = looked.get(id);
    if (tally === undefined) continue;
    tally.looked_at += 1;
    tally.rewritten += (counts[index] ?? 0) > 0 ? 1 : 0;
    tally.elements += counts[index] ?? 0;
  }
}
