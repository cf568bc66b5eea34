// Stores a portion in several databases. Everything about contacts is grouped by database first and cut into transactions
// second, so that a database gets few of them. What is not about contacts (repeats, pings, dead letters, what a replay
// leaves behind) goes to the home, once all databases of its envelope have stored or its rest is parked (park.ts).

import type { Config } from "../config/config.ts";
import { describeError, outageOf } from "../lib/outage.ts";
import { within } from "../lib/deadline.ts";
import { deleteDeadEnvelopes, putDeadEnvelope } from "../store/dead-letters.ts";
import { MOST_JSON } from "../store/json-pieces.ts";
import { isFull, isRefusal } from "../store/outages.ts";
import { fenceOf } from "../store/shards/fence.ts";
import { mapOf } from "../store/shards/map.ts";
import { writeByShard, type Unwritten } from "../store/shards/write.ts";
import { shardsOf, type Shard } from "../store/shards.ts";
import type { ContactChange, DeadLetter, SourceUpdate } from "../store/write/rows.ts";
import { NO_ROWS, sourcesToWrite, storeSlice, type SliceRows } from "../store/write/slice.ts";
import { mayBeParked, park } from "./park.ts";
import { hasRejects, MOST_EVENTS, rowLength, type NewEvent, type ParsedEnvelope } from "./parse.ts";
import { hasRoomIn, noteFull } from "./room.ts";
import { isResting, noteFailure, noteSuccess } from "./shard-health.ts";
import {
  rowsOf,
  store,
  unstorable,
  withoutErasedMentions,
  wordsOf,
  type ClaimedSlice,
  type Group,
} from "./store.ts";

/** Deadline for a transaction of the home, ms. */
const DEADLINE = 60_000;

/** Everything in a portion about one contact. */
interface OfContact {
  contact: string;
  events: NewEvent[];
  change: ContactChange | null;
  /** The envelopes with events of the contact. */
  envelopes: Set<ParsedEnvelope>;
}

/** What became of a portion. */
export interface Stored {
  /** Envelopes that must come again, whole. */
  left: ReadonlySet<ParsedEnvelope>;
  /** Why; undefined if there are none. */
  error: unknown;
  /** How many transactions it took. */
  transactions: number;
}

/** Stores a portion. Rejects if the home, the map or the queue is unavailable; then all of it may come again. */
export async function storeInShards(
  slices: readonly ClaimedSlice[],
  group: Group,
  env: Env,
  { storage }: Config,
): Promise<Stored> {
  const letters: DeadLetter[] = [];
  const onDead = async (event: NewEvent): Promise<null> => {
    const { envelope } = group.redacted.get(event.parsed) ?? event.parsed;
    await putDeadEnvelope(env.BUCKET, envelope);
    letters.push(unstorable(envelope, event.row.element));
    return null;
  };
  let transactions = 0;
  const write = async (shard: Shard<D1Database>, items: readonly OfContact[]): Promise<void> => {
    await checkTakes(env, shard, storage.limit);
    try {
      for (const one of inTransactions(items)) {
        transactions += 1;
        const first = [fenceOf(shard.db, one.contacts)];
        await store(shard.db, one.rows, one.events, { onDead, first });
      }
      noteSuccess(shard.db);
    } catch (error) {
      if (isFull(error)) noteFull(env, shard.index);
      else if (!isRefusal(error)) noteFailure(shard.db, Date.now());
      throw error;
    }
  };
  const contactOf = ({ contact }: OfContact): string => contact;
  const unwritten = await writeByShard(env, contactsOf(slices, group), { contactOf, write });
  const { left, parked } = divide(unwritten);
  if (parked.size > 0) await park(env.QUEUE, parked, await mapOf(env));
  transactions += await storeRest(slices, { group, left, letters }, env);
  return { left, error: unwritten[0]?.error, transactions };
}

/** Throws if a database cannot take anything at present. */
async function checkTakes(env: Env, { index, db }: Shard, limit: number): Promise<void> {
  if (isResting(db, Date.now())) throw outageOf("a database", new Error("it failed a moment ago"));
  if (!(await hasRoomIn(env, index, limit)))
    throw outageOf("a database", new Error("database or disk is full: it has reached its limit"));
}

/** The portion by contacts, each once. Of several states of a contact the latest holds. */
function contactsOf(slices: readonly ClaimedSlice[], group: Group): OfContact[] {
  const contacts = new Map<string, OfContact>();
  const envelopes = new Map<string, Set<ParsedEnvelope>>();
  const of = (contact: string): OfContact => {
    const known = contacts.get(contact);
    if (known !== undefined) return known;
    const fresh = { contact, events: [], change: null, envelopes: envelopesOf(contact) };
    contacts.set(contact, fresh);
    return fresh;
  };
  const envelopesOf = (contact: string): Set<ParsedEnvelope> => {
    const own = envelopes.get(contact) ?? new Set<ParsedEnvelope>();
    envelopes.set(contact, own);
    return own;
  };
  for (const { slice, claimed } of slices) {
    for (const { row, parsed } of slice.events) envelopesOf(row.contact).add(parsed);
    for (const event of claimed.granted)
      of(event.row.contact).events.push(withoutErasedMentions(event, group));
    for (const change of claimed.contacts) {
      const own = of(change.contact);
      if (own.change === null || own.change.version < change.version) own.change = change;
    }
  }
  return [...contacts.values()];
}

interface Transaction {
  events: NewEvent[];
  contacts: Set<string>;
  rows: SliceRows;
}

/** Cuts what one database stores into transactions. A contact's state goes with the last of its events. */
function* inTransactions(items: readonly OfContact[]): Generator<Transaction> {
  let [events, changes, contacts, size]: [NewEvent[], ContactChange[], Set<string>, number] = [
    [],
    [],
    new Set(),
    0,
  ];
  const cut = (): Transaction => {
    const rows = {
      ...NO_ROWS,
      events: events.map(({ row }) => row),
      unknown: wordsOf(events),
      contacts: changes,
    };
    const transaction = { events, contacts, rows };
    [events, changes, contacts, size] = [[], [], new Set(), 0];
    return transaction;
  };
  for (const { contact, events: own, change } of items) {
    for (const event of own) {
      const length = rowLength(event.row);
      if (events.length >= MOST_EVENTS || (size + length > MOST_JSON && events.length > 0)) yield cut();
      events.push(event);
      contacts.add(contact);
      size += length;
    }
    if (change === null) continue;
    changes.push(change);
    contacts.add(contact);
    if (changes.length >= MOST_EVENTS) yield cut();
  }
  if (contacts.size > 0) yield cut();
}

/** What was not written: the envelopes that must come again, and the contacts of the others, which are parked. */
function divide(unwritten: readonly Unwritten<OfContact>[]): {
  left: Set<ParsedEnvelope>;
  parked: Map<ParsedEnvelope, Set<string>>;
} {
  const left = new Set<ParsedEnvelope>();
  const parked = new Map<ParsedEnvelope, Set<string>>();
  for (const { shard, items, error } of unwritten) {
    for (const { contact, envelopes } of items)
      for (const parsed of envelopes) {
        if (mayBeParked(parsed)) parked.set(parsed, (parked.get(parsed) ?? new Set()).add(contact));
        else left.add(parsed);
      }
    console.warn({
      message: "a database did not take its events, which wait",
      shard: shard.index,
      contacts: items.length,
      ...describeError(error),
    });
  }
  return { left, parked };
}

/** Stores in the home what is not about contacts, of the envelopes that are done. Resolves to the transactions it took. */
async function storeRest(
  slices: readonly ClaimedSlice[],
  { group, left, letters }: { group: Group; left: ReadonlySet<ParsedEnvelope>; letters: DeadLetter[] },
  env: Env,
): Promise<number> {
  const failedAgain = new Set(letters.map(({ envelope }) => envelope));
  const rest: SliceRows[] = [];
  const sources = new Map<string, SourceUpdate>();
  const replayed: string[] = [];
  for (const { slice, claimed } of slices) {
    const complete = slice.complete.filter((parsed) => !left.has(parsed) && parsed.parked === undefined);
    const rows = rowsOf({ events: slice.events, complete }, claimed, group, Date.now());
    rest.push(rows);
    for (const update of sourcesToWrite(rows))
      sources.set(update.source, latestOf(update, sources.get(update.source)));
    for (const parsed of complete) {
      const { envelope, ...own } = group.redacted.get(parsed) ?? parsed;
      if (envelope.replay === true && !hasRejects({ envelope, ...own }) && !failedAgain.has(envelope.id))
        replayed.push(envelope.id);
    }
  }
  const rows: SliceRows = {
    ...NO_ROWS,
    sources: [...sources.values()],
    tallies: rest.flatMap((one) => one.tallies),
    deadLetters: [...rest.flatMap((one) => one.deadLetters), ...letters],
    replayed: rest.flatMap((one) => one.replayed),
  };
  const { length } = [...rows.sources, ...rows.tallies, ...rows.deadLetters, ...rows.replayed];
  if (length === 0) return 0;
  await within(DEADLINE, "the database", storeSlice(shardsOf(env).home, rows));
  await deleteDeadEnvelopes(env.BUCKET, replayed);
  return 1;
}

/** What two slices say of a source, together. */
function latestOf(one: SourceUpdate, other: SourceUpdate = one): SourceUpdate {
  const later = (a: number | null, b: number | null): number | null =>
    a === null || b === null ? (a ?? b) : Math.max(a, b);
  return {
    ...one,
    last_received_at: Math.max(one.last_received_at, other.last_received_at),
    last_event_at: later(one.last_event_at, other.last_event_at),
    last_ping_at: later(one.last_ping_at, other.last_ping_at),
    lag_ms: later(one.lag_ms, other.lag_ms),
  };
}
