// Which envelope claimed an event first, and what the events amount to: the contact's state as a pure transition.
//
// Why by origin: an envelope that is delivered again after a crash must be granted what it was granted before, or the
// crash loses events; another envelope with the same report must not. Remembering who came first tells the two apart.

import { suppressionsOf, type Suppression } from "../model/contact.ts";
import { addFact, type Fact, type Facts } from "../model/facts.ts";
import type { Policies } from "../model/policy.ts";

/** One event that asks to be stored. `key`: see claimKey; `origin`: the envelope's id; `fact`: what it says, if anything. */
export interface Claim {
  key: string;
  origin: string;
  fact: Fact | null;
  /** When the envelope was received, ms. */
  received: number;
}

/** The contact's visible state. Versions only grow, also over the object's own end, so that the latest one is known. */
export interface Snapshot {
  version: number;
  suppressions: Suppression[];
}

/** Answer to a list of claims: which are granted (the others are duplicates), and the state where it must be stored. */
export interface ClaimAnswer {
  granted: boolean[];
  /** Indexes of those that were received before the contact was erased, or repeat what was; absent for none. */
  erased?: number[];
  snapshot: Snapshot | null;
  /** Rows that the call wrote, as the platform bills them. */
  written: number;
}

/** A claim as remembered: key, origin, when (ms). */
export type Remembered = [key: string, origin: string, at: number];

/** The origin of claims from before the contact was erased. */
export const ERASED_ORIGIN = "";

/** What is left of an erased contact, so that what is still under way finds it erased. */
export interface Tombstone {
  /** The request's id: asked again, it gives the same answer. */
  id: string;
  /** What was received until then is erased, ms. */
  at: number;
  /** The last version of the state that was erased. */
  version: number;
  /** The strongest suppression that was in force. */
  kept: Pick<Suppression, "reason" | "at"> | null;
  /** How many claims the object knew. */
  claims: number;
}

/** How long a tombstone stands, ms: longer than any claim, retry or queue may bring back what was erased. */
export const TOMBSTONE_LIVES = 35 * 86_400_000;

/** What the object keeps and rewrites with every change. Older claims lie in pages of their own. */
export interface ContactState {
  facts: Facts;
  /** 0 as long as nothing visible ever changed. */
  version: number;
  suppressions: Suppression[];
  claims: Remembered[];
  erased?: Tombstone;
}

const DAY = 86_400_000;

/** How long a claim is remembered at least, ms. */
export const CLAIMS_LIVE = 30 * DAY;

/** Claims from this time or before are forgotten, ms: none that a policy's window still looks at. `now`: ms. */
export function expiredAt(now: number, policies: Policies): number {
  return now - Math.max(CLAIMS_LIVE, policies.longestWindowDays * DAY);
}

export interface Transition extends Omit<ClaimAnswer, "written"> {
  /** The state after the claims; the same object where nothing is to be written. */
  state: ContactState;
}

/**
 * Decides the claims in order. `origins`: all remembered claims, key to origin; those granted for the first time are
 * added to it. `now`: ms.
 */
export function decide(
  state: ContactState,
  origins: Map<string, string>,
  claims: readonly Claim[],
  now: number,
  policies: Policies,
): Transition {
  const fresh: Remembered[] = [];
  let facts = state.facts;
  let again = false;
  const erased: number[] = [];
  const erasedAt = state.erased?.at ?? -Infinity;
  const granted = claims.map(({ key, origin, fact, received }, index) => {
    const first = origins.get(key);
    if (received <= erasedAt || first === ERASED_ORIGIN) {
      erased.push(index);
      return false;
    }
    if (first !== undefined) {
      again ||= first === origin;
      return first === origin;
    }
    origins.set(key, origin);
    fresh.push([key, origin, now]);
    if (fact !== null) facts = addFact(facts, fact);
    return true;
  });
  const next = fresh.length === 0 ? state : advance(state, facts, fresh, now, policies);
  // Granted again means that the store may have missed the state that the first grant led to.
  const tell = next.version > 0 && (again || next.version !== state.version);
  return {
    granted,
    ...(erased.length > 0 ? { erased } : {}),
    state: next,
    snapshot: tell ? { version: next.version, suppressions: next.suppressions } : null,
  };
}

function advance(
  state: ContactState,
  facts: Facts,
  fresh: Remembered[],
  now: number,
  policies: Policies,
): ContactState {
  const expired = expiredAt(now, policies);
  const claims = [...state.claims.filter(([, , at]) => at > expired), ...fresh];
  return facts === state.facts ? { ...state, claims } : { ...withFacts(state, facts, now, policies), claims };
}

/** The state with these facts, of a new version where that shows. `now`: ms. */
export function withFacts(state: ContactState, facts: Facts, now: number, policies: Policies): ContactState {
  const known = Math.max(state.version, state.erased?.version ?? 0);
  const suppressions = suppressionsOf(facts, policies);
  const changed = JSON.stringify(suppressions) !== JSON.stringify(state.suppressions);
  const version = changed ? Math.max(known + 1, now) : state.version;
  return { ...state, facts, suppressions, version };
}
