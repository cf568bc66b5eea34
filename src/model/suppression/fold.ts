// Who must not be mailed, and why: a pure function of the facts about a contact, so that the order in which they arrive does
// not matter. Every permutation of a contact's facts folds to the same suppressions.

import {
  byTime,
  type ManualSuppression,
  type Evidence,
  type EvidenceRecord,
  type Good,
  type Decision,
  type Storm,
} from "./evidence.ts";
import type { Policies, SuppressionReason } from "./policy.ts";

/** A suppression and what became of it: in force while `lifted_at` and `held` are null. Times in ms. */
export interface Suppression {
  reason: SuppressionReason;
  /** '' for all mail, else the one list or stream: `<provider>:<list>`. */
  scope: string;
  /** Id of the event that is the evidence, or of the act by hand. */
  event: string;
  source: string;
  /** When the evidence happened. */
  at: number;
  /** The token by which it was entered; null where an event did it. */
  by: string | null;
  note: string | null;
  lifted_at: number | null;
  /** Id of the event, or name of the token, that lifted it. */
  lifted_by: string | null;
  lift_note: string | null;
  /** Why it is held back and not in force: the storm, in words. */
  held: string | null;
}

/** What suppresses, and for what. */
type SuppressionEvidence = Pick<
  Suppression,
  "reason" | "scope" | "event" | "source" | "at" | "by" | "note" | "held"
>;

/** What may end a suppression. */
interface Closer {
  at: number;
  id: string;
  by: string;
  note: string | null;
  covers(evidence: Dated): boolean;
}

interface Dated {
  at: number;
  id: string;
}

/** All suppressions that the facts amount to, in order of their evidence. */
export function suppressionsOf(facts: Readonly<EvidenceRecord>, policies: Policies): Suppression[] {
  const evidence = [...evidenceOf(facts, policies), ...softEvidence(facts, policies)];
  const found: Suppression[] = [];
  const groups = Map.groupBy(evidence, ({ reason, scope }) => `${reason} ${scope}`);
  for (const group of groups.values()) {
    const [first] = group;
    if (first !== undefined) found.push(...endedBy(group, closersOf(facts, policies, first)));
  }
  return found.sort((a, b) => a.at - b.at || (a.event < b.event ? -1 : a.event > b.event ? 1 : 0));
}

function evidenceOf(facts: Readonly<EvidenceRecord>, policies: Policies): SuppressionEvidence[] {
  const counts = (reason: SuppressionReason, found: readonly Evidence[]): SuppressionEvidence[] =>
    found
      .filter(({ source }) => policies.of(source).reasons.includes(reason))
      .map((evidence) => ({
        ...ofEvent(evidence),
        reason,
        scope: reason === "hard_bounce" ? "" : scopeOf(evidence, policies),
      }));
  return [
    ...counts("hard_bounce", facts.hard),
    ...counts("complaint", facts.complaint),
    ...counts(
      "unsubscribed",
      facts.list.filter(({ kind }) => kind === "unsubscribed"),
    ),
    ...facts.entries.map(ofEntry),
  ];
}

function ofEvent({ id, source, at }: Evidence): Omit<SuppressionEvidence, "reason" | "scope"> {
  return { event: id, source, at, by: null, note: null, held: null };
}

function ofEntry({ reason, scope, id, source, at, by, note }: ManualSuppression): SuppressionEvidence {
  return { reason, scope, event: id, source, at, by, note, held: null };
}

/** Where evidence holds by its source's policy. */
function scopeOf({ source, scope }: Evidence, policies: Policies): string {
  return policies.of(source).scope === "list" ? (scope ?? "") : "";
}

/** Lifts by hand and, of unsubscribes, later subscribes to the same; the earliest first. */
function closersOf(
  { rulings, list }: Readonly<EvidenceRecord>,
  policies: Policies,
  of: SuppressionEvidence,
): Closer[] {
  const closers = rulings
    .filter(
      ({ kind, reason, scope }) =>
        kind === "lift" && (reason ?? of.reason) === of.reason && (scope ?? of.scope) === of.scope,
    )
    .map((lift): Closer => ({ ...lift, covers: (dated) => covers(lift, dated) }));
  for (const evidence of of.reason === "unsubscribed" ? list : []) {
    if (evidence.kind !== "subscribed" || scopeOf(evidence, policies) !== of.scope) continue;
    closers.push({
      at: evidence.at,
      id: evidence.id,
      by: evidence.id,
      note: null,
      covers: ({ at }) => at < evidence.at,
    });
  }
  return closers.sort(byTime);
}

function covers({ at, ends }: Decision, dated: Dated): boolean {
  return dated.at <= at || ends.includes(dated.id);
}

/** One suppression for all that the same closer ends, and one for what stands: its first evidence speaks for the others. */
function endedBy(group: readonly SuppressionEvidence[], closers: readonly Closer[]): Suppression[] {
  const inOrder = group.toSorted((a, b) => byTime({ at: a.at, id: a.event }, { at: b.at, id: b.event }));
  const ended = Map.groupBy(inOrder, ({ at, event: id }) =>
    closers.find((closer) => closer.covers({ at, id })),
  );
  return [...ended].flatMap(([closer, all]) => {
    const deciding = all.find(({ held }) => held === null) ?? all[0];
    if (deciding === undefined) return [];
    const { reason, scope, event, source, at, by, note, held } = deciding;
    const lifted = {
      lifted_at: closer?.at ?? null,
      lifted_by: closer?.by ?? null,
      lift_note: closer?.note ?? null,
    };
    return [{ reason, scope, event, source, at, by, note, ...lifted, held }];
  });
}

/**
 * The soft bounces with which the policy was met, one for each time that the contact was let go by hand. Bounces of a storm
 * count only where somebody has released them; what they alone would amount to is held.
 */
function softEvidence(
  { soft, good, rulings }: Readonly<EvidenceRecord>,
  policies: Policies,
): SuppressionEvidence[] {
  const lifts = rulings.filter(
    ({ kind, reason, scope }) =>
      kind === "lift" && (reason ?? "soft_bounces") === "soft_bounces" && (scope ?? "") === "",
  );
  const counted = soft.filter(({ source }) => policies.of(source).reasons.includes("soft_bounces"));
  const judged = counted.flatMap((evidence) => judge(evidence, rulings));
  const runs = Map.groupBy(judged, (evidence) => lifts.find((lift) => covers(lift, evidence)));
  return [...runs.values()].flatMap((run): SuppressionEvidence[] => {
    const decided = (evidence: Evidence, held: string | null) => [
      { ...ofEvent(evidence), reason: "soft_bounces" as const, scope: "", held },
    ];
    const plain = decidingSoftBounce(
      run.filter(({ storm }) => storm === undefined),
      good,
      policies,
    );
    if (plain !== null) return decided(plain, null);
    const stormy = decidingSoftBounce(run, good, policies);
    if (stormy === null) return [];
    const storm = run.findLast(
      (evidence) => evidence.storm !== undefined && byTime(evidence, stormy) <= 0,
    )?.storm;
    return decided(stormy, storm === undefined ? null : wordsOf(storm));
  });
}

/** A storm's bounce by what somebody said of it: the first word counts. */
function judge(evidence: Evidence, rulings: readonly Decision[]): Evidence[] {
  if (evidence.storm === undefined) return [evidence];
  const ruling = rulings.find((one) => one.kind !== "lift" && covers(one, evidence));
  if (ruling?.kind === "drop") return [];
  const { storm: _, ...plain } = evidence;
  return ruling === undefined ? [evidence] : [plain];
}

/** The storm in words. */
function wordsOf({ destination, refused, outcomes, at }: Storm): string {
  const share = Math.round((100 * refused) / outcomes);
  const until = new Date(at).toISOString().slice(0, 16);
  return `${destination} refused ${refused} of ${outcomes} mails (${share} %) in the 15 minutes before ${until}Z`;
}

const DAY = 86_400_000;

/** The soft bounce with which the policy of its source was first met, or null. `soft` is in order of time. */
function decidingSoftBounce(
  soft: readonly Evidence[],
  good: readonly Good[],
  policies: Policies,
): Evidence | null {
  let run: Evidence[] = [];
  let last = -Infinity;
  for (const evidence of soft) {
    const after = last;
    if (good.some(({ at }) => at > after && at <= evidence.at)) run = [];
    run.push(evidence);
    const { softBounces, softBounceDays, softBounceWindowDays } = policies.of(evidence.source);
    const recent = run.filter(({ at }) => at >= evidence.at - softBounceWindowDays * DAY);
    const days = new Set(recent.map(({ at }) => Math.floor(at / DAY))).size;
    if (recent.length >= softBounces && days >= softBounceDays) return evidence;
    last = evidence.at;
  }
  return null;
}

/** A contact's own wish outweighs ours, and what is known for sure what is likely. */
const STRENGTH: readonly SuppressionReason[] = [
  "complaint",
  "unsubscribed",
  "manual",
  "hard_bounce",
  "soft_bounces",
];

/** Whether it keeps mail back now. */
export function isInForce({ lifted_at, held }: Pick<Suppression, "lifted_at" | "held">): boolean {
  return lifted_at === null && held === null;
}

/**
 * The strongest suppression in force for all mail or, where one is asked for, for that list; null where the contact may be
 * mailed. `suppressions` are in order of their evidence.
 */
export function strongestOf<S extends Pick<Suppression, "reason" | "scope" | "lifted_at" | "held">>(
  suppressions: readonly S[],
  scope = "",
): S | null {
  const standing = suppressions.filter((one) => isInForce(one) && (one.scope === "" || one.scope === scope));
  for (const reason of STRENGTH) {
    const found = standing.find((one) => one.reason === reason);
    if (found !== undefined) return found;
  }
  return null;
}
