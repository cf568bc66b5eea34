// Sends events in batches, several at once, and finds out what is to blame for a failure. A destination that is down
// fails everything; an event that it cannot digest fails alone. Only the first may hold up the events behind it.
//
// A batch that gets no answer, or is denied, is put aside as a suspect. If anything succeeds later, the destination is
// there, so the suspects are at fault: they are sent again in halves until the events to blame stand alone. If nothing
// succeeds, the destination is down, and no event is blamed.

import { LIMITS, LIMITS_WHILE_UP, upUntil, type Stop } from "../circuit.ts";
import type { Outcome } from "../kinds/kind.ts";
import { makeLanes, type Job, type LaneRules, type Sendable } from "./lanes.ts";
import type { Pace } from "./pace.ts";

/** Probes that must fail before a destination counts as down still. With one, a single bad event would keep it down. */
const PROBES = 2;
/** Probes that must be denied before it counts as denying everything still: it answers, so they cost little. */
const DENIED_PROBES = 16;

/** How events are sent. */
export interface Rules extends LaneRules {
  pace: Pace;
  /** Requests and events that failed in a row before. */
  consecutiveFailures: number;
  consecutiveDenials: number;
  /**
   * Whether the circuit is open. If so, a few failures end the dispatch, and the events that were tried are set aside
   * unblamed, so that the next probes try other ones.
   */
  probing: boolean;
  /** Until when the destination counts as up, ms: it took something a moment ago. */
  upUntil: number;
  /** Whether the events were tried before. If so, what becomes of them says nothing new about a destination that is up. */
  retried: boolean;
  /** No request begins after this, ms. */
  until: number;
}

/** An event that failed although the destination answered. */
export interface Failure {
  reason: string;
  /**
   * False if it is not to blame: it waits for an earlier event of its group, or was a probe of a destination that is
   * down.
   */
  tried: boolean;
  /** Whether the destination will never want it, rather than not now. */
  refused: boolean;
}

/** What became of the events, by index. One that is in neither list was not tried, or counts as not tried. */
export interface Dispatched {
  delivered: Set<number>;
  /** Those with which nothing was to be done there. */
  skipped: Set<number>;
  failed: Map<number, Failure>;
  /** Whether the destination took or refused anything. */
  answered: boolean;
  /** Why nothing more is to be sent for now; null if nothing speaks against it. */
  stop: Stop | null;
  consecutiveFailures: number;
  consecutiveDenials: number;
}

/** Sends one batch. */
type Send = (batch: readonly Sendable[]) => Promise<Outcome>;

/** A dispatch under way. */
interface Run {
  items: readonly Sendable[];
  rules: Rules;
  lanes: Job[][];
  /** Batches that got no answer, or were denied, since the last success. */
  suspects: Suspect[];
  /** Groups that an earlier event of theirs holds up. */
  blocked: Set<string>;
  /** Events that wait for an earlier one of their group. */
  waiting: number[];
  /** Failures and denials in a row in this dispatch. */
  failures: number;
  denials: number;
  /** Until when the destination counts as up, ms. */
  upUntil: number;
  result: Dispatched;
}

interface Suspect {
  job: Job;
  result: "unavailable" | "denied";
  reason: string;
}

/** Sends the events in their order. Never rejects as long as `send` does not. */
export async function dispatch(items: readonly Sendable[], rules: Rules, send: Send): Promise<Dispatched> {
  const { consecutiveFailures, consecutiveDenials } = rules;
  const run: Run = {
    items,
    rules,
    lanes: makeLanes(items, rules),
    suspects: [],
    blocked: new Set(),
    waiting: [],
    failures: 0,
    denials: 0,
    upUntil: rules.probing ? -Infinity : rules.upUntil, // an open circuit wants a new proof
    result: {
      delivered: new Set(),
      skipped: new Set(),
      failed: new Map(),
      answered: false,
      stop: null,
      consecutiveFailures,
      consecutiveDenials,
    },
  };
  // A success in one lane gives others back what they had failed at, so all run again until none has work.
  do await Promise.all(run.lanes.map(async (lane) => await workLane(run, lane, send)));
  while (goesOn(run) && run.lanes.some((lane) => lane.length > 0));
  return conclude(run);
}

/** Whether another request may begin. */
function goesOn({ result, rules }: Run): boolean {
  return result.stop === null && Date.now() < rules.until;
}

async function workLane(run: Run, lane: Job[], send: Send): Promise<void> {
  while (run.result.stop === null) {
    const next = lane.shift();
    if (next === undefined) return;
    const job = withoutBlocked(run, next);
    if (job.indexes.length === 0) continue;
    if (!goesOn(run)) return void lane.unshift(next);
    await run.rules.pace();
    if (run.result.stop !== null) return;
    settle(run, job, await send(job.indexes.flatMap((index) => run.items[index] ?? [])));
  }
}

/** The batch without the events that would overtake one that failed: these wait with it. */
function withoutBlocked({ blocked, items, waiting }: Run, job: Job): Job {
  if (blocked.size === 0) return job;
  const indexes = job.indexes.filter((index) => {
    const group = items[index]?.group ?? "";
    const waits = group !== "" && blocked.has(group);
    if (waits) waiting.push(index);
    return !waits;
  });
  return { ...job, indexes };
}

/** Takes in what the destination answered to a batch. */
function settle(run: Run, job: Job, outcome: Outcome): void {
  const { result } = outcome;
  const reason = outcome.reason ?? result;
  if (result === "delivered") return settleDelivered(run, job, outcome);
  if (result === "refused") return settleRefused(run, job, outcome, reason);
  if (result === "unavailable") return settleUnavailable(run, job, outcome, reason);
  if (result === "denied") return settleDenied(run, job, reason);
  run.result.stop ??= { result, reason, retryAfter: outcome.retryAfter };
}

function settleDelivered(run: Run, job: Job, outcome: Outcome): void {
  run.upUntil = upUntil({ delivered_at: Date.now() }, run.rules);
  run.denials = run.result.consecutiveDenials = 0;
  blameSuspects(run, () => true);
  const failures = failuresOf(job, outcome);
  const skipped = new Set((outcome.skipped ?? []).map((one) => job.indexes[one.index]));
  for (const index of job.indexes) {
    const failure = failures.get(index);
    if (skipped.has(index)) run.result.skipped.add(index);
    else if (failure === undefined) run.result.delivered.add(index);
    else if (failure.result !== "slow_down") fail(run, index, failure.reason, failure.result === "refused");
    else
      run.result.stop ??= {
        result: "slow_down",
        reason: failure.reason,
        retryAfter: outcome.retryAfter,
      };
  }
}

function settleRefused(run: Run, job: Job, outcome: Outcome, reason: string): void {
  blameSuspects(run, (suspect) => suspect.result === "unavailable");
  // Events that were refused by name need not be asked about again. For the others nothing is known.
  const failures = failuresOf(job, outcome);
  for (const [index, failure] of failures) fail(run, index, failure.reason, failure.result === "refused");
  const rest = job.indexes.filter((index) => !failures.has(index));
  if (failures.size === 0) split(run, job, reason, true);
  else if (rest.length > 0) job.lane.unshift({ indexes: rest, lane: job.lane });
}

function settleUnavailable(run: Run, job: Job, { retryAfter }: Outcome, reason: string): void {
  const { result, rules } = run;
  if (rules.retried && isUp(run) && retryAfter === null) return split(run, job, reason, false);
  result.consecutiveFailures += 1;
  run.failures += 1;
  suspect(run, { job, result: "unavailable", reason });
  const most = isUp(run) ? LIMITS_WHILE_UP : LIMITS;
  const isDown = rules.probing ? run.failures >= PROBES : result.consecutiveFailures >= most.failures;
  if (isDown || retryAfter !== null) result.stop ??= { result: "unavailable", reason, retryAfter };
}

/** A destination that is up, or was asked about this event before, means the event. */
function settleDenied(run: Run, job: Job, reason: string): void {
  const { result, rules } = run;
  if (rules.retried && !rules.probing) return split(run, job, reason, true);
  const up = isUp(run);
  result.consecutiveDenials += 1;
  run.denials += 1;
  if (up) split(run, job, reason, true);
  else suspect(run, { job, result: "denied", reason });
  const most = up ? LIMITS_WHILE_UP : LIMITS;
  const deniesAll = rules.probing ? run.denials >= DENIED_PROBES : result.consecutiveDenials >= most.denials;
  if (deniesAll) result.stop ??= { result: "denied", reason, retryAfter: null };
}

function isUp({ upUntil: until }: Run): boolean {
  return Date.now() < until;
}

function suspect({ suspects, rules, items, blocked }: Run, one: Suspect): void {
  suspects.push(one);
  if (rules.ordered) for (const index of one.job.indexes) blocked.add(items[index]?.group ?? "");
}

/** The failures that the destination named, by index of the event. */
function failuresOf(job: Job, { failed = [] }: Outcome): Map<number, NonNullable<Outcome["failed"]>[number]> {
  return new Map(
    failed.flatMap((failure) => {
      const index = job.indexes[failure.index];
      return index === undefined ? [] : [[index, failure]];
    }),
  );
}

/** The destination is there, so what failed before is itself to blame, if `which` says that it shows this. */
function blameSuspects(run: Run, which: (suspect: Suspect) => boolean): void {
  run.result.answered = true;
  run.result.consecutiveFailures = 0;
  run.failures = 0;
  if (run.suspects.length === 0) return;
  const blamed = run.suspects.filter(which);
  run.suspects = run.suspects.filter((one) => !which(one));
  for (const { job, result, reason } of blamed.toReversed()) {
    if (job.indexes.length > 1) unblock(run, job);
    split(run, job, reason, result === "denied");
  }
}

/** Blames the event of a batch of one; a larger batch is sent again in halves. */
function split(run: Run, { indexes, lane }: Job, reason: string, refused: boolean): void {
  const [only] = indexes;
  if (indexes.length === 1 && only !== undefined) return fail(run, only, reason, refused);
  const half = indexes.length >> 1;
  lane.unshift({ indexes: indexes.slice(0, half), lane }, { indexes: indexes.slice(half), lane });
}

function fail({ result, items, rules, blocked }: Run, index: number, reason: string, refused: boolean): void {
  result.failed.set(index, { reason, tried: true, refused });
  const group = items[index]?.group ?? "";
  if (rules.ordered && group !== "") blocked.add(group);
}

/** Lets the batch's groups go on: first the events of the batch itself, behind them those that waited. */
function unblock({ blocked, items, waiting }: Run, { indexes, lane }: Job): void {
  const groups = new Set(indexes.map((index) => items[index]?.group ?? ""));
  for (const group of groups) blocked.delete(group);
  const freed = waiting.filter((index) => groups.has(items[index]?.group ?? ""));
  for (const index of freed) waiting.splice(waiting.indexOf(index), 1);
  for (const index of freed.toReversed()) lane.unshift({ indexes: [index], lane });
}

/** Decides about the suspects that are left, now that nothing more is sent. */
function conclude(run: Run): Dispatched {
  const { result, rules, suspects, waiting } = run;
  const last = suspects.at(-1);
  if (rules.probing && last !== undefined) {
    result.stop ??= { result: last.result, reason: last.reason, retryAfter: null };
    // Two bad events would otherwise be every probe.
    for (const { job, reason } of suspects) for (const index of job.indexes) leave(run, index, reason);
  }
  if (!goesOn(run)) return result;
  for (const { job, result: how, reason } of suspects)
    for (const index of job.indexes) fail(run, index, reason, how === "denied");
  for (const index of waiting) leave(run, index, "waits for an earlier one");
  return result;
}

/** Keeps an event for later without a blame. */
function leave({ result }: Run, index: number, reason: string): void {
  result.failed.set(index, { reason, tried: false, refused: false });
}
