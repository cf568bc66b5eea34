// A contact's state when its history was read anew: what events said is replaced by what they say now.

import { addEvidence, withoutEvidence, type Evidence } from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import { decide, withEvidence, type Claim, type ContactState, type Transition } from "./claims.ts";

/** What changes. Times in ms. */
export interface Correction {
  /** Ids of events that are told differently now, or are gone. */
  removed: string[];
  /** What they say instead. */
  added: Evidence[];
  /** Claims of what is new, each with what it says if it is granted. One that is granted again says it again. */
  claims: Claim[];
}

/** Carries out the correction; the same one again changes nothing more. `origins`, `now`: see decide. */
export function applyCorrection(
  state: ContactState,
  origins: Map<string, string>,
  { removed, added, claims }: Correction,
  now: number,
  policies: Policies,
): Transition {
  const silent = claims.map((claim): Claim => ({ ...claim, evidence: null }));
  const decided = decide(state, origins, { claims: silent }, now, policies);
  const news = claims.flatMap(({ evidence }, i) =>
    evidence !== null && decided.granted[i] === true ? [evidence] : [],
  );
  const left = withoutEvidence(decided.state.facts, new Set(removed));
  const facts = [...added, ...news].reduce(addEvidence, left);
  const amended = withEvidence(decided.state, facts, now, policies);
  const same = JSON.stringify(amended.facts) === JSON.stringify(decided.state.facts);
  const next = same ? decided.state : amended;
  const snapshot = next.version > 0 ? { version: next.version, suppressions: next.suppressions } : null;
  return { ...decided, state: next, snapshot };
}
