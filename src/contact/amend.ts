// A contact's state when its history was read anew: what events said is replaced by what they say now.

import { addFact, type Fact, type Facts } from "../model/facts.ts";
import type { Policies } from "../model/policy.ts";
import { decide, withFacts, type Claim, type ContactState, type Transition } from "./claims.ts";

/** What changes. Times in ms. */
export interface Amendment {
  /** What events said that are told differently now, or are gone. */
  removed: Fact[];
  /** Times of deliveries, opens and clicks that stand all the same, for another event says so, too. */
  standing: number[];
  /** What they say instead. */
  added: Fact[];
  /** Claims of what is new, each with what it says if it is granted. One that is granted again says it again. */
  claims: Claim[];
}

/** Carries out the amendment; the same one again changes nothing more. `origins`, `now`: see decide. */
export function amend(
  state: ContactState,
  origins: Map<string, string>,
  { removed, standing, added, claims }: Amendment,
  now: number,
  policies: Policies,
): Transition {
  const silent = claims.map((claim): Claim => ({ ...claim, fact: null }));
  const decided = decide(state, origins, silent, now, policies);
  const news = claims.flatMap(({ fact }, i) => (fact !== null && decided.granted[i] === true ? [fact] : []));
  const left = without(decided.state.facts, removed, new Set(standing));
  const facts = [...added, ...news].reduce(addOnce, left);
  const amended = withFacts(decided.state, facts, now, policies);
  const same = JSON.stringify(amended.facts) === JSON.stringify(state.facts);
  const next = same ? decided.state : amended;
  const snapshot = next.version > 0 ? { version: next.version, suppressions: next.suppressions } : null;
  return { ...decided, state: next, snapshot };
}

function without(facts: Facts, removed: readonly Fact[], standing: ReadonlySet<number>): Facts {
  const ids = new Set(removed.map(({ id }) => id));
  const times = new Set(
    removed.flatMap(({ kind, at }) => (kind === "good" && !standing.has(at) ? [at] : [])),
  );
  const keep = (list: readonly Fact[]): Fact[] => list.filter(({ id }) => !ids.has(id));
  return {
    ...facts,
    hard: keep(facts.hard),
    complaint: keep(facts.complaint),
    soft: keep(facts.soft),
    list: keep(facts.list),
    good: facts.good.filter((at) => !times.has(at)),
  };
}

function addOnce(facts: Facts, fact: Fact): Facts {
  return fact.kind === "good" && facts.good.includes(fact.at) ? facts : addFact(facts, fact);
}
