// What people decide about suppressions, and which evidence a decision applies to.

import type { SuppressionReason } from "./policy.ts";

/** Evidence by its time, and by where it comes from. */
export interface EvidenceRange {
  /** From this time on, ms since the epoch. */
  since: number;
  /** Before this time, ms since the epoch. */
  until: number;
  source?: string;
  /** The id of an import: only its entries. */
  import?: string;
}

/**
 * A person's decision: `lift` ends suppressions, `release` makes bounces of a storm count, `drop` makes sure that they
 * never count. It applies to everything that happened before `at` (ms since the epoch), even if it is reported later.
 */
export interface Decision {
  kind: "lift" | "release" | "drop";
  at: number;
  id: string;
  by: string;
  note: string | null;
  /** It ends only suppressions of this reason and scope; null for any. */
  reason: SuppressionReason | null;
  scope: string | null;
  /** Ids of evidence that was known at the time but is dated later, because a provider's clock may be wrong. */
  ends: string[];
  /** It applies to the evidence in `ends` and to nothing else (see src/model/suppression/join.ts). */
  isNarrow?: true;
  /** It applies to evidence in this range, whenever that is reported, and to the evidence in `ends`. */
  range?: EvidenceRange;
}

/** What decides whether a decision applies to evidence. */
interface Located {
  at: number;
  id: string;
  source: string;
}

/** Whether the decision applies to the evidence. */
export function covers({ at, ends, isNarrow, range }: Decision, evidence: Located): boolean {
  if (ends.includes(evidence.id)) return true;
  if (isNarrow === true) return false;
  return range === undefined ? evidence.at <= at : isIn(range, evidence);
}

/** Whether the evidence is in the range. */
export function isIn(range: EvidenceRange, { at, id, source }: Located): boolean {
  const isOfImport = range.import === undefined || id.startsWith(`${range.import}.`);
  return at >= range.since && at < range.until && isOfImport && (range.source ?? source) === source;
}
