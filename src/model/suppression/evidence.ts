// The evidence about a contact that is relevant to suppression: from events, and from what people entered and decided.
// The lists are bounded. Which entries they drop depends only on their contents and not on the order of arrival, so
// every order leaves the same evidence.

import type { ParsedEvent } from "../event.ts";
import type { SuppressionReason } from "./policy.ts";
import { isIn, type Decision, type EvidenceRange } from "./decision.ts";
import type { Storm } from "./storm.ts";

/**
 * An event that may be relevant to suppression. `at`: ms since the epoch, according to the provider; `id`: the event's
 * id.
 */
export interface Evidence {
  kind: "hard" | "soft" | "good" | "complaint" | "unsubscribed" | "subscribed";
  at: number;
  id: string;
  source: string;
  /** The list or stream that the provider names, as `<provider>:<list>`; left out if it names none. */
  scope?: string;
  /** The storm in which a bounce happened. */
  storm?: Storm;
}

/** A suppression that a person entered or imported from another system. `at`: ms since the epoch. */
export interface ManualSuppression {
  reason: SuppressionReason;
  at: number;
  id: string;
  source: string;
  /** '' for all mail. */
  scope: string;
  /** The name of the token that was used. */
  by: string;
  note: string | null;
  /** When it ends by itself, ms since the epoch; left out if it does not. */
  until?: number;
  /** When (ms) and by whose token another entry took its place; left out if none did. */
  replaced?: { at: number; by: string };
}

/**
 * The evidence that an event gives about its contact. Null if it gives none, as `blocked` and `dropped` never do. `id`:
 * the event's id.
 */
export function evidenceOf(
  event: Pick<ParsedEvent, "type" | "bounce" | "occurred_at">,
  id: string,
  source: string,
): Evidence | null {
  const kind = kindOf(event);
  return kind === null ? null : { kind, at: event.occurred_at, id, source };
}

function kindOf({ type, bounce }: Pick<ParsedEvent, "type" | "bounce">): Evidence["kind"] | null {
  switch (type) {
    case "bounced": // an unknown class counts as soft, because a dead address bounces again
      return bounce === "hard" ? "hard" : "soft";
    case "delivered":
    case "opened":
    case "clicked":
      return "good";
    case "complained":
      return "complaint";
    case "unsubscribed":
    case "subscribed":
      return type;
    default:
      return null;
  }
}

/** A delivery, an open or a click, which shows that the address works. `at`: ms since the epoch. */
export type Good = Pick<Evidence, "at" | "id">;

/** All evidence about a contact, each list in order of time. Every list is bounded. */
export interface EvidenceRecord {
  hard: Evidence[];
  complaint: Evidence[];
  soft: Evidence[];
  /** Deliveries, opens and clicks. */
  good: Good[];
  /**
   * The latest time of a delivery, open or click that was dropped to stay bounded, ms. A soft bounce from before that
   * time can no longer be judged.
   */
  forgotten: number;
  /** Unsubscribes and subscribes. */
  list: Evidence[];
  /** Suppressions by hand or import. */
  entries: ManualSuppression[];
  /** Lifts, releases and drops. */
  rulings: Decision[];
}

/** The record of a contact about which there is no evidence. */
export const NO_EVIDENCE: Readonly<EvidenceRecord> = Object.freeze({
  hard: [],
  complaint: [],
  soft: [],
  good: [],
  forgotten: 0,
  list: [],
  entries: [],
  rulings: [],
});

/**
 * How many of each are kept: the first ones, on which suppressions rest, and the latest ones, which may come after a
 * lift.
 */
const FIRST = 8;
const MOST = { hard: 32, complaint: 32, soft: 64, list: 128, entries: 64, rulings: 64 } as const;
const MOST_GOOD = 64;

/** The record with one more event's evidence. Evidence that it contains already changes nothing. */
export function addEvidence(facts: Readonly<EvidenceRecord>, evidence: Evidence): EvidenceRecord {
  switch (evidence.kind) {
    case "hard":
    case "complaint":
      return { ...facts, [evidence.kind]: inserted(facts[evidence.kind], evidence, MOST[evidence.kind]) };
    case "soft":
      return evidence.at <= facts.forgotten
        ? facts
        : { ...facts, soft: inserted(facts.soft, evidence, MOST.soft) };
    case "good":
      return withGood(facts, evidence);
    case "unsubscribed":
    case "subscribed":
      return { ...facts, list: inserted(facts.list, evidence, MOST.list) };
  }
}

/** The record without the evidence of these events. */
export function withoutEvidence(facts: Readonly<EvidenceRecord>, ids: ReadonlySet<string>): EvidenceRecord {
  const left = <T extends Good>(list: readonly T[]): T[] => list.filter(({ id }) => !ids.has(id));
  const { hard, complaint, soft, good, list } = facts;
  return {
    ...facts,
    hard: left(hard),
    complaint: left(complaint),
    soft: left(soft),
    good: left(good),
    list: left(list),
  };
}

/** All evidence from events. A delivery, an open or a click has only a time and an id. */
export function* evidenceIn({
  hard,
  complaint,
  soft,
  good,
  list,
}: Readonly<EvidenceRecord>): Generator<Good & Partial<Evidence>> {
  for (const some of [hard, complaint, soft, good, list]) yield* some;
}

/** Whether evidence that is missing from the record may have been in it and was dropped to stay bounded. */
export function isForgotten({ forgotten }: Readonly<EvidenceRecord>, { kind, at }: Evidence): boolean {
  return kind === "good" && at <= forgotten;
}

/**
 * Whether a piece of {@link evidenceIn} equals evidence that was parsed just now. It ignores the storm, which only the
 * first reading records.
 */
export function sayAlike(
  { id, at, kind = "good", scope }: Good & Partial<Evidence>,
  evidence: Evidence,
): boolean {
  return id === evidence.id && at === evidence.at && kind === evidence.kind && scope === evidence.scope;
}

/** The record with one more suppression by hand. */
export function addManualSuppression(
  facts: Readonly<EvidenceRecord>,
  entry: ManualSuppression,
): EvidenceRecord {
  return { ...facts, entries: inserted(facts.entries, entry, MOST.entries) };
}

/** The record with this entry in the place of another one that has its id. */
export function changeEntry(facts: Readonly<EvidenceRecord>, changed: ManualSuppression): EvidenceRecord {
  return { ...facts, entries: facts.entries.map((entry) => (entry.id === changed.id ? changed : entry)) };
}

/** The record with the hard bounces in this range marked as a storm's. A mark that is there already stays. */
export function markStorm(
  facts: Readonly<EvidenceRecord>,
  storm: Storm,
  { since, until }: Pick<EvidenceRange, "since" | "until">,
): EvidenceRecord {
  const hard = facts.hard.map((evidence) =>
    evidence.storm === undefined && evidence.at >= since && evidence.at < until
      ? { ...evidence, storm }
      : evidence,
  );
  return hard.every((evidence, i) => evidence === facts.hard[i]) ? facts : { ...facts, hard };
}

/** The record without the decision that has this id. */
export function withoutDecision(facts: Readonly<EvidenceRecord>, id: string): EvidenceRecord {
  return { ...facts, rulings: facts.rulings.filter((ruling) => ruling.id !== id) };
}

/** The record with one more decision. */
export function addDecision(facts: Readonly<EvidenceRecord>, ruling: Decision): EvidenceRecord {
  return { ...facts, rulings: inserted(facts.rulings, ruling, MOST.rulings) };
}

interface Dated {
  at: number;
  id: string;
  kind?: string;
}

/** The list with the item at its place. If there are more than `most`, it keeps the first few and the latest. */
function inserted<T extends Dated>(list: readonly T[], item: T, most: number): T[] {
  if (list.some(({ id }) => id === item.id)) return [...list];
  const all = [...list, item].sort(byTime);
  return all.length <= most ? all : all.toSpliced(FIRST, all.length - most);
}

/**
 * Compares by time. At the same time a subscribe comes first, because it lifts an unsubscribe only if it happened
 * later.
 */
export function byTime(a: Dated, b: Dated): number {
  return a.at - b.at || rankAtOnce(a) - rankAtOnce(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function rankAtOnce({ kind }: Dated): number {
  return kind === "subscribed" ? 0 : 1;
}

/**
 * Adds a delivery, open or click and keeps at most MOST_GOOD of them. It drops the first one that separates no soft
 * bounces, because there is none between its two neighbours, or else the earliest.
 */
function withGood(facts: Readonly<EvidenceRecord>, { at, id }: Good): EvidenceRecord {
  if (facts.good.some((one) => one.id === id)) return facts;
  const good = [...facts.good, { at, id }].sort(byTime);
  if (good.length <= MOST_GOOD) return { ...facts, good };
  const spare = Math.max(
    0,
    good.findIndex((_, i) => !separates(good, i, facts.soft)),
  );
  const forgotten = Math.max(facts.forgotten, good[spare]?.at ?? 0);
  return { ...facts, good: good.toSpliced(spare, 1), forgotten };
}

function separates(good: readonly Good[], index: number, soft: readonly Evidence[]): boolean {
  const before = good[index - 1]?.at ?? -Infinity;
  const after = good[index + 1]?.at ?? Infinity;
  return soft.some(({ at }) => at >= before && at <= after);
}

const MOST_IDS = 100;

/** Ids of the evidence that is dated after `now` (ms since the epoch) and in the range, at most 100. */
export function idsAfter(
  { hard, complaint, soft, list, entries }: Readonly<EvidenceRecord>,
  now: number,
  range?: EvidenceRange,
): string[] {
  const all = [...hard, ...complaint, ...soft, ...list, ...entries];
  const later = all.filter((one) => one.at > now && (range === undefined || isIn(range, one)));
  return later.map(({ id }) => id).slice(0, MOST_IDS);
}
