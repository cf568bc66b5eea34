// What people order of a contact: to suppress, to lift, to release or drop what is held. Like claims a pure transition. Each
// order looks at what is in force: one that would change nothing is not noted, so that asking twice is asking once.

import { isInForce, type Suppression } from "../model/suppression/fold.ts";
import {
  addManualSuppression,
  addDecision,
  idsAfter,
  type ManualSuppression,
  type Decision,
} from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import { withEvidence, type ContactState, type Snapshot } from "./claims.ts";

/** `id`: new for each order; `at` of an entry: ms, null for now. */
export type Command =
  | ({ kind: "entry"; at: number | null } & Omit<ManualSuppression, "at">)
  | ({ kind: "lift" } & Pick<Decision, "id" | "by" | "note" | "reason" | "scope">)
  | ({ kind: "release" | "drop" } & Pick<Decision, "id" | "by" | "note">);

/** Answer to a list of orders: which of them changed anything, and the state after all of them. */
export interface CommandAnswer {
  changed: boolean[];
  snapshot: Snapshot;
  /** Rows that the call wrote, as the platform bills them. */
  written: number;
}

/** Carries out the orders one by one. The state is the same object where none of them changed anything. `now`: ms. */
export function applyCommands(
  state: ContactState,
  orders: readonly Command[],
  now: number,
  policies: Policies,
): { changed: boolean[]; state: ContactState } {
  let current = state;
  const changed = orders.map((order) => {
    const next = applyCommand(current, order, now, policies);
    if (next === null) return false;
    current = next;
    return true;
  });
  return { changed, state: current };
}

/** The state after an order; null where it changes nothing. */
function applyCommand(
  state: ContactState,
  order: Command,
  now: number,
  policies: Policies,
): ContactState | null {
  if (order.kind === "entry") return enter(state, order, now, policies);
  const concerned = state.suppressions.some((one) =>
    order.kind === "lift" ? isInForce(one) && isOf(one, order.reason, order.scope) : isHeld(one),
  );
  if (!concerned) return null;
  const { kind, id, by, note } = order;
  const { reason, scope } = order.kind === "lift" ? order : { reason: null, scope: null };
  const ends = idsAfter(state.facts, now);
  return withEvidence(
    state,
    addDecision(state.facts, { kind, id, by, note, reason, scope, at: now, ends }),
    now,
    policies,
  );
}

function enter(
  state: ContactState,
  { kind: _, at, ...entry }: Extract<Command, { kind: "entry" }>,
  now: number,
  policies: Policies,
): ContactState | null {
  const { reason, scope } = entry;
  const stands = ({ suppressions }: ContactState): Suppression | undefined =>
    suppressions.find((one) => isInForce(one) && isOf(one, reason, scope));
  const before = stands(state);
  if (before !== undefined && (at === null || before.at <= at)) return null;
  // A lift ends what happened until then: what is entered in the very same millisecond comes after it.
  const lifted = state.facts.rulings.findLast(({ kind }) => kind === "lift")?.at ?? 0;
  const since = at ?? Math.max(now, lifted + 1);
  const next = withEvidence(state, addManualSuppression(state.facts, { ...entry, at: since }), now, policies);
  return stands(next)?.event === entry.id ? next : null; // what a later lift has ended already stays ended
}

function isOf(one: Suppression, reason: Suppression["reason"] | null, scope: string | null): boolean {
  return (reason ?? one.reason) === one.reason && (scope ?? one.scope) === one.scope;
}

function isHeld({ held, lifted_at }: Suppression): boolean {
  return held !== null && lifted_at === null;
}
