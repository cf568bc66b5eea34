// A word that a provider's tables do not know (see src/providers/kit/unknown-words.ts).

/**
 * What kind of word it is: the event's type; why a mail failed; a time that cannot be used; or a field that is missing
 * where reports of this type have one, which means that it has probably moved.
 */
export const UNKNOWN_KINDS = ["type", "reason", "time", "shape"] as const;
export type UnknownKind = (typeof UNKNOWN_KINDS)[number];

/** A word that could not be placed. `element`: the index of the element that contains it. */
export interface UnknownWord {
  kind: UnknownKind;
  word: string;
  element: number;
}
