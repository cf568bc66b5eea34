// Single events that people want passed on again, out of both feeds: where they lie, and which of them filters let
// through.

import { CONTACT_CHARS, contactPrefix } from "../../model/event-id.ts";
import { readSeqs, seqsOf } from "../../store/events/feeds.ts";
import { moveBehind } from "../../store/feed-position.ts";
import {
  placeSystemEvents,
  readSystemEvents,
  readSystemEventSeqs,
  systemEventsBefore,
  type PlacedSystemEvent,
} from "../../store/pipes/system-events.ts";
import { shardsOf } from "../../store/shards.ts";
import { compileFilter, type Filter } from "../filter/filter.ts";
import type { Retry } from "../retries.ts";
import { eventRow, systemEventRow, viewOf, type Row } from "../rows.ts";
import { lookUp, passesFilters } from "../select.ts";

/** An event as a pipe takes it on. */
export type Found = Pick<Retry, "feed" | "seq" | "id" | "grp">;

const AT_ONCE = 1_000;

/** The events with these ids that are stored: the others were erased, or are too old. */
export async function findEvents(env: Env, ids: readonly string[]): Promise<Found[]> {
  const shards = shardsOf(env);
  const found: Found[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const stored = await seqsOf(shards, some);
    const grpOf = (id: string): string => id.slice(0, CONTACT_CHARS);
    found.push(...stored.map(({ id, seq }): Found => ({ feed: "events", id, seq, grp: grpOf(id) })));
    if (stored.length < some.length) {
      const known = new Set(stored.map(({ id }) => id));
      const others = some.filter((id) => !known.has(id));
      found.push(...(await placeSystemEvents(shards, others)).map(ofSystemEvent));
    }
  }
  return found;
}

function ofSystemEvent({ id, seq, contact }: PlacedSystemEvent): Found {
  return { feed: "notices", id, seq, grp: contact === null ? "" : contactPrefix(contact) };
}

/**
 * The system events that became known from `from` until `to` (ms; null for now), in the order of each feed, at most `most`. `complete`:
 * whether these are all.
 */
export async function findSystemEvents(
  env: Env,
  { from, to }: { from: number; to: number | null },
  most: number,
): Promise<{ found: Found[]; complete: boolean }> {
  const shards = shardsOf(env);
  const start = await systemEventsBefore(shards, from);
  const found: Found[] = [];
  for (const { index } of shards.all) {
    let after = start;
    while (found.length <= most) {
      const page = await readSystemEvents(shards, index, { after, limit: AT_ONCE });
      const last = page.at(-1);
      const within = to === null ? page : page.filter(({ told }) => told < to);
      found.push(...within.map(ofSystemEvent));
      if (last === undefined || page.length < AT_ONCE || within.length < page.length) break;
      after = moveBehind(after, last);
    }
  }
  return { found: found.slice(0, most), complete: found.length <= most };
}

/** The filters that these texts hold. A text that is not valid any more holds none. */
export function filtersOf(texts: readonly (string | null)[]): Filter[] {
  return texts.flatMap((text): Filter[] => {
    const compiled = text === null ? null : compileFilter(text);
    return compiled?.ok === true ? [compiled.value] : [];
  });
}

/** Those that all filters let through, in the order in which they lie. */
export async function passing(
  env: Env,
  filters: readonly Filter[],
  found: readonly Found[],
): Promise<Found[]> {
  if (filters.length === 0) return [...found];
  const passed: Found[] = [];
  for (let at = 0; at < found.length; at += AT_ONCE) {
    const some = new Map(found.slice(at, at + AT_ONCE).map((one) => [one.id, one]));
    const rows = await readRows(env, [...some.values()]);
    const viewed = rows.map(viewOf);
    const lookups = await lookUp(env, filters, viewed);
    passed.push(
      ...rows.flatMap(({ id }, index) =>
        passesFilters(filters, viewed[index] ?? {}, lookups[index] ?? {}) === true
          ? (some.get(id) ?? [])
          : [],
      ),
    );
  }
  return passed;
}

async function readRows(env: Env, found: readonly Found[]): Promise<Row[]> {
  const of = (feed: Found["feed"]) => found.flatMap((one) => (one.feed === feed ? [one.seq] : []));
  const [events, notices] = [of("events"), of("notices")];
  const shards = shardsOf(env);
  const [stored, reported] = await Promise.all([
    events.length > 0 ? readSeqs(shards, events) : [],
    notices.length > 0 ? readSystemEventSeqs(shards, notices) : [],
  ]);
  return [...stored.map(eventRow), ...reported.map(systemEventRow)];
}
