// Moves what is stored under a former spelling of an address to its key of now: the object's memory, the events, and
// the suppressions with their history. Addresses once had a key for each spelling of the domain.
//
// Each step may be repeated after a crash at any line. The former object keeps its memory until everything has moved,
// and the walk passes a contact only then. There are two passes over the contacts, because invocations of the previous
// version may still write under former spellings for a quarter of an hour; what they store as events comes at the
// feed's end, where the walk through the feed waits until that time is over.

import { configOf, type Config } from "../config/config.ts";
import { contactOf } from "../config/objects.ts";
import { CLAIMS_LIVE, keptOrigin } from "../contact/claims.ts";
import { renamed, type Joining, type RememberedClaim } from "../contact/spellings.ts";
import { within } from "../lib/deadline.ts";
import { MINUTE } from "../lib/time.ts";
import { destinationOf } from "../model/destination.ts";
import { CONTACT_CHARS, contactPrefix, EVENT_ID_LENGTH } from "../model/event-id.ts";
import { NO_EVIDENCE } from "../model/suppression/evidence.ts";
import { readEnvelope, type NewEvent } from "../process/parse.ts";
import { getBatch } from "../store/bucket/archive.ts";
import { storeOf } from "../store/db.ts";
import type { StoredRow } from "../store/events/by-archive-object.ts";
import {
  beginMove,
  endMove,
  eventsOf,
  formerSpellings,
  newKeyOf,
  noteMoved,
  pageOfContacts,
  pageOfFeed,
  readRespelling,
  writeRespelling,
  type Respelling,
} from "../store/respelling.ts";
import { storeContacts } from "../store/suppressions/suppressions.ts";
import { storeReplacements } from "../store/write/replace.ts";
import { changeOf } from "../store/write/rows.ts";

/** How long invocations of the previous version may still run, ms, with time to spare. */
export const SETTLES = 20 * MINUTE;
/** Deadlines, ms: for each contact, and for each call to the database. */
const CONTACT_DEADLINE = 30_000;
const DATABASE_DEADLINE = 30_000;
/** Events that move in one transaction, and claims in one call. */
const EVENTS_A_SLICE = 250;
const CLAIMS_A_CALL = 200;
/** The pages that a run looks at, and how long it works, ms. */
const PAGES_A_RUN = 10;
const RUN = 45_000;

/** Does a run's share of the work. Returns how many contacts have moved; undefined once there is nothing left to do. */
export async function respell(env: Env, now: number): Promise<number | undefined> {
  const db = storeOf(env);
  let row = await readRespelling(db);
  if (row.finished_at !== null) return undefined;
  const before = row.moved;
  const until = Date.now() + RUN;
  for (let page = 0; page < PAGES_A_RUN && row.finished_at === null && Date.now() < until; page++) {
    const next = await step(env, { ...row, started_at: row.started_at ?? now }, now, until);
    if (next === null) break;
    await writeRespelling(db, next);
    row = next;
  }
  return row.moved - before;
}

/** The next page of what is next: a pass over the contacts, or the feed. Null if it must wait, or ran out of time. */
async function step(env: Env, row: Respelling, now: number, until: number): Promise<Respelling | null> {
  const db = storeOf(env);
  const isSettled = now >= (row.started_at ?? now) + SETTLES;
  if (row.pass === 1 || (row.pass === 2 && isSettled)) {
    const { contacts, next } = await pageOfContacts(db, row.contact);
    const moved = await moveAll(env, contacts, until);
    if (moved === null) return null;
    const place = next === null ? { pass: row.pass + 1, contact: "" } : { contact: next };
    return { ...row, ...place, moved: row.moved + moved };
  }
  const { contacts, next } = await pageOfFeed(db, row.seq);
  const moved = await moveAll(env, contacts, until);
  if (moved === null) return null;
  if (next !== null) return { ...row, seq: next, moved: row.moved + moved };
  if (row.pass === 3) return { ...row, finished_at: now };
  return null;
}

/** Moves the contacts that have another key. Null if time was up before the last of them had moved. */
async function moveAll(env: Env, contacts: readonly string[], until: number): Promise<number | null> {
  let moved = 0;
  for (const contact of contacts) {
    const key = newKeyOf(contact);
    if (key === null) continue;
    if (!(await moveContact(env, contact, key, until))) return null;
    moved += 1;
  }
  return moved;
}

/** Moves at once what is stored of this contact under former spellings, before a person decides about it. */
export async function joinSpellings(env: Env, contact: string): Promise<void> {
  const former = await formerSpellings(storeOf(env), contact);
  for (const spelling of former) await moveContact(env, spelling, contact, Date.now() + RUN);
}

/** Moves one contact. Resolves to false if time was up; then the same call again continues. */
async function moveContact(env: Env, from: string, to: string, until: number): Promise<boolean> {
  const db = storeOf(env);
  const object = contactOf(env, from);
  const rename = renaming(from, to);
  await inDatabase(beginMove(db, from));
  for (;;) {
    const { stamp, version, ...memory } = await within(CONTACT_DEADLINE, "the contacts", object.leaving());
    const { facts, claims, erased } = renamed(memory, rename);
    await join(env, to, { facts, claims: claims.slice(0, CLAIMS_A_CALL), erased });
    for (let at = CLAIMS_A_CALL; at < claims.length; at += CLAIMS_A_CALL)
      await join(env, to, { facts: NO_EVIDENCE, claims: claims.slice(at, at + CLAIMS_A_CALL), erased: null });
    if (!(await moveEvents(env, from, to, until))) return false;
    await inDatabase(noteMoved(db, from, version));
    if (!(await within(CONTACT_DEADLINE, "the contacts", object.vacate(stamp)))) continue;
    await inDatabase(endMove(db, from));
    return true;
  }
}

/** An event's id under another spelling of its contact's address. Ids of decisions stay. */
function renaming(from: string, to: string): (id: string) => string {
  const before = contactPrefix(from);
  const isEvent = (id: string): boolean => id.length === EVENT_ID_LENGTH && id.startsWith(before);
  return (id) => (isEvent(id) ? contactPrefix(to) + id.slice(CONTACT_CHARS) : id);
}

async function join(env: Env, contact: string, joining: Joining): Promise<void> {
  const joined = contactOf(env, contact).join(joining);
  const { snapshot } = await within(CONTACT_DEADLINE, "the contacts", joined);
  if (snapshot.version > 0) await inDatabase(storeContacts(storeOf(env), [changeOf(contact, snapshot)]));
}

/** Moves the events in slices. Resolves to false if time was up before the last of them. */
async function moveEvents(env: Env, from: string, to: string, until: number): Promise<boolean> {
  const db = storeOf(env);
  const rename = renaming(from, to);
  for (;;) {
    const rows = await inDatabase(eventsOf(db, from, EVENTS_A_SLICE));
    if (rows.length === 0) return true;
    if (Date.now() > until) return false;
    const claims = await claimsOf(env, configOf(env), rows, to, rename);
    if (claims.length > 0) await join(env, to, { facts: NO_EVIDENCE, claims, erased: null });
    const replacements = rows.map((before) => {
      const { seq: _, ...row } = before;
      const id = rename(before.id);
      return { before, after: { ...row, id, contact: to, destination: destinationOf(to) }, id };
    });
    await inDatabase(storeReplacements(db, replacements));
  }
}

/**
 * Claims on the identities that the events have under the present spelling, so that a report which arrives once more is
 * known as a repeat. The identity is a hash, so the deliveries are read again; of events that no repeat can reach any
 * more they are not.
 */
async function claimsOf(
  env: Env,
  config: Config,
  rows: readonly StoredRow[],
  to: string,
  rename: (id: string) => string,
): Promise<RememberedClaim[]> {
  const now = Date.now();
  const young = rows.filter(({ received_at }) => received_at > now - CLAIMS_LIVE);
  const claims: RememberedClaim[] = [];
  for (const [batch, own] of Map.groupBy(young, (row) => row.batch)) {
    const envelopes = (await getBatch(env.BUCKET, batch)) ?? [];
    for (const [line, some] of Map.groupBy(own, (row) => row.line)) {
      const envelope = envelopes[line];
      if (envelope === undefined) continue;
      const { events } = readEnvelope({ envelope, batch, line, problem: null }, config);
      const left = Map.groupBy(
        events.filter(({ row }) => row.contact === to),
        placeOf,
      );
      for (const row of some) {
        const key = left.get(placeOf({ row }))?.shift()?.key;
        if (key !== undefined) claims.push({ key, origin: keptOrigin(rename(row.id)), at: now });
      }
    }
  }
  return claims;
}

const placeOf = ({ row: { element, at } }: Pick<NewEvent, "row">): string => `${element} ${at}`;

async function inDatabase<T>(work: Promise<T>): Promise<T> {
  return await within(DATABASE_DEADLINE, "the database", work);
}
