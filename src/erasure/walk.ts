// The walk through the bucket: rows tell only where stored events lie, and the archive also holds repeats, rejects and
// what was never worked off. So every object that may be old enough is looked at, once for all erasures that are under
// way, from where the least far of them is.

import type { Config } from "../config/config.ts";
import { firstIdAt } from "../lib/time-id.ts";
import { archiveKey } from "../store/bucket/archive.ts";
import { moveOn, type Looked, type Running } from "../store/erasure/erasures.ts";
import { rewriteObject } from "./rewrite.ts";
import { storeOf } from "../store/db.ts";

const ARCHIVE = "archive/";
const DEAD = "dead-letters/";
/** The cursor of a walk that is through. */
export const WALKED = "~";

/** Objects that are listed, and noted as looked at, together. */
const PAGE = 100;
/** An object may be 7 MB of text, so few of them are open at once. */
const AT_ONCE = 3;
/** ms by which the clock that named an object may be ahead. */
const SKEW = 60_000;

/** Objects of the archive behind this key are younger than the erasure: they were made with its tombstone in sight. */
const lastKey = ({ erased_at }: Running): string => archiveKey(firstIdAt((erased_at ?? 0) + SKEW));

/** Walks on for the erasures, at most `most` objects; returns the erasures as they are then. */
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
  const prefix = from < DEAD ? ARCHIVE : DEAD;
  const page = await env.BUCKET.list({
    prefix,
    limit: PAGE,
    ...(from > prefix ? { startAfter: from } : {}),
  });
  const keys = page.objects.map(({ key }) => key);
  const last = keys.at(-1) ?? "";
  const ends = prefix === DEAD ? WALKED : DEAD;
  const beyond = prefix === ARCHIVE && all.every((erasure) => last > lastKey(erasure));
  const to = page.truncated && !beyond ? last : ends;
  const looked = new Map(
    all.map(({ id }) => [id, { looked_at: 0, rewritten: 0, elements: 0, dead_letters: 0 }]),
  );
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let key = keys[next++]; key !== undefined; key = keys[next++])
      await lookAt(
        env,
        key,
        all.filter((one) => concerns(one, key, prefix)),
        looked,
        config,
      );
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    next = keys.length;
  }
  const moving = all.filter(({ cursor }) => cursor < to);
  await moveOn(
    storeOf(env),
    moving.map((erasure) => ({ erasure, cursor: to, looked: looked.get(erasure.id) ?? NOTHING })),
  );
  return all.map((erasure) => (moving.includes(erasure) ? { ...erasure, cursor: to } : erasure));
}

const NOTHING: Looked = { looked_at: 0, rewritten: 0, elements: 0, dead_letters: 0 };

function concerns(erasure: Running, key: string, prefix: string): boolean {
  return erasure.cursor < key && (prefix === DEAD || key <= lastKey(erasure));
}

/** One contact after the other, so that each erasure counts its own. */
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
    const own = looked.get(id);
    if (own === undefined) continue;
    own.looked_at += 1;
    own.rewritten += (counts[index] ?? 0) > 0 ? 1 : 0;
    own.elements += counts[index] ?? 0;
  }
}
