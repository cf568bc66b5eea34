// Commands of people to a contact: to suppress, to lift, to release or to drop held suppressions. Like claims, they are
// pure transitions. A command that would change nothing now is not recorded, so the same command twice has the effect
// of one.

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
import { takeOver, type TakingOver } from "./take-over.ts";

/** A command. `id`: new for each command; `at` of an entry: ms since the epoch, null for now. */
export type Command =
  | TakingOver
  | ({ kind: "entry"; at: number | null } & Omit<ManualSuppression, "at">)
  | ({ kind: "lift" } & Pick<Decision, "id" | "by" | "note" | "reason" | "scope">)
  | ({ kind: "release" | "drop" } & Pick<Decision, "id" | "by" | "note">);

/** The answer to a list of commands: for each whether it changed anything, and the state after all of them. */
export interface CommandAnswer {
  changed: boolean[];
  snapshot: Snapshot;
  /** Rows that the call wrote, as the platform bills them. */
  written: number;
}

/**
 * Applies the commands one by one. The state is the same object if none changed anything. `now`: ms since the epoch.
 */
export function applyCommands(
  state: ContactState,
  commands: readonly Command[],
  now: number,
  policies: Policies,
): { changed: boolean[]; state: ContactState } {
  let current = state;
  const changed = commands.map((command) => {
    const next = applyCommand(current, command, now, policies);
    if (next === null) return false;
    current = next;
    return true;
  });
  return { changed, state: current };
}

/** The state after a command, or null if it changes nothing. */
function applyCommand(
  state: ContactState,
  command: Command,
  now: number,
  policies: Policies,
): ContactState | null {
  if (command.kind === "take over") return takeOver(state, command, now, policies);
  if (command.kind === "entry") return enter(state, command, now, policies);
  const concerned = state.suppressions.some((suppression) =>
    command.kind === "lift"
      ? isInForce(suppression) && isOf(suppression, command.reason, command.scope)
      : isHeld(suppression),
  );
  if (!concerned) return null;
  const { kind, id, by, note } = command;
  const { reason, scope } = command.kind === "lift" ? command : { reason: null, scope: null };
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
    suppressions.find((suppression) => isInForce(suppression) && isOf(suppression, reason, scope));
  const before = stands(state);
  if (before !== undefined && (at === null || before.at <= at)) return null;
  // A lift ends everything up to its own time. So an entry in the same millisecond gets a time after it.
  const lifted = state.facts.rulings.findLast(({ kind }) => kind === "lift")?.at ?? 0;
  const since = at ?? Math.max(now, lifted + 1);
  const next = withEvidence(state, addManualSuppression(state.facts, { ...entry, at: since }), now, policies);
  return stands(next)?.event === entry.id ? next : null; // a later lift may have ended it already; then it stays ended
}

function isOf(suppression: Suppression, reason: Suppression["reason"] | null, scope: string | null): boolean {
  return (
    (reason ?? suppression.reason) === suppression.reason &&
    (scope ?? suppression.scope) === suppression.scope
  );
}

function isHeld({ held, lifted_at }: Suppression): boolean {
  return held !== null && lifted_at === null;
}
