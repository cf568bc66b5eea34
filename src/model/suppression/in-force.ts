// Which of a contact's suppressions are in force at a moment, and which of them is the strongest. An entry with an end is
// compared with the time when it is asked about, so it ends in time, whenever the end is written down.

import type { Suppression } from "./fold.ts";
import type { SuppressionReason } from "./policy.ts";

/** Reasons by strength: a contact's own wish outweighs ours, and certain evidence outweighs likely evidence. */
const STRENGTH: readonly SuppressionReason[] = [
  "complaint",
  "unsubscribed",
  "manual",
  "hard_bounce",
  "soft_bounces",
];

type State = Pick<Suppression, "lifted_at" | "held" | "expires_at">;

/** Whether the suppression is in force: neither lifted nor held nor at its end. `now`: ms since the epoch. */
export function isInForce({ lifted_at, held, expires_at }: State, now: number): boolean {
  return lifted_at === null && held === null && (expires_at ?? Infinity) > now;
}

/**
 * The suppressions in force for all mail or, if `scope` is a list, for all mail or that list: the strongest reason
 * first, and of one reason in their order, which is that of their evidence. `now`: ms since the epoch.
 */
export function inForceOf<S extends State & Pick<Suppression, "reason" | "scope">>(
  suppressions: readonly S[],
  now: number,
  scope = "",
): S[] {
  const standing = suppressions.filter(
    (one) => isInForce(one, now) && (one.scope === "" || one.scope === scope),
  );
  return standing.sort((a, b) => STRENGTH.indexOf(a.reason) - STRENGTH.indexOf(b.reason));
}

/** The first of {@link inForceOf}; null if the contact may be mailed. */
export function strongestOf<S extends State & Pick<Suppression, "reason" | "scope">>(
  suppressions: readonly S[],
  now: number,
  scope = "",
): S | null {
  return inForceOf(suppressions, now, scope)[0] ?? null;
}

/** The reasons of these suppressions, each once, in their order. */
export function reasonsOf(suppressions: readonly Pick<Suppression, "reason">[]): SuppressionReason[] {
  return [...new Set(suppressions.map(({ reason }) => reason))];
}
