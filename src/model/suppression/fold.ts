// Computes which suppressions a contact has, and why. This is a pure function of the evidence about the contact, so its
// order of arrival does not matter: every permutation of the evidence folds to the same suppressions.

import { covers, type Decision } from "./decision.ts";
import { byTime, type ManualSuppression, type Evidence, type EvidenceRecord, type Good } from "./evidence.ts";
import { describeStorm } from "./storm.ts";
import type { Policies, SuppressionReason } from "./policy.ts";
import { DAY } from "../../lib/time.ts";

/**
 * A suppression and its state: it is in force while `lifted_at` and `held` are null and `expires_at` is not reached.
 * Times in ms since the epoch.
 */
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
  /** When it ends by itself; null or left out if it does not. */
  expires_at?: number | null;
  lifted_at: number | null;
  /** Id of the event, or name of the token, that lifted it; null if it ended by itself. */
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
  /** The entry, if a person made it. */
  entry?: ManualSuppression;
}

/** A lift by hand or a subscribe, which may end suppressions. */
interface Closer {
  at: number;
  id: string;
  by: string | null;
  note: string | null;
  covers(evidence: Dated & Pick<SuppressionEvidence, "list" | "source">): boolean;
}

interface Dated {
  at: number;
  id: string;
}

/**
 * All suppressions that follow from the evidence, the ended ones included, in order of their evidence. `now`: ms since
 * the epoch, decides which entries have ended by themselves.
 */
export function suppressionsOf(
  facts: Readonly<EvidenceRecord>,
  policies: Policies,
  now: number,
): Suppression[] {
  const evidence = [...evidenceOf(facts, policies), ...softEvidence(facts, policies)];
  const suppressions: Suppression[] = [];
  const groups = Map.groupBy(evidence, groupOf);
  for (const group of groups.values()) {
    const [first] = group;
    if (first !== undefined) suppressions.push(...endedBy(group, closersOf(facts, first), now));
  }
  return suppressions.sort((a, b) => a.at - b.at || (a.event < b.event ? -1 : a.event > b.event ? 1 : 0));
}

/**
 * Evidence of one group makes one suppression. What a person enters, changes or gives an end stands alone, because it
 * has a note and an end of its own.
 */
function groupOf({ reason, scope, event, entry }: SuppressionEvidence): string {
  const alone = entry?.source === "api" || entry?.until !== undefined || entry?.replaced !== undefined;
  return `${reason} ${scope}${alone ? ` ${event}` : ""}`;
}

function evidenceOf(facts: Readonly<EvidenceRecord>, policies: Policies): SuppressionEvidence[] {
  const counts = (reason: SuppressionReason, list: readonly Evidence[]): SuppressionEvidence[] =>
    list
      .filter(({ source }) => policies.of(source).reasons.includes(reason))
      .flatMap((evidence) => judge(evidence, facts.rulings, reason))
      .map((evidence) => ({
        ...ofEvent(evidence),
        held: evidence.storm === undefined ? null : describeStorm(evidence.storm),
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

function ofEntry(entry: ManualSuppression): SuppressionEvidence {
  const { reason, scope, id, source, at, by, note } = entry;
  return { reason, scope, list: scope, event: id, source, at, by, note, held: null, entry };
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
function endedBy(
  group: readonly SuppressionEvidence[],
  closers: readonly Closer[],
  now: number,
): Suppression[] {
  const inOrder = group.toSorted((a, b) => byTime({ at: a.at, id: a.event }, { at: b.at, id: b.event }));
  const ended = Map.groupBy(inOrder, ({ at, event: id, list, source, entry }) => {
    const closer = closers.find((one) => one.covers({ at, id, list, source }));
    const own = endOf(entry, now);
    return own === null || (closer !== undefined && closer.at <= own.at) ? closer : own;
  });
  return [...ended].flatMap(([closer, all]) => {
    const deciding = all.find(({ held }) => held === null) ?? all[0];
    if (deciding === undefined) return [];
    const { reason, scope, event, source, at, by, note, held, entry } = deciding;
    const end = entry?.until === undefined ? {} : { expires_at: entry.until };
    const lifted = {
      lifted_at: closer?.at ?? null,
      lifted_by: closer?.by ?? null,
      lift_note: closer?.note ?? null,
    };
    return [{ reason, scope, event, source, at, by, note, ...end, ...lifted, held }];
  });
}

/** How an entry ended without a lift: another one took its place, or its time was over. Null if it did not. */
function endOf(entry: ManualSuppression | undefined, now: number): Pick<Closer, "at" | "by" | "note"> | null {
  if (entry === undefined) return null;
  const { until = Infinity, replaced } = entry;
  if (replaced !== undefined && replaced.at < until) return { ...replaced, note: "changed" };
  return until <= now ? { at: until, by: null, note: "ended as set" } : null;
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
  const judged = counted.flatMap((evidence) => judge(evidence, rulings, "soft_bounces"));
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
    return decided(stormy, storm === undefined ? null : describeStorm(storm));
  });
}

/**
 * A storm's bounce after the first release or drop that covers it: released, dropped, or unchanged if there is none.
 */
function judge(evidence: Evidence, rulings: readonly Decision[], reason: SuppressionReason): Evidence[] {
  if (evidence.storm === undefined) return [evidence];
  const ruling = rulings.find(
    (one) => one.kind !== "lift" && (one.reason ?? reason) === reason && covers(one, evidence),
  );
  if (ruling?.kind === "drop") return [];
  const { storm: _, ...plain } = evidence;
  return ruling === undefined ? [evidence] : [plain];
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
