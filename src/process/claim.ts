// Claims a slice's events, with one call to each contact's Durable Object for all of its events in the slice.

import { checkJurisdiction, contactOf } from "../config/objects.ts";
import type { Claim, ClaimAnswer, OtherReading } from "../contact/claims.ts";
import { changeOf, type ContactChange } from "../store/write/rows.ts";
import { inPool } from "../lib/pool.ts";
import type { NewEvent } from "./parse.ts";

/** How many calls may be in progress at once: enough to hide their latency, few enough to limit memory. */
const AT_ONCE = 128;
/** Deadline for all calls of a slice together. A timer for each call would cost as much as parsing its event. */
const DEADLINE = { ms: 30_000, of: "the contacts" };

/** The contacts' answers: the events by result, and the states to store. */
export interface Claimed {
  /** Events to store. */
  granted: NewEvent[];
  /** Events that another envelope has claimed. */
  duplicates: NewEvent[];
  /** Events of contacts that were erased after the envelope was received. They are neither stored nor counted. */
  erased: NewEvent[];
  /** New states of contacts. */
  contacts: ContactChange[];
  /** Earlier claims, under another reading, of envelopes that have duplicates now. */
  otherReadings: (OtherReading & { contact: string })[];
}

/**
 * Claims all events. Rejects if any contact cannot be reached. Claiming the same events again gives the same answer.
 */
export async function claimAll(env: Env, events: readonly NewEvent[]): Promise<Claimed> {
  const claimed: Claimed = { granted: [], duplicates: [], erased: [], contacts: [], otherReadings: [] };
  const groups = [...byContact(events)];
  const others = claimedElsewhere(events);
  if (groups.length > 0) await checkJurisdiction(env);
  await inPool(groups, { atOnce: AT_ONCE, deadline: DEADLINE }, async ([contact, list]) => {
    collect(claimed, contact, list, await claimOne(env, contact, list, others.get(contact)));
  });
  return claimed;
}

function byContact(events: readonly NewEvent[]): Map<string, NewEvent[]> {
  const groups = new Map<string, NewEvent[]>();
  for (const event of events) {
    const group = groups.get(event.row.contact);
    if (group === undefined) groups.set(event.row.contact, [event]);
    else group.push(event);
  }
  return groups;
}

/**
 * For each contact of these events, a slice or a part of one, the keys of its other events in the same envelopes. An
 * envelope's events are grouped once and not for each of its slices, which would take slices times events.
 */
export function claimedElsewhere(events: readonly NewEvent[]): Map<string, string[]> {
  const others = new Map<string, string[]>();
  for (const [parsed, ofSlice] of Map.groupBy(events, (event) => event.parsed)) {
    if (parsed.events.length === ofSlice.length) continue;
    const slice = new Set(ofSlice);
    const groups = groupsOf(parsed);
    for (const contact of new Set(ofSlice.map(({ row }) => row.contact))) {
      const keys = (groups.get(contact) ?? []).flatMap((event) => (slice.has(event) ? [] : [event.key]));
      if (keys.length > 0) others.set(contact, [...(others.get(contact) ?? []), ...keys]);
    }
  }
  return others;
}

const grouped = new WeakMap<NewEvent["parsed"], Map<string, NewEvent[]>>();

function groupsOf(parsed: NewEvent["parsed"]): Map<string, NewEvent[]> {
  const before = grouped.get(parsed);
  if (before !== undefined) return before;
  const groups = byContact(parsed.events);
  grouped.set(parsed, groups);
  return groups;
}

async function claimOne(
  env: Env,
  contact: string,
  events: NewEvent[],
  elsewhere: string[] = [],
): Promise<ClaimAnswer> {
  const claims = events.map(({ key, evidence, parsed: { envelope } }): Claim => ({
    key,
    evidence,
    origin: envelope.id,
    received: envelope.receivedAt,
  }));
  return await contactOf(env, contact).claim(claims, elsewhere);
}

function collect(claimed: Claimed, contact: string, events: NewEvent[], answer: ClaimAnswer): void {
  const { granted, snapshot, erased = [], stored = [], otherReadings = [] } = answer;
  for (const [index, event] of events.entries()) {
    if (granted[index] === true) claimed.granted.push(event);
    else if (erased.includes(index)) claimed.erased.push(event);
    else if (!stored.includes(index)) claimed.duplicates.push(event);
  }
  claimed.otherReadings.push(...otherReadings.map((reading) => ({ ...reading, contact })));
  if (snapshot !== null) claimed.contacts.push(changeOf(contact, snapshot));
}
