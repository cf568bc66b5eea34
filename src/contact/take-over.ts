// The transition by which a contact's object takes over a suppression that an import wrote into the database. The
// evidence is ordered by its own time, so it makes no difference how much later that happens: a lift or a subscription
// since the import ends it as if the object had known it then.

import { addManualSuppression, type ManualSuppression } from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import { withEvidence, type ContactState } from "./claims.ts";

/** The command. `version`: the version under which the database has the suppression, the time of the import in ms. */
export interface TakingOver extends ManualSuppression {
  kind: "take over";
  version: number;
}

/**
 * The state with the suppression, under a version after the database's. Null if the object knows it, or if the contact
 * was erased after the import.
 */
export function takeOver(
  state: ContactState,
  { kind: _, version, ...entry }: TakingOver,
  now: number,
  policies: Policies,
): ContactState | null {
  if (state.facts.entries.some(({ id }) => id === entry.id)) return null;
  if (version <= (state.erased?.at ?? -Infinity)) return null;
  const next = withEvidence(state, addManualSuppression(state.facts, entry), now, policies);
  return { ...next, version: Math.max(next.version, version + 1) };
}
