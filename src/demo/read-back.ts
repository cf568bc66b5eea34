// Reads back the result of the traffic as any user would: through the API. Only the rollups are read from the database
// itself.

import { setTimeout as sleep } from "node:timers/promises";
import { fail, ok, type Result } from "../lib/result.ts";
import { persist } from "../cli/edge.ts";
import { totalOf, type Counts, type Fact } from "./traffic/traffic.ts";
import { runWrangler } from "../cli/wrangler.ts";
import { UNCOUNTED_EVENTS } from "../store/write/counting.ts";

const POLL = 500; // ms
const STALLED = 20_000; // ms without any progress
const LONGEST = 180_000; // ms

/** Reads a path below /v1 and returns its JSON. Throws if the status is not 2xx. */
export type Api = <T>(path: string) => Promise<T>;

/** The API of the Worker at `url`, read with `token`. */
export function apiAt(url: string, token: string): Api {
  return async (path) => {
    const answer = await fetch(`${url}/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`GET /v1${path} was answered with ${answer.status}`);
    return await answer.json();
  };
}

/** The counts of each source, by its name. */
export async function readSources(api: Api): Promise<Map<string, Counts>> {
  const { sources } = await api<{ sources: (Counts & { source: string })[] }>("/sources");
  return new Map(
    sources.map(({ source, events, duplicates, pings, dead_letters }) => [
      source,
      { events, duplicates, pings, dead_letters },
    ]),
  );
}

/**
 * Waits until as many elements are accounted for as were sent, or until there is no progress any more. `onChange` gets
 * the counts so far.
 */
export async function waitUntilThrough(
  api: Api,
  expected: Counts,
  onChange: (counts: Counts) => void,
): Promise<void> {
  const start = Date.now();
  let moved = start;
  let before = -1;
  while (Date.now() - moved < STALLED && Date.now() - start < LONGEST) {
    const counts = totalOf((await readSources(api)).values());
    onChange(counts);
    const through = sumOf(counts);
    if (through !== before) moved = Date.now();
    if (through >= sumOf(expected)) break;
    before = through;
    await sleep(POLL);
  }
  await sleep(2 * POLL); // so that elements that should not arrive any more would be counted
}

/** The number of elements accounted for: each ends as exactly one of the four. */
export function sumOf({ events, duplicates, pings, dead_letters }: Counts): number {
  return events + duplicates + pings + dead_letters;
}

/** The fields of an event that the demo compares. */
export interface ReadEvent extends Fact {
  id: string;
}

/** All stored events, page by page. */
export async function readEvents(api: Api): Promise<ReadEvent[]> {
  return await readPages(async (query) => {
    const { events, next } = await api<{ events: ReadEvent[]; next: string | null }>(`/events?${query}`);
    return [events, next];
  });
}

/** The number of dead letters. */
export async function countDeadLetters(api: Api): Promise<number> {
  const letters = await readPages(async (query) => {
    const page = await api<{ dead_letters: unknown[]; next: string | null }>(`/dead-letters?${query}`);
    return [page.dead_letters, page.next];
  });
  return letters.length;
}

/** The contacts that are suppressed. */
export async function readSuppressed(api: Api): Promise<string[]> {
  const entries = await readPages(async (query) => {
    const page = await api<{ suppressions: { address: string }[]; next: string | null }>(
      `/suppressions?${query}`,
    );
    return [page.suppressions, page.next];
  });
  return [...new Set(entries.map(({ address }) => address))];
}

async function readPages<T>(read: (query: string) => Promise<[T[], next: string | null]>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: "1000", ...(cursor === null ? {} : { after: cursor }) });
    const [page, next]: [T[], string | null] = await read(query.toString());
    items.push(...page);
    cursor = next;
  } while (cursor !== null);
  return items;
}

/** Numbers of rows, and sums of counters, in the database. */
export interface RowCounts {
  events: number;
  rollups: number;
  campaigns: number;
}

/**
 * Reads from the database itself the number of events and the sums of the counters with what is not counted yet, which
 * must agree with it. Fails if
 * wrangler fails.
 */
export async function readRows(state: string): Promise<Result<RowCounts>> {
  const counted = (table: string): string =>
    `(SELECT coalesce(sum(n), 0) FROM ${table}) + (SELECT count(*) FROM ${UNCOUNTED_EVENTS})`;
  const sql = `SELECT (SELECT count(*) FROM events) AS events, ${counted("rollups")} AS rollups,
    ${counted("campaign_rollups")} AS campaigns`.replaceAll(/\s+/g, " ");
  const args = ["d1", "execute", "tidings", "--local", ...persist({ state }), "--json", "--command", sql];
  const ran = await runWrangler(args);
  if (!ran.ok) return ran;
  try {
    const [answer]: { results: RowCounts[] }[] = JSON.parse(ran.value);
    const row = answer?.results[0];
    return row === undefined ? fail("the database gave no row") : ok(row);
  } catch {
    return fail(`the database's answer cannot be read: ${ran.value.slice(0, 200)}`);
  }
}
