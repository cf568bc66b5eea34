// One call to each contact's Durable Object for all of its events in a slice.

import type { Claim, ClaimAnswer, OtherReading } from "../contact/claims.ts";
import { changeOf, type ContactChange } from "../store/write/rows.ts";
import { within } from "../lib/deadline.ts";
import type { NewEvent } from "./parse.ts";

/** Calls that are under way at once: enough to hide their latency, few enough to keep memory even. */
const AT_ONCE = 128;
/** ms for all of a slice's calls together: a timer for each call would cost as much as its event's parsing. */
const DEADLINE = 30_000;

/** What the contacts said: the events to store, the duplicates, and whose state has to be stored. */
export interface Claimed {
  granted: NewEvent[];
  duplicates: NewEvent[];
  /** Those of contacts that were erased after the envelope was received: neither stored nor counted. */
  erased: NewEvent[];
  contacts: ContactChange[];
  /** What envelopes with duplicates claimed before, under another reading of theirs, of which contact. */
  otherReadings: (OtherReading & { contact: string })[];
}

/** Claims all events. Rejects where any contact cannot be reached; claiming again gives the same answer. */
export async function claimAll(namespace: Env["CONTACTS"], events: readonly NewEvent[]): Promise<Claimed> {
  const claimed: Claimed = { granted: [], duplicates: [], erased: [], contacts: [], otherReadings: [] };
  const groups = [...byContact(events)];
  const others = claimedElsewhere(events);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let group = groups[next++]; group !== undefined; group = groups[next++]) {
      const [contact, own] = group;
      collect(claimed, contact, own, await claimOne(namespace, contact, own, others.get(contact)));
    }
  };
  const workers = Array.from({ length: Math.min(AT_ONCE, groups.length) }, worker);
  try {
    await within(DEADLINE, "the contacts", Promise.all(workers));
  } finally {
    next = groups.length; // where one failed or hangs, the others call nobody else
  }
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

/** Contact -> keys of the events that envelopes of this slice tell of it in other slices. */
function claimedElsewhere(events: readonly NewEvent[]): Map<string, string[]> {
  const here = Map.groupBy(events, ({ parsed }) => parsed);
  const others = new Map<string, string[]>();
  for (const [{ events: all }, own] of here) {
    if (all.length === own.length) continue;
    const slice = new Set(own);
    for (const { key, row } of all.filter((one) => !slice.has(one))) {
      const keys = others.get(row.contact);
      if (keys === undefined) others.set(row.contact, [key]);
      else keys.push(key);
    }
  }
  return others;
}

async function claimOne(
  namespace: Env["CONTACTS"],
  contact: string,
  own: NewEvent[],
  elsewhere: string[] = [],
): Promise<ClaimAnswer> {
  const claims = own.map(({ key, evidence, parsed: { envelope } }): Claim => ({
    key,
    evidence,
    origin: envelope.id,
    received: envelope.receivedAt,
  }));
  return await namespace.getByName(contact).claim(claims, elsewhere);
}

function collect(claimed: Claimed, contact: string, own: NewEvent[], answer: ClaimAnswer): void {
  const { granted, snapshot, erased = [], stored = [], otherReadings = [] } = answer;
  for (const [index, event] of own.entries()) {
    if (granted[index] === true) claimed.granted.push(event);
    else if (erased.includes(index)) claimed.erased.push(event);
    else if (!stored.includes(index)) claimed.duplicates.push(event);
  }
  claimed.otherReadings.push(...otherReadings.map((one) => ({ ...one, contact })));
  if (snapshot !== null) claimed.contacts.push(changeOf(contact, snapshot));
}
