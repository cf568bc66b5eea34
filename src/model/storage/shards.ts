// The databases of a deployment, as numbers and ranges: pure. Contacts are divided by the prefix with which all their
// event ids begin (src/model/event-id.ts), so that everything about a contact lies in one database.

import { encodeInteger } from "../../lib/base32.ts";
import { CONTACT_CHARS } from "../event-id.ts";

/**
 * The most databases that a deployment may have. A delivery may have contacts in all of them, and an invocation makes at
 * most a thousand queries (https://developers.cloudflare.com/d1/platform/limits/), some ten in each database.
 */
export const MOST_SHARDS = 64;

/** The name of a database's binding. `number`: from 0 on; 0 is the home. */
export const bindingOf = (number: number): string => (number === 0 ? "DB" : `DB_${number}`);

/** The variable with which our own tests use several databases before all parts of Tidings do. */
const TRIAL = "SHARDS_TRIAL";

/** How many databases STORAGE.shards asks for, and what is wrong with that; null if nothing is. */
export interface WantedShards {
  /** 1 if anything is wrong: then nothing changes. */
  count: number;
  problem: string | null;
}

/**
 * Reads STORAGE.shards. `env`: the whole environment, because each database needs a binding. A number that cannot be
 * used counts as 1. If more databases are in use, that stops whatever would read or write a part of the data only.
 */
export function wantedShards(env: object): WantedShards {
  const shards = settingOf(Reflect.get(env, "STORAGE"));
  if (shards === undefined || shards === 1) return { count: 1, problem: null };
  const wrong = (problem: string): WantedShards => ({ count: 1, problem });
  if (typeof shards !== "number" || !Number.isInteger(shards) || shards < 1 || shards > MOST_SHARDS)
    return wrong(`must be a whole number from 1 to ${MOST_SHARDS}`);
  const missing = Array.from({ length: shards }, (_, number) => bindingOf(number)).find(
    (binding) => typeof Reflect.get(env, binding) !== "object",
  );
  if (missing !== undefined)
    return wrong(
      `is ${shards}, but there is no database with the binding ${missing}: add it to wrangler.toml ([[d1_databases]]) and ` +
        "run npm run deploy",
    );
  if (Reflect.get(env, TRIAL) !== "yes")
    return wrong(
      `is ${shards}, and this version cannot answer from several databases yet: it goes on with one`,
    );
  return { count: shards, problem: null };
}

/** The setting as it was written. A variable may be a table or the text of one; other mistakes are told elsewhere. */
function settingOf(storage: unknown): unknown {
  const table = typeof storage === "string" ? parsed(storage) : storage;
  if (typeof table !== "object" || table === null || Array.isArray(table)) return undefined;
  return Reflect.get(table, "shards");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How many seqs each feed has: a row keeps its seq for good, so no two databases may give the same one. */
const FEED_LENGTH = 2 ** 40;

/** The seq before the first one of a database's own feed. */
export const feedStart = (number: number): number => number * FEED_LENGTH;

/** A range of prefixes, from `lo` up to and without `hi`. */
export interface PrefixRange {
  lo: string;
  hi: string;
}

/** Sorts before every prefix, and behind every one. */
const FIRST = "";
const END = "~";

/** Which database holds which prefixes. */
export interface ShardMap {
  /** Grows with each change. */
  version: number;
  /** How many databases are in use. */
  shards: number;
  /** Where each range begins and the number of its database, in order. The first begins with "". */
  ranges: readonly (readonly [lo: string, shard: number])[];
}

/** The map of a deployment with one database. */
export const ONE_SHARD: ShardMap = { version: 0, shards: 1, ranges: [[FIRST, 0]] };

/** The prefixes divided evenly over `count` databases, in order of their numbers. */
export function divideEvenly(count: number): PrefixRange[] {
  const size = 32 ** CONTACT_CHARS;
  const begins = Array.from({ length: count }, (_, number) =>
    number === 0 ? FIRST : encodeInteger((number * size) / count, CONTACT_CHARS),
  );
  return begins.map((lo, number) => ({ lo, hi: begins[number + 1] ?? END }));
}

/** All prefixes. */
export const ALL_PREFIXES: PrefixRange = { lo: FIRST, hi: END };

/** The number of the database that holds a prefix. */
export function ownerOf(map: ShardMap, prefix: string): number {
  return map.ranges[indexOf(map, prefix)]?.[1] ?? 0;
}

/** The range of the map in which a prefix lies. */
export function rangeAround(map: ShardMap, prefix: string): PrefixRange {
  const index = indexOf(map, prefix);
  return { lo: map.ranges[index]?.[0] ?? FIRST, hi: map.ranges[index + 1]?.[0] ?? END };
}

/** Which of the ranges is the last that begins with the prefix or before it. */
function indexOf({ ranges }: ShardMap, prefix: string): number {
  let [low, high] = [0, ranges.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((ranges[middle]?.[0] ?? END) <= prefix) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Whether a prefix lies in one of the ranges. */
export const isWithin = (ranges: readonly PrefixRange[], prefix: string): boolean =>
  ranges.some(({ lo, hi }) => lo <= prefix && prefix < hi);
