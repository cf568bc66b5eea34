// Joins the states of two objects that turned out to be one contact's, because their names are two spellings of one
// address: pure.

import { joinEvidence, renameEvidence } from "../model/suppression/join.ts";
import type { EvidenceRecord } from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import {
  keptOrigin,
  withEvidence,
  type ContactState,
  type Remembered,
  type Snapshot,
  type Tombstone,
} from "./claims.ts";

/** A claim that an object remembers. `at`: when it was granted, ms. */
export interface RememberedClaim {
  key: string;
  origin: string;
  at: number;
}

/** What an object remembers, and a stamp that changes whenever this does. */
export interface Leaving extends Joining {
  version: number;
  stamp: string;
}

/** What the object of another spelling remembers, with the ids that its events have under the present spelling. */
export interface Joining {
  facts: EvidenceRecord;
  claims: RememberedClaim[];
  erased: Tombstone | null;
}

/** A text that differs whenever the state, or the number of its claims in all pages, does. */
export function stampOf({ facts, version, erased }: ContactState, claims: number): string {
  return JSON.stringify([version, claims, erased ?? null, facts]);
}

/** The state with the ids that events have under another spelling of the contact's address. */
export function renamed({ facts, claims, erased }: Joining, rename: (id: string) => string): Joining {
  const kept = keptOrigin("");
  const renameOrigin = (origin: string): string =>
    origin.startsWith(kept) ? kept + rename(origin.slice(kept.length)) : origin;
  return {
    facts: renameEvidence(facts, rename),
    claims: claims.map(({ key, origin, at }) => ({ key, origin: renameOrigin(origin), at })),
    erased,
  };
}

/**
 * The state with what the other object remembers. `origins`: all remembered claims, to which the new ones are added.
 * `now`: ms since the epoch.
 */
export function joinState(
  state: ContactState,
  origins: Map<string, string>,
  { facts, claims, erased }: Joining,
  now: number,
  policies: Policies,
): { state: ContactState; snapshot: Snapshot } {
  const joined = joinEvidence(state.facts, facts);
  const fresh: Remembered[] = [];
  for (const { key, origin, at } of claims) {
    if (origins.has(key)) continue;
    origins.set(key, origin);
    fresh.push([key, origin, at]);
  }
  const buried = laterOf(state.erased, erased ?? undefined);
  const isSame = joined === state.facts && fresh.length === 0 && buried === state.erased;
  const next: ContactState = isSame
    ? state
    : {
        ...withEvidence(state, joined, now, policies),
        claims: [...state.claims, ...fresh].sort(([, , a], [, , b]) => a - b),
        ...(buried === undefined ? {} : { erased: buried }),
      };
  return { state: next, snapshot: { version: next.version, suppressions: next.suppressions } };
}

function laterOf(own: Tombstone | undefined, other: Tombstone | undefined): Tombstone | undefined {
  return own === undefined || (other !== undefined && other.at > own.at) ? other : own;
}
