// Which envelope claimed an event first, and what the events amount to: the contact's state as a pure transition.
//
// Why by origin: an envelope that is delivered again after a crash must be granted what it was granted before, or the
// crash loses events; another envelope with the same report must not. Remembering who came first tells the two apart.

import { suppressionsOf, type Suppression } from "../model/suppression/fold.ts";
import {
  addEvidence,
  evidenceIn,
  isForgotten,
  sayAlike,
  withoutEvidence,
  type Evidence,
  type EvidenceRecord,
} from "../model/suppression/evidence.ts";
import { keyOfId } from "../model/event-id.ts";
import type { Policies } from "../model/suppression/policy.ts";

/** One event that asks to be stored. `key`: see claimKey; `origin`: the envelope's id; `evidence`: what it says, if anything. */
export interface Claim {
  key: string;
  origin: string;
  evidence: Evidence | null;
  /** When the envelope was received, ms. */
  received: number;
}

/** The contact's visible state. Versions only grow, also over the object's own end, so that the latest one is known. */
export interface Snapshot {
  version: number;
  suppressions: Suppression[];
}

/** What one call claims. `elsewhere`: keys of what the same envelopes say of the contact, and other calls claim. */
export interface Claims {
  claims: readonly Claim[];
  elsewhere?: readonly string[];
}

/** Answer to a list of claims: which are granted (the others are duplicates), and the state where it must be stored. */
export interface ClaimAnswer {
  granted: boolean[];
  /** Indexes of those that were received before the contact was erased, or repeat what was; absent for none. */
  erased?: number[];
  /** Indexes of those whose own envelope brought the row that has kept another id; absent for none. */
  stored?: number[];
  /** What the envelopes of duplicates claimed before under another reading, and do not tell now; absent for none. */
  otherReadings?: OtherReading[];
  snapshot: Snapshot | null;
  /** Rows that the call wrote, as the platform bills them. */
  written: number;
}

/**
 * A claim that an envelope made when its parser or its source's settings were others. Whether its event was stored then is
 * for the database to say.
 */
export interface OtherReading {
  origin: string;
  key: string;
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
  facts: EvidenceRecord;
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

/** The origin of a row that kept its id although its identity is told differently now. */
const KEPT = "kept ";

/** The origin, which no delivery has, for what the stored event `id` is told to be now. */
export function keptOrigin(id: string): string {
  return KEPT + id;
}

/** The envelope that brought the row for which a claim was kept; undefined for other claims, and for rows long known. */
function broughtBy(kept: string, origins: ReadonlyMap<string, string>): string | undefined {
  return kept.startsWith(KEPT) ? origins.get(keyOfId(kept.slice(KEPT.length))) : undefined;
}

/**
 * Decides the claims in order. `origins`: all remembered claims, key to origin; those granted for the first time are
 * added to it. `elsewhere`: see Contact.claim. `now`: ms.
 */
export function decide(
  state: ContactState,
  origins: Map<string, string>,
  { claims, elsewhere = [] }: Claims,
  now: number,
  policies: Policies,
): Transition {
  const fresh: Remembered[] = [];
  let facts = withoutOtherReadings(state.facts, origins, claims, elsewhere);
  let again = false;
  const erased: number[] = [];
  const stored: number[] = [];
  const duplicates = new Set<string>();
  const erasedAt = state.erased?.at ?? -Infinity;
  const granted = claims.map(({ key, origin, evidence, received }, index) => {
    const first = origins.get(key);
    if (received <= erasedAt || first === ERASED_ORIGIN) {
      erased.push(index);
      return false;
    }
    if (first !== undefined) {
      if (first !== origin) {
        if (broughtBy(first, origins) === origin) stored.push(index);
        else duplicates.add(origin);
        return false;
      }
      again = true;
      facts = retold(facts, key, evidence);
      return true;
    }
    origins.set(key, origin);
    fresh.push([key, origin, now]);
    if (evidence !== null) facts = addEvidence(facts, evidence);
    return true;
  });
  const otherReadings = otherReadingsOf(duplicates, origins, claims, elsewhere);
  const same = fresh.length === 0 && facts === state.facts;
  const next = same ? state : advance(state, facts, fresh, now, policies);
  // Granted again means that the store may have missed the state that the first grant led to.
  const tell = next.version > 0 && (again || next.version !== state.version);
  return {
    granted,
    ...(erased.length > 0 ? { erased } : {}),
    ...(stored.length > 0 ? { stored } : {}),
    ...(otherReadings.length > 0 ? { otherReadings } : {}),
    state: next,
    snapshot: tell ? { version: next.version, suppressions: next.suppressions } : null,
  };
}

/**
 * The facts without those of an envelope that it does not tell any more: it was claimed, and not stored, by another reading,
 * before its parser or its source's settings were mended, and its report would count for two.
 */
function withoutOtherReadings(
  facts: EvidenceRecord,
  origins: ReadonlyMap<string, string>,
  claims: readonly Claim[],
  elsewhere: readonly string[],
): EvidenceRecord {
  const read = new Set(claims.map(({ origin }) => origin));
  const others = [...evidenceIn(facts)].flatMap(({ id }) =>
    read.has(origins.get(keyOfId(id)) ?? "") ? [id] : [],
  );
  if (others.length === 0) return facts;
  const told = new Set([...claims.map(({ key }) => key), ...elsewhere]);
  const kept = new Set([...told].map((key) => origins.get(key)));
  const gone = others.filter((id) => !told.has(keyOfId(id)) && !kept.has(keptOrigin(id)));
  return gone.length === 0 ? facts : withoutEvidence(facts, new Set(gone));
}

/** Claims of these envelopes that none of their present claims repeats, here or `elsewhere`. */
function otherReadingsOf(
  envelopes: ReadonlySet<string>,
  origins: ReadonlyMap<string, string>,
  claims: readonly Claim[],
  elsewhere: readonly string[],
): OtherReading[] {
  if (envelopes.size === 0) return [];
  const told = new Set([...claims.map(({ key }) => key), ...elsewhere]);
  const others: OtherReading[] = [];
  for (const [key, origin] of origins)
    if (envelopes.has(origin) && !told.has(key)) others.push({ origin, key });
  return others;
}

/** The facts with what a report that was claimed before says now, which is another thing where its parser was mended since. */
function retold(facts: EvidenceRecord, key: string, evidence: Evidence | null): EvidenceRecord {
  const before = [...evidenceIn(facts)].find(({ id }) => keyOfId(id) === key);
  if (before === undefined)
    return evidence === null || isForgotten(facts, evidence) ? facts : addEvidence(facts, evidence);
  if (evidence !== null && sayAlike(before, evidence)) return facts;
  const left = withoutEvidence(facts, new Set([before.id]));
  return evidence === null ? left : addEvidence(left, evidence);
}

function advance(
  state: ContactState,
  facts: EvidenceRecord,
  fresh: Remembered[],
  now: number,
  policies: Policies,
): ContactState {
  const expired = expiredAt(now, policies);
  const claims = [...state.claims.filter(([, , at]) => at > expired), ...fresh];
  return facts === state.facts
    ? { ...state, claims }
    : { ...withEvidence(state, facts, now, policies), claims };
}

/** The state with these facts, of a new version where that shows. `now`: ms. */
export function withEvidence(
  state: ContactState,
  facts: EvidenceRecord,
  now: number,
  policies: Policies,
): ContactState {
  const known = Math.max(state.version, state.erased?.version ?? 0);
  const suppressions = suppressionsOf(facts, policies);
  const changed = JSON.stringify(suppressions) !== JSON.stringify(state.suppressions);
  const version = changed ? Math.max(known + 1, now) : state.version;
  return { ...state, facts, suppressions, version };
}
