// The facts about a contact that bear on suppression: what events say, what people entered and decided. Bounded lists whose
// trimming depends on what was put in and never on the order, so that every order of arrival keeps the same facts.

import type { ParsedEvent } from "../event.ts";
import type { SuppressionReason } from "./policy.ts";

/** A destination that refused nearly everybody when a soft bounce happened. Times in ms. */
export interface Storm {
  destination: string;
  refused: number;
  outcomes: number;
  /** The end of the quarter of an hour that was counted. */
  at: number;
}

/** An event that may bear on suppression. `at`: ms since the epoch, by the provider; `id`: the event's. */
export interface Evidence {
  kind: "hard" | "soft" | "good" | "complaint" | "unsubscribed" | "subscribed";
  at: number;
  id: string;
  source: string;
  /** The list or stream that the provider names, `<provider>:<list>`; left out where it names none. */
  scope?: string;
  /** Of a soft bounce that happened in a storm. */
  storm?: Storm;
}

/** A suppression that a person entered, or imported from elsewhere. */
export interface ManualSuppression {
  reason: SuppressionReason;
  at: number;
  id: string;
  source: string;
  /** '' for all mail. */
  scope: string;
  /** The token's name. */
  by: string;
  note: string | null;
}

/**
 * What a person decided: `lift` ends suppressions, `release` lets soft bounces of a storm count, `drop` lets them never
 * count. It covers what happened until then, even if that is heard of later.
 */
export interface Decision {
  kind: "lift" | "release" | "drop";
  at: number;
  id: string;
  by: string;
  note: string | null;
  /** Only suppressions of this reason and scope; null for any. */
  reason: SuppressionReason | null;
  scope: string | null;
  /** Ids of facts that were known then although their times are later: a provider's clock may be wrong. */
  ends: string[];
}

/** What an event says about the contact, or null where it says nothing: `blocked` and `dropped` never do. */
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
    case "bounced": // of unknown class: counted like soft ones, for a dead address bounces again
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

/** A delivery, an open or a click. `at`: ms. */
export type Good = Pick<Evidence, "at" | "id">;

/** The facts that matter, each list in order of time. Bounded, whatever a contact lives through. */
export interface EvidenceRecord {
  hard: Evidence[];
  complaint: Evidence[];
  soft: Evidence[];
  /** Deliveries, opens and clicks. */
  good: Good[];
  /** The latest good time that was dropped to stay bounded, ms. A soft bounce from before it can be judged no more. */
  forgotten: number;
  /** Unsubscribes and subscribes. */
  list: Evidence[];
  entries: ManualSuppression[];
  rulings: Decision[];
}

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

/** How many of each are kept: the first ones, which are the evidence, and the last ones, which come after any lift. */
const FIRST = 8;
const MOST = { hard: 32, complaint: 32, soft: 64, list: 128, entries: 64, rulings: 64 } as const;
const MOST_GOOD = 64;

/** `facts` with one more event; one that is there already changes nothing. */
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

/** `facts` without what these events said. */
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

/** What events said. Of a delivery, an open or a click no more is known than when. */
export function* evidenceIn({
  hard,
  complaint,
  soft,
  good,
  list,
}: Readonly<EvidenceRecord>): Generator<Good & Partial<Evidence>> {
  for (const some of [hard, complaint, soft, good, list]) yield* some;
}

/** Whether evidence that is not among `facts` may have been, and was dropped to stay bounded. */
export function isForgotten({ forgotten }: Readonly<EvidenceRecord>, { kind, at }: Evidence): boolean {
  return kind === "good" && at <= forgotten;
}

/** Whether one of `factsIn` says the same as evidence that has just been read. Only the first reading knows of a storm. */
export function sayAlike(
  { id, at, kind = "good", scope }: Good & Partial<Evidence>,
  evidence: Evidence,
): boolean {
  return id === evidence.id && at === evidence.at && kind === evidence.kind && scope === evidence.scope;
}

/** `facts` with one more entry by hand. */
export function addManualSuppression(
  facts: Readonly<EvidenceRecord>,
  entry: ManualSuppression,
): EvidenceRecord {
  return { ...facts, entries: inserted(facts.entries, entry, MOST.entries) };
}

/** `facts` with one more ruling. */
export function addDecision(facts: Readonly<EvidenceRecord>, ruling: Decision): EvidenceRecord {
  return { ...facts, rulings: inserted(facts.rulings, ruling, MOST.rulings) };
}

interface Dated {
  at: number;
  id: string;
  kind?: string;
}

/** The list with the item in its place; of more than `most`, the first few and the latest. */
function inserted<T extends Dated>(list: readonly T[], item: T, most: number): T[] {
  if (list.some(({ id }) => id === item.id)) return [...list];
  const all = [...list, item].sort(byTime);
  return all.length <= most ? all : all.toSpliced(FIRST, all.length - most);
}

/** Order of time; at the very same time a subscribe comes first: it lifts an unsubscribe only if it happened later. */
export function byTime(a: Dated, b: Dated): number {
  return a.at - b.at || rankAtOnce(a) - rankAtOnce(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function rankAtOnce({ kind }: Dated): number {
  return kind === "subscribed" ? 0 : 1;
}

/**
 * One more good time, of which at most MOST_GOOD are kept. The first to go are those with no soft bounce on either side
 * of them up to the next good time: they separate nothing.
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

/** Ids of the evidence that is dated after `at` (ms), a hundred at most. */
export function idsAfter(
  { hard, complaint, soft, list, entries }: Readonly<EvidenceRecord>,
  at: number,
): string[] {
  const all = [...hard, ...complaint, ...soft, ...list, ...entries];
  return all.flatMap((one) => (one.at > at ? [one.id] : [])).slice(0, MOST_IDS);
}
