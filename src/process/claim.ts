// One call to each contact's Durable Object for all of its events in a slice.

import type { Claim, ClaimAnswer } from "../contact/claims.ts";
import { changeOf, type ContactChange } from "../store/write/rows.ts";
import { within } from "../lib/deadline.ts";
import type { Candidate } from "./parse.ts";

/** Calls that are under way at once: enough to hide their latency, few enough to keep memory even. */
const AT_ONCE = 128;
/** ms for all of a slice's calls together: a timer for each call would cost as much as its event's parsing. */
const DEADLINE = 30_000;

/** What the contacts said: the events to store, the duplicates, and whose state has to be stored. */
export interface Claimed {
  granted: Candidate[];
  duplicates: Candidate[];
  /** Those of contacts that were erased after the envelope was received: neither stored nor counted. */
  erased: Candidate[];
  contacts: ContactChange[];
}

/** Claims all candidates. Rejects where any contact cannot be reached; claiming again gives the same answer. */
export async function claimAll(
  namespace: Env["CONTACTS"],
  candidates: readonly Candidate[],
): Promise<Claimed> {
  const claimed: Claimed = { granted: [], duplicates: [], erased: [], contacts: [] };
  const groups = [...byContact(candidates)];
  const others = claimedElsewhere(candidates);
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

function byContact(candidates: readonly Candidate[]): Map<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const group = groups.get(candidate.row.contact);
    if (group === undefined) groups.set(candidate.row.contact, [candidate]);
    else group.push(candidate);
  }
  return groups;
}

/** Contact -> keys of the events that envelopes of this slice tell of it in other slices. */
function claimedElsewhere(candidates: readonly Candidate[]): Map<string, string[]> {
  const here = Map.groupBy(candidates, ({ work }) => work);
  const others = new Map<string, string[]>();
  for (const [{ candidates: all }, own] of here) {
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
  own: Candidate[],
  elsewhere: string[] = [],
): Promise<ClaimAnswer> {
  const claims = own.map(({ key, evidence, work: { envelope } }): Claim => ({
    key,
    evidence,
    origin: envelope.id,
    received: envelope.receivedAt,
  }));
  return await namespace.getByName(contact).claim(claims, elsewhere);
}

function collect(claimed: Claimed, contact: string, own: Candidate[], answer: ClaimAnswer): void {
  const { granted, snapshot, erased = [], stored = [] } = answer;
  for (const [index, candidate] of own.entries()) {
    if (granted[index] === true) claimed.granted.push(candidate);
    else if (erased.includes(index)) claimed.erased.push(candidate);
    else if (!stored.includes(index)) claimed.duplicates.push(candidate);
  }
  if (snapshot !== null) claimed.contacts.push(changeOf(contact, snapshot));
}
