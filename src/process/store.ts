// Stores a claimed slice. A slice that the database can never take (a value it refuses) is halved until the one event
// is alone that cannot be stored; that one becomes a dead letter and its neighbours are stored.

import { within } from "../lib/deadline.ts";
import { deliveryOf, elementAt } from "../providers/kit/delivery.ts";
import { providers } from "../providers/index.ts";
import { toJson } from "../providers/kit/json.ts";
import { deadLetterOf, deadLettersOf } from "../store/dead-letters.ts";
import type { DeadLetter, SourceUpdate, Tally } from "../store/write/rows.ts";
import { storeSlice, type SliceRows } from "../store/write/slice.ts";
import type { Claimed } from "./claim.ts";
import type { NewEvent, Slice, ParsedEnvelope } from "./parse.ts";

const DEADLINE = 60_000;

/** Refusals that would come again however often they are tried. */
const PERMANENT = /SQLITE_(TOOBIG|CONSTRAINT|MISMATCH|RANGE)|too big|malformed JSON|constraint failed/i;

/** The rows of a claimed slice; envelopes that are complete with it bring what there is to count. `now`: ms. */
export function rowsOf(slice: Slice, claimed: Claimed, now: number): SliceRows {
  const { complete } = slice;
  return {
    events: claimed.granted.map(({ row }) => row),
    contacts: claimed.contacts,
    sources: sourcesOf(slice, now),
    tallies: complete.flatMap(tallyOf),
    deadLetters: complete.flatMap(({ envelope, rejects }) => deadLettersOf(envelope, rejects)),
    replayed: complete.flatMap(({ envelope }) => (envelope.replay === true ? [envelope.id] : [])),
  };
}

function tallyOf({ envelope, duplicates, pings }: ParsedEnvelope): Tally[] {
  const outside = envelope.outside === true ? 1 : 0;
  if (duplicates + pings + outside === 0) return [];
  return [{ envelope: envelope.id, source: envelope.source, duplicates, pings, outside }];
}

function sourcesOf({ events, complete }: Slice, now: number): SourceUpdate[] {
  const sources = new Map<string, SourceUpdate>();
  const seen = ({ envelope }: ParsedEnvelope): SourceUpdate => {
    const { source, provider, receivedAt } = envelope;
    const known = sources.get(source);
    const update: SourceUpdate = known ?? {
      source,
      provider,
      last_received_at: receivedAt,
      last_event_at: null,
      last_ping_at: null,
      lag_ms: 0,
    };
    if (known === undefined) sources.set(source, update);
    update.last_received_at = Math.max(update.last_received_at, receivedAt);
    update.lag_ms = Math.max(update.lag_ms ?? 0, now - receivedAt);
    return update;
  };
  for (const { parsed } of events) {
    const update = seen(parsed);
    update.last_event_at = Math.max(update.last_event_at ?? 0, parsed.envelope.receivedAt);
  }
  for (const parsed of complete) {
    const update = seen(parsed);
    if (parsed.pings > 0)
      update.last_ping_at = Math.max(update.last_ping_at ?? 0, parsed.envelope.receivedAt);
  }
  return [...sources.values()];
}

/** Stores the rows; rejects where the database is unavailable. `onDead` is told of each event that cannot be stored. */
export async function store(
  db: D1Database,
  rows: SliceRows,
  granted: readonly NewEvent[],
  onDead: (event: NewEvent) => Promise<void>,
): Promise<void> {
  try {
    await within(DEADLINE, "the database", storeSlice(db, rows));
  } catch (error) {
    if (!PERMANENT.test(String(error)) || rows.events.length === 0) throw error;
    await storeInParts(db, rows, granted, onDead);
  }
}

async function storeInParts(
  db: D1Database,
  rows: SliceRows,
  granted: readonly NewEvent[],
  onDead: (event: NewEvent) => Promise<void>,
): Promise<void> {
  const [only] = granted;
  if (granted.length === 1 && only !== undefined) {
    await onDead(only);
    const letter = unstorable(only);
    return await store(db, { ...rows, events: [], deadLetters: [...rows.deadLetters, letter] }, [], onDead);
  }
  const middle = Math.ceil(granted.length / 2);
  const halves = [granted.slice(0, middle), granted.slice(middle)];
  for (const half of halves) {
    const last = half === halves.at(-1);
    const rest = last ? rows : { ...rows, tallies: [], deadLetters: [], replayed: [], contacts: [] };
    await store(db, { ...rest, events: half.map(({ row }) => row) }, half, onDead);
  }
}

/** Its place among the dead letters comes after all that the parser's own rejects may take. */
function unstorable({ parsed, row }: NewEvent): DeadLetter {
  const provider = providers[parsed.envelope.provider];
  const element =
    provider === undefined ? null : elementAt(provider, deliveryOf(parsed.envelope, {}), row.element);
  return deadLetterOf(
    parsed.envelope,
    1_000_000 + row.element,
    "the database cannot hold this event",
    toJson(element),
  );
}
