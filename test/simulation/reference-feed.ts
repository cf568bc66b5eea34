// What the feed must be: it names each stored event once, where the event's row says, and nothing that is gone.

import { env } from "cloudflare:workers";
import type { EventRow } from "./witness.ts";

interface FeedRow {
  first_seq: number;
  n: number;
  ids: string;
}

/** Each event is named by the feed at its seq, no other id is named, and the rows do not overlap. */
export async function checkFeed(events: readonly EventRow[]): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT first_seq, n, ids FROM feed ORDER BY first_seq",
  ).all<FeedRow>();
  const wrong: string[] = [];
  const named = new Map<number, string>();
  let end = 0;
  for (const { first_seq, n, ids } of results) {
    if (first_seq <= end) wrong.push(`the feed's row at ${first_seq} begins before ${end} has ended`);
    end = first_seq + n - 1;
    const names = JSON.parse(ids) as (string | null)[];
    if (names.length > n) wrong.push(`the feed's row at ${first_seq} names ${names.length} events, not ${n}`);
    for (const [index, id] of names.entries()) if (id !== null) named.set(first_seq + index, id);
  }
  for (const { id, seq } of events) {
    if (named.get(seq) !== id) wrong.push(`event ${id} is not named at ${seq} of the feed`);
    named.delete(seq);
  }
  for (const [seq, id] of named) wrong.push(`the feed names ${id} at ${seq}, which is not stored`);
  return wrong;
}
