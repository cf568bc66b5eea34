// Decides which envelope may store an event, and which suppressions follow from the events: pure transitions of the
// contact's state.
//
// Claims have an origin because two cases must be distinguished. An envelope that is delivered again after a crash must
// be granted the same events as before, or the crash loses them. Another envelope with the same report must not be
// granted them. So the state remembers which envelope claimed each event first.

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
import { DAY } from "../lib/time.ts";

/** A request to store one event. `key`: see claimKey; `origin`: the envelope's id; `evidence`: the event's, or null. */
export interface Claim {
  key: string;
  origin: string;
  evidence: Evidence | null;
  /** When the envelope was received, ms since the epoch. */
  received: number;
}

/**
 * The contact's visible state. Versions only increase, even after the object was deleted and created again, so the
 * latest state can be recognised.
 */
export interface Snapshot {
  version: number;
  suppressions: Suppression[];
}

/**
 * The claims of one call. `elsewhere`: the keys of the same envelopes' other events of this contact, which other calls
 * claim.
 */
export interface Claims {
  claims: readonly Claim[];
  elsewhere?: readonly string[];
}

/** The answer to a list of claims. Claims that are neither granted nor listed below are duplicates. */
export interface ClaimAnswer {
  /** For each claim, whether its event may be stored. */
  granted: boolean[];
  /** Indexes of claims that were received before the contact was erased or repeat an erased event; absent if none. */
  erased?: number[];
  /**
   * Indexes of claims whose event their own envelope has stored already, in a row that kept an older id; absent if
   * none.
   */
  stored?: number[];
  /** Earlier claims of the duplicates' envelopes that they do not repeat now, under another reading; absent if none. */
  otherReadings?: OtherReading[];
  /** The state if it must be stored, else null. */
  snapshot: Snapshot | null;
  /** Rows that the call wrote, as the platform bills them. */
  written: number;
}

/**
 * A claim that an envelope made when its parser or its source's settings were different. Only the database can tell
 * whether its event was stored then.
 */
export interface OtherReading {
  origin: string;
  key: string;
}

/** A remembered claim: its key, its origin and its time (ms since the epoch). */
export type Remembered = [key: string, origin: string, at: number];

/** The origin of all claims that were granted before the contact was erased. */
export const ERASED_ORIGIN = "";

/** The state that remains of an erased contact, so that envelopes that are still under way find it erased. */
export interface Tombstone {
  /** The id of the erasure request. The same request again gets the same answer. */
  id: string;
  /** Everything received until this time is erased, ms since the epoch. */
  at: number;
  /** The last version of the erased state. */
  version: number;
  /** The strongest suppression that was in force, or null. */
  kept: Pick<Suppression, "reason" | "at"> | null;
  /** How many claims the object remembered. */
  claims: number;
}

/** How long a tombstone lasts, ms: longer than any claim, retry or queue may bring back an erased event. */
export const TOMBSTONE_LIVES = 35 * DAY;

/** The state that the object rewrites with every change. Older claims are in separate pages. */
export interface ContactState {
  facts: EvidenceRecord;
  /** 0 until the visible state changes for the first time. */
  version: number;
  suppressions: Suppression[];
  claims: Remembered[];
  erased?: Tombstone;
}

/** The shortest time for which a claim is remembered, ms. */
export const CLAIMS_LIVE = 30 * DAY;

/**
 * Claims from this time or before are forgotten, but none that is within the longest window of a policy. Times in ms
 * since the epoch.
 */
export function expiredAt(now: number, policies: Policies): number {
  return now - Math.max(CLAIMS_LIVE, policies.longestWindowDays * DAY);
}

/** The result of a transition: the new state, and the answer to the caller. */
export interface Transition extends Omit<ClaimAnswer, "written"> {
  /** The state after the claims. It is the same object if nothing must be written. */
  state: ContactState;
}

/** How the origin begins if a stored row kept its id although its identity is read differently now. */
const KEPT = "kept ";

/** The origin of a claim on the new identity of the stored event `id`. No envelope has such an id. */
export function keptOrigin(id: string): string {
  return KEPT + id;
}

/**
 * The envelope whose row the claim with this origin belongs to. Undefined for other origins, and if the row's own claim
 * has expired.
 */
function broughtBy(origin: string, origins: ReadonlyMap<string, string>): string | undefined {
  return origin.startsWith(KEPT) ? origins.get(keyOfId(origin.slice(KEPT.length))) : undefined;
}

/**
 * Decides the claims in order. `origins`: all remembered claims, from key to origin; claims that are granted for the
 * first time are added to it. `elsewhere`: see {@link Claims}. `now`: ms since the epoch.
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
  // If a claim is granted again, the database may not have stored the state after the first grant.
  const mustStore = next.version > 0 && (again || next.version !== state.version);
  return {
    granted,
    ...(erased.length > 0 ? { erased } : {}),
    ...(stored.length > 0 ? { stored } : {}),
    ...(otherReadings.length > 0 ? { otherReadings } : {}),
    state: next,
    snapshot: mustStore ? { version: next.version, suppressions: next.suppressions } : null,
  };
}

/**
 * Drops evidence that these envelopes reported when they were parsed before but no longer report now. The envelope
 * claimed it and crashed before storing it, and its parser or its source's settings have changed since. Otherwise one
 * report would count twice.
 */
function withoutOtherReadings(
  facts: EvidenceRecord,
  origins: ReadonlyMap<string, string>,
  claims: readonly Claim[],
  elsewhere: readonly string[],
): EvidenceRecord {
  const envelopes = new Set(claims.map(({ origin }) => origin));
  const others = [...evidenceIn(facts)].flatMap(({ id }) =>
    envelopes.has(origins.get(keyOfId(id)) ?? "") ? [id] : [],
  );
  if (others.length === 0) return facts;
  const reported = new Set([...claims.map(({ key }) => key), ...elsewhere]);
  const reportedOrigins = new Set([...reported].map((key) => origins.get(key)));
  const gone = others.filter((id) => !reported.has(keyOfId(id)) && !reportedOrigins.has(keptOrigin(id)));
  return gone.length === 0 ? facts : withoutEvidence(facts, new Set(gone));
}

/** The earlier claims of these envelopes that none of their present claims repeats, in this call or `elsewhere`. */
function otherReadingsOf(
  envelopes: ReadonlySet<string>,
  origins: ReadonlyMap<string, string>,
  claims: readonly Claim[],
  elsewhere: readonly string[],
): OtherReading[] {
  if (envelopes.size === 0) return [];
  const reported = new Set([...claims.map(({ key }) => key), ...elsewhere]);
  const others: OtherReading[] = [];
  for (const [key, origin] of origins)
    if (envelopes.has(origin) && !reported.has(key)) others.push({ origin, key });
  return others;
}

/**
 * Replaces the evidence of a report that was claimed before with its present one, which differs if its parser was
 * fixed.
 */
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

/** The state with this evidence. Its version is new if the suppressions change. `now`: ms since the epoch. */
export function withEvidence(
  state: ContactState,
  facts: EvidenceRecord,
  now: number,
  policies: Policies,
): ContactState {
  const known = Math.max(state.version, state.erased?.version ?? 0);
  const suppressions = suppressionsOf(facts, policies, now);
  const changed = JSON.stringify(suppressions) !== JSON.stringify(state.suppressions);
  const version = changed ? Math.max(known + 1, now) : state.version;
  return { ...state, facts, suppressions, version };
}
