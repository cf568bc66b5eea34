// Joins the evidence about two spellings of one address. What a person decided about one spelling was not decided about
// the other: a lift of one must not lift the other's complaint. So each decision from before applies only to the
// evidence that it was about, and the stronger suppression wins.

import { covers, type Decision } from "./decision.ts";
import {
  addDecision,
  addEvidence,
  addManualSuppression,
  evidenceIn,
  type EvidenceRecord,
} from "./evidence.ts";

/** The record with the evidence of another spelling. Joining the same evidence again changes nothing more. */
export function joinEvidence(own: Readonly<EvidenceRecord>, other: Readonly<EvidenceRecord>): EvidenceRecord {
  const known = idsOf(own);
  if ([...idsOf(other)].every((id) => known.has(id))) return own;
  let joined: EvidenceRecord = { ...own, rulings: own.rulings.map((ruling) => narrowed(ruling, own)) };
  const { hard, complaint, soft, list } = other;
  for (const evidence of [...hard, ...complaint, ...soft, ...list]) joined = addEvidence(joined, evidence);
  for (const { at, id } of other.good) joined = addEvidence(joined, { kind: "good", at, id, source: "" });
  for (const entry of other.entries) joined = addManualSuppression(joined, entry);
  for (const ruling of other.rulings) joined = addDecision(joined, narrowed(ruling, other));
  return { ...joined, forgotten: Math.max(own.forgotten, other.forgotten) };
}

const idsOf = (facts: Readonly<EvidenceRecord>): Set<string> =>
  new Set([...evidenceIn(facts), ...facts.entries, ...facts.rulings].map(({ id }) => id));

/** The decision, for the evidence of this record alone. */
function narrowed(ruling: Decision, facts: Readonly<EvidenceRecord>): Decision {
  const { hard, complaint, soft, list, entries } = facts;
  const about = [...hard, ...complaint, ...soft, ...list, ...entries].filter((one) => covers(ruling, one));
  return { ...ruling, ends: about.map(({ id }) => id), isNarrow: true };
}

/** The record with other ids. */
export function renameEvidence(
  facts: Readonly<EvidenceRecord>,
  rename: (id: string) => string,
): EvidenceRecord {
  const renamed = <T extends { id: string }>(list: readonly T[]): T[] =>
    list.map((one) => ({ ...one, id: rename(one.id) }));
  return {
    ...facts,
    hard: renamed(facts.hard),
    complaint: renamed(facts.complaint),
    soft: renamed(facts.soft),
    good: renamed(facts.good),
    list: renamed(facts.list),
    entries: renamed(facts.entries),
    rulings: renamed(facts.rulings).map((ruling) => ({ ...ruling, ends: ruling.ends.map(rename) })),
  };
}
