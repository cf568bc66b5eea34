// Forgets events, as if they had never been reported: when the data of a source are removed. The same report sent later
// is new again. People's entries and decisions stay.
//
// What another delivery has claimed since then stays, too: a report may have been sent again and stored while the
// removal was at work, and a step that is repeated after a crash must not forget that one.

import { timeOfId } from "../lib/time-id.ts";
import { keyOfId } from "../model/event-id.ts";
import { withoutEvidence } from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import {
  ERASED_ORIGIN,
  keptOrigin,
  withEvidence,
  type ContactState,
  type Remembered,
  type Snapshot,
} from "./claims.ts";

/**
 * Those of the ids whose events are to be forgotten, because no delivery from after `until` (ms) has claimed them.
 * `origins`: all remembered claims, from key to origin. What was erased stays claimed, so that it does not come back.
 */
export function forgettable(
  ids: readonly string[],
  origins: ReadonlyMap<string, string>,
  until: number,
): string[] {
  return ids.filter((id) => {
    const origin = origins.get(keyOfId(id));
    if (origin === undefined) return true;
    return origin !== ERASED_ORIGIN && !(timeOfEnvelope(origin) > until);
  });
}

/** When the envelope with this id was received, ms; NaN if the origin is no envelope's id. */
const timeOfEnvelope = (origin: string): number => (ENVELOPE.test(origin) ? timeOfId(origin) : NaN);
const ENVELOPE = /^[0-9a-z]{26}$/;

/** Returns the claims that are not those of the events with these ids. */
export function withoutClaims(claims: readonly Remembered[], ids: readonly string[]): Remembered[] {
  const keys = new Set(ids.map(keyOfId));
  const origins = new Set(ids.map(keptOrigin));
  return claims.filter(([key, origin]) => !keys.has(key) && !origins.has(origin));
}

/**
 * The state without these events' claims and evidence. It is the same object if nothing changes. `snapshot`: what is to
 * be stored; null if the visible state never changed. `now`: ms since the epoch.
 */
export function forgetEvents(
  state: ContactState,
  ids: readonly string[],
  now: number,
  policies: Policies,
): { state: ContactState; snapshot: Snapshot | null } {
  const claims = withoutClaims(state.claims, ids);
  const facts = withoutEvidence(state.facts, new Set(ids));
  const same = claims.length === state.claims.length && JSON.stringify(facts) === JSON.stringify(state.facts);
  const next = same ? state : withEvidence({ ...state, claims }, facts, now, policies);
  const snapshot = next.version > 0 ? { version: next.version, suppressions: next.suppressions } : null;
  return { state: next, snapshot };
}
