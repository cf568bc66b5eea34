// Commands of people to a contact: to suppress, to lift, to release or to drop held suppressions. Like claims, they are
// pure transitions. A command that would change nothing now is not recorded, so the same command twice has the effect
// of one.

import type { Decision, EvidenceRange } from "../model/suppression/decision.ts";
import {
  addManualSuppression,
  addDecision,
  changeEntry,
  idsAfter,
  markStorm,
  withoutDecision,
  type ManualSuppression,
} from "../model/suppression/evidence.ts";
import type { Suppression } from "../model/suppression/fold.ts";
import { isInForce } from "../model/suppression/in-force.ts";
import type { Policies, SuppressionReason } from "../model/suppression/policy.ts";
import type { Storm } from "../model/suppression/storm.ts";
import { withEvidence, type ContactState, type Snapshot } from "./claims.ts";
import { takeOver, type TakingOver } from "./take-over.ts";

/** Suppresses by hand, or changes what was suppressed by hand. What is left out stays as it is; null takes it away. */
export interface Setting extends Pick<ManualSuppression, "id" | "source" | "scope" | "by"> {
  kind: "set";
  reason?: SuppressionReason | undefined;
  note?: string | null | undefined;
  /** When it ends by itself, ms since the epoch. */
  until?: number | null | undefined;
}

/** A decision of a person. `range`: it is about evidence in this range only, undefined for all until now. */
export interface Deciding extends Pick<Decision, "kind" | "id" | "by" | "note" | "reason" | "scope"> {
  range?: EvidenceRange | undefined;
}

/**
 * A command. `id`: new for each command; `at` of an entry: ms since the epoch, null for now. `undo` takes the decision
 * with this id back; `hold` marks the hard bounces in a range as a storm's; `expire` writes down what has ended by
 * itself.
 */
export type Command =
  | TakingOver
  | ({ kind: "entry"; at: number | null } & Omit<ManualSuppression, "at">)
  | Setting
  | Deciding
  | { kind: "undo"; id: string }
  | ({ kind: "hold"; storm: Storm } & Pick<EvidenceRange, "since" | "until">)
  | { kind: "expire" };

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
  const { facts } = state;
  switch (command.kind) {
    case "take over":
      return takeOver(state, command, now, policies);
    case "entry":
      return enter(state, command, now, policies);
    case "set":
      return set(state, command, now, policies);
    case "lift":
    case "release":
    case "drop":
      return decideOn(state, command, now, policies);
    case "undo":
      if (!facts.rulings.some(({ id }) => id === command.id)) return null;
      return withEvidence(state, withoutDecision(facts, command.id), now, policies);
    case "hold": {
      const marked = markStorm(facts, command.storm, command);
      return marked === facts ? null : withEvidence(state, marked, now, policies);
    }
    case "expire": {
      const next = withEvidence(state, facts, now, policies);
      return next.version === state.version ? null : next;
    }
  }
}

function decideOn(
  state: ContactState,
  { range, ...command }: Deciding,
  now: number,
  policies: Policies,
): ContactState | null {
  const { kind, reason, scope, id } = command;
  const concerned = state.suppressions.some(
    (suppression) =>
      isOf(suppression, reason, scope) &&
      (kind === "lift" ? isInForce(suppression, now) : isHeld(suppression)),
  );
  if (!concerned || state.facts.rulings.some((ruling) => ruling.id === id)) return null;
  // Evidence may be dated later than now and be known all the same.
  const ends = idsAfter(state.facts, now, range);
  const bounds = range === undefined ? {} : { range: { ...range, until: Math.min(range.until, now + 1) } };
  const decision: Decision = { ...command, at: now, ends, ...bounds };
  const next = withEvidence(state, addDecision(state.facts, decision), now, policies);
  return next.version === state.version ? null : next;
}

/** A lift ends everything up to its own time. So an entry in the same millisecond gets a time after it. */
function afterLifts({ facts }: ContactState, now: number): number {
  const lifted = facts.rulings.findLast(({ kind }) => kind === "lift")?.at ?? 0;
  return Math.max(now, lifted + 1);
}

function enter(
  state: ContactState,
  { kind: _, at, ...entry }: Extract<Command, { kind: "entry" }>,
  now: number,
  policies: Policies,
): ContactState | null {
  const { reason, scope } = entry;
  const stands = ({ suppressions }: ContactState): Suppression | undefined =>
    suppressions.find((suppression) => isInForce(suppression, now) && isOf(suppression, reason, scope));
  const before = stands(state);
  if (before !== undefined && (at === null || before.at <= at)) return null;
  const since = at ?? afterLifts(state, now);
  const next = withEvidence(state, addManualSuppression(state.facts, { ...entry, at: since }), now, policies);
  return stands(next)?.event === entry.id ? next : null; // a later lift may have ended it already; then it stays ended
}

function set(
  state: ContactState,
  { kind: _, reason, note, until, ...command }: Setting,
  now: number,
  policies: Policies,
): ContactState | null {
  const before = enteredIn(state, command.scope, reason, now);
  const wanted = {
    reason: reason ?? before?.reason ?? "manual",
    note: note === undefined ? (before?.note ?? null) : note,
    until: until === undefined ? (before?.expires_at ?? null) : until,
  };
  const isSame = (one: Suppression): boolean =>
    one.reason === wanted.reason && one.note === wanted.note && (one.expires_at ?? null) === wanted.until;
  if (before !== undefined && isSame(before)) return null;
  const at = before?.reason === wanted.reason ? before.at : afterLifts(state, now);
  const end = wanted.until === null ? {} : { until: wanted.until };
  const entry = { ...command, at, reason: wanted.reason, note: wanted.note, ...end };
  const former = state.facts.entries.find(({ id }) => id === before?.event);
  const left =
    former === undefined
      ? state.facts
      : changeEntry(state.facts, { ...former, replaced: { at: now, by: command.by } });
  return withEvidence(state, addManualSuppression(left, entry), now, policies);
}

/**
 * What a person has entered for this scope and is in force: by hand with whatever reason, or by an import with this
 * one.
 */
function enteredIn(
  { suppressions }: ContactState,
  scope: string,
  reason: SuppressionReason = "manual",
  now: number,
): Suppression | undefined {
  const entered = suppressions.filter((one) => one.by !== null && one.scope === scope && isInForce(one, now));
  return entered.find(({ source }) => source === "api") ?? entered.find((one) => one.reason === reason);
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
