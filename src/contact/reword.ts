// Replaces notes that people wrote: one may mention somebody else, whose address an erasure removes everywhere. Nothing
// else changes, so the version stays, and nobody is told of a change.

import type { ContactState } from "./claims.ts";

/** A note as it is, and as it is to be. */
export type Rewording = readonly [before: string, after: string];

/** All notes that the state holds: of entries, and of decisions. `at`: when that was entered or decided, ms. */
export function notesIn({ facts }: Pick<ContactState, "facts">): { note: string; at: number }[] {
  return [...facts.entries, ...facts.rulings].flatMap(({ note, at }) =>
    note === null ? [] : [{ note, at }],
  );
}

/** The state with these notes replaced; the same object if it holds none of them. */
export function reword(state: ContactState, rewordings: readonly Rewording[]): ContactState {
  const words = new Map(rewordings);
  const { facts } = state;
  if (!notesIn(state).some(({ note }) => words.has(note))) return state;
  const put = (note: string | null): string | null => (note === null ? null : (words.get(note) ?? note));
  const noted = <T extends { note: string | null }>(list: readonly T[]): T[] =>
    list.map((one) => ({ ...one, note: put(one.note) }));
  return {
    ...state,
    facts: { ...facts, entries: noted(facts.entries), rulings: noted(facts.rulings) },
    suppressions: noted(state.suppressions).map((one) => ({ ...one, lift_note: put(one.lift_note) })),
  };
}
