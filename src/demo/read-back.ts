// What came of the traffic, as any user would find out: by the API. Only the rollups are looked up in the database itself.

import { setTimeout as sleep } from "node:timers/promises";
import { fail, ok, type Result } from "../lib/result.ts";
import { persist } from "../cli/edge.ts";
import { totalOf, type Counts, type Fact } from "./traffic/traffic.ts";
import { runWrangler } from "../cli/wrangler.ts";

const POLL = 500; // ms
const STALLED = 20_000; // ms without any movement
const LONGEST = 180_000; // ms

export type Api = <T>(path: string) => Promise<T>;

export function apiAt(url: string, token: string): Api {
  return async (path) => {
    const answer = await fetch(`${url}/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`GET /v1${path} was answered with ${answer.status}`);
    return await answer.json();
  };
}

/** Source -> its counts. */
export async function readSources(api: Api): Promise<Map<string, Counts>> {
  const { sources } = await api<{ sources: (Counts & { source: string })[] }>("/sources");
  return new Map(
    sources.map(({ source, events, duplicates, pings, dead_letters }) => [
      source,
      { events, duplicates, pings, dead_letters },
    ]),
  );
}

/** Waits until as much is accounted for as was sent, or nothing moves any more. `onChange` is told how much it is. */
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
  await sleep(2 * POLL); // for whatever should not come any more
}

/** Elements accounted for: each ends as one of the four. */
export function sumOf({ events, duplicates, pings, dead_letters }: Counts): number {
  return events + duplicates + pings + dead_letters;
}

/** What the demo looks at of an event. */
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

export interface RowCounts {
  events: number;
  rollups: number;
  campaigns: number;
}

/** Rows and the sums of the counters that have to agree with them, from the database itself. */
export async function readRows(state: string): Promise<Result<RowCounts>> {
  const sql = `SELECT (SELECT count(*) FROM events) AS events, (SELECT sum(n) FROM rollups) AS rollups,
    (SELECT sum(n) FROM campaign_rollups) AS campaigns`;
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
