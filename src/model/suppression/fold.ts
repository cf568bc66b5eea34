// Computes which suppressions a contact has, and why. This is a pure function of the evidence about the contact, so its
// order of arrival does not matter: every permutation of the evidence folds to the same suppressions.

import {
  byTime,
  covers,
  type ManualSuppression,
  type Evidence,
  type EvidenceRecord,
  type Good,
  type Decision,
  type Storm,
} from "./evidence.ts";
import type { Policies, SuppressionReason } from "./policy.ts";
import { DAY } from "../../lib/time.ts";

/** A suppression and its state: it is in force while `lifted_at` and `held` are null. Times in ms since the epoch. */
export interface Suppression {
  reason: SuppressionReason;
  /** '' for all mail, else the one list or stream: `<provider>:<list>`. */
  scope: string;
  /** Id of the event that is the evidence, or of the command by hand. */
  event: string;
  source: string;
  /** When the evidence happened. */
  at: number;
  /** Name of the token by which it was entered; null if an event caused it. */
  by: string | null;
  note: string | null;
  lifted_at: number | null;
  /** Id of the event, or name of the token, that lifted it. */
  lifted_by: string | null;
  lift_note: string | null;
  /** Why it is held and not in force: a description of the storm. Null if it is not held. */
  held: string | null;
}

/** One piece of evidence that suppresses, and the suppression that it causes. */
interface SuppressionEvidence extends Pick<
  Suppression,
  "reason" | "scope" | "event" | "source" | "at" | "by" | "note" | "held"
> {
  /** The list that it is about, whether or not the policy suppresses that list alone; '' for all mail. */
  list: string;
}

/** A lift by hand or a subscribe, which may end suppressions. */
interface Closer {
  at: number;
  id: string;
  by: string;
  note: string | null;
  covers(evidence: Dated & Pick<SuppressionEvidence, "list">): boolean;
}

interface Dated {
  at: number;
  id: string;
}

/** All suppressions that follow from the evidence, the ended ones included, in order of their evidence. */
export function suppressionsOf(facts: Readonly<EvidenceRecord>, policies: Policies): Suppression[] {
  const evidence = [...evidenceOf(facts, policies), ...softEvidence(facts, policies)];
  const suppressions: Suppression[] = [];
  const groups = Map.groupBy(evidence, ({ reason, scope }) => `${reason} ${scope}`);
  for (const group of groups.values()) {
    const [first] = group;
    if (first !== undefined) suppressions.push(...endedBy(group, closersOf(facts, first)));
  }
  return suppressions.sort((a, b) => a.at - b.at || (a.event < b.event ? -1 : a.event > b.event ? 1 : 0));
}

function evidenceOf(facts: Readonly<EvidenceRecord>, policies: Policies): SuppressionEvidence[] {
  const counts = (reason: SuppressionReason, list: readonly Evidence[]): SuppressionEvidence[] =>
    list
      .filter(({ source }) => policies.of(source).reasons.includes(reason))
      .map((evidence) => ({
        ...ofEvent(evidence),
        reason,
        list: evidence.scope ?? "",
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

function ofEvent({ id, source, at }: Evidence): Omit<SuppressionEvidence, "reason" | "scope" | "list"> {
  return { event: id, source, at, by: null, note: null, held: null };
}

function ofEntry({ reason, scope, id, source, at, by, note }: ManualSuppression): SuppressionEvidence {
  return { reason, scope, list: scope, event: id, source, at, by, note, held: null };
}

/** The scope of evidence by its source's policy. */
function scopeOf({ source, scope }: Evidence, policies: Policies): string {
  return policies.of(source).scope === "list" ? (scope ?? "") : "";
}

/** The lifts by hand and, for unsubscribes, the subscribes, the earliest first. */
function closersOf({ rulings, list }: Readonly<EvidenceRecord>, of: SuppressionEvidence): Closer[] {
  const closers = rulings
    .filter(
      ({ kind, reason, scope }) =>
        kind === "lift" && (reason ?? of.reason) === of.reason && (scope ?? of.scope) === of.scope,
    )
    .map((lift): Closer => ({ ...lift, covers: (dated) => covers(lift, dated) }));
  const subscribes = of.reason === "unsubscribed" ? list.filter(({ kind }) => kind === "subscribed") : [];
  return [...closers, ...subscribes.map(closerOf)].sort(byTime);
}

/**
 * Somebody who joins a list again takes back the unsubscribe from that list, whichever scope the policy gave it, and no
 * other. A subscribe that names no list takes back all of them.
 */
function closerOf({ at: since, id, scope }: Evidence): Closer {
  const isOfIt = (list: string): boolean => scope === undefined || scope === list;
  return { at: since, id, by: id, note: null, covers: ({ at, list }) => at < since && isOfIt(list) };
}

/**
 * Makes one suppression of all evidence that the same closer ends, and one of the evidence that no closer ends. The
 * first evidence that is not held represents the others.
 */
function endedBy(group: readonly SuppressionEvidence[], closers: readonly Closer[]): Suppression[] {
  const inOrder = group.toSorted((a, b) => byTime({ at: a.at, id: a.event }, { at: b.at, id: b.event }));
  const ended = Map.groupBy(inOrder, ({ at, event: id, list }) =>
    closers.find((closer) => closer.covers({ at, id, list })),
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
 * The soft bounces that completed what the policy requires, one for each period between two lifts by hand. Bounces of a
 * storm count only if a person has released them. A suppression that results only with them is held.
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
      { ...ofEvent(evidence), reason: "soft_bounces" as const, scope: "", list: "", held },
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

/**
 * A storm's bounce after the first release or drop that covers it: released, dropped, or unchanged if there is none.
 */
function judge(evidence: Evidence, rulings: readonly Decision[]): Evidence[] {
  if (evidence.storm === undefined) return [evidence];
  const ruling = rulings.find((one) => one.kind !== "lift" && covers(one, evidence));
  if (ruling?.kind === "drop") return [];
  const { storm: _, ...plain } = evidence;
  return ruling === undefined ? [evidence] : [plain];
}

/** A description of the storm, for people. */
function wordsOf({ destination, refused, outcomes, at }: Storm): string {
  const share = Math.round((100 * refused) / outcomes);
  const until = new Date(at).toISOString().slice(0, 16);
  return `${destination} refused ${refused} of ${outcomes} mails (${share} %) in the 15 minutes before ${until}Z`;
}

/** The first soft bounce that meets the policy of its source, or null. `soft` is in order of time. */
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

/** Reasons by strength: a contact's own wish outweighs ours, and certain evidence outweighs likely evidence. */
const STRENGTH: readonly SuppressionReason[] = [
  "complaint",
  "unsubscribed",
  "manual",
  "hard_bounce",
  "soft_bounces",
];

/** Whether the suppression is in force now: neither lifted nor held. */
export function isInForce({ lifted_at, held }: Pick<Suppression, "lifted_at" | "held">): boolean {
  return lifted_at === null && held === null;
}

/**
 * The strongest suppression in force for all mail or, if `scope` is a list, for all mail or that list. Null if the
 * contact may be mailed. `suppressions` are in order of their evidence.
 */
export function strongestOf<S extends Pick<Suppression, "reason" | "scope" | "lifted_at" | "held">>(
  suppressions: readonly S[],
  scope = "",
): S | null {
  const standing = suppressions.filter((one) => isInForce(one) && (one.scope === "" || one.scope === scope));
  for (const reason of STRENGTH) {
    const strongest = standing.find((suppression) => suppression.reason === reason);
    if (strongest !== undefined) return strongest;
  }
  return null;
}
