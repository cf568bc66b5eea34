// Corrects a contact's state after its history was renormalised: the evidence that events gave before is replaced by
// the evidence that they give now.

import { addEvidence, withoutEvidence, type Evidence } from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import { decide, withEvidence, type Claim, type ContactState, type Transition } from "./claims.ts";

/** A change of evidence. Times in ms since the epoch. */
export interface Correction {
  /** Ids of events that are read differently now or have vanished. */
  removed: string[];
  /** The evidence that replaces theirs. */
  added: Evidence[];
  /** Claims of new events, each with the evidence to add if it is granted, for the first time or again. */
  claims: Claim[];
  /** The keys of the other events of this contact that the same envelopes report: their evidence stays. */
  elsewhere?: string[];
}

/** Applies the correction. The same correction again changes nothing more. `origins`, `now`: see {@link decide}. */
export function applyCorrection(
  state: ContactState,
  origins: Map<string, string>,
  { removed, added, claims, elsewhere = [] }: Correction,
  now: number,
  policies: Policies,
): Transition {
  const bareClaims = claims.map((claim): Claim => ({ ...claim, evidence: null }));
  const decided = decide(state, origins, { claims: bareClaims, elsewhere }, now, policies);
  const news = claims.flatMap(({ evidence }, i) =>
    evidence !== null && decided.granted[i] === true ? [evidence] : [],
  );
  const left = withoutEvidence(decided.state.facts, new Set(removed));
  const facts = [...added, ...news].reduce(addEvidence, left);
  const corrected = withEvidence(decided.state, facts, now, policies);
  const same = JSON.stringify(corrected.facts) === JSON.stringify(decided.state.facts);
  const next = same ? decided.state : corrected;
  const snapshot = next.version > 0 ? { version: next.version, suppressions: next.suppressions } : null;
  return { ...decided, state: next, snapshot };
}
