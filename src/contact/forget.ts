// Forgets events, as if they had never been reported: when the data of a source are removed. The same report sent later
// is new again. People's entries and decisions stay.

import { keyOfId } from "../model/event-id.ts";
import { withoutEvidence } from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import { keptOrigin, withEvidence, type ContactState, type Remembered, type Snapshot } from "./claims.ts";

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
