// Sends events in batches, several at once, and finds out what is to blame for a failure. A destination that is down
// fails everything; an event that it cannot digest fails alone. Only the first may hold up the events behind it.
//
// A batch that gets no answer is put aside as a suspect. If anything succeeds later, the destination is there, so the
// suspects are at fault: they are sent again in halves until the events to blame stand alone. If nothing succeeds, the
// destination is down, and no event is blamed.

import { MOST_FAILURES, type Stop } from "../circuit.ts";
import type { Outcome } from "../kinds/kind.ts";
import { makeLanes, type Job, type LaneRules, type Sendable } from "./lanes.ts";
import type { Pace } from "./pace.ts";

/** Probes that must fail before a destination counts as down still. With one, a single bad event would keep it down. */
const PROBES = 2;

/** How events are sent. */
export interface Rules extends LaneRules {
  pace: Pace;
  /** Requests that failed in a row before. Five in all stop it; if there were five already, two more do. */
  consecutiveFailures: number;
  /** No request begins after this, ms. */
  until: number;
}

/** An event that failed although the destination answered. */
export interface Failure {
  reason: string;
  /** False if it was not sent, because it waits for an earlier event of its group. */
  tried: boolean;
  /** Whether the destination will never want it, rather than not now. */
  refused: boolean;
}

/** What became of the events, by index. One that is in neither list was not tried, or counts as not tried. */
export interface Dispatched {
  delivered: Set<number>;
  failed: Map<number, Failure>;
  /** Why nothing more is to be sent for now; null if nothing speaks against it. */
  stop: Stop | null;
  consecutiveFailures: number;
}

/** Sends one batch. */
type Send = (batch: readonly Sendable[]) => Promise<Outcome>;

/** A dispatch under way. */
interface Run {
  items: readonly Sendable[];
  rules: Rules;
  lanes: Job[][];
  /** Batches that got no answer since the last success. */
  suspects: { job: Job; reason: string }[];
  /** Groups that an earlier event of theirs holds up. */
  blocked: Set<string>;
  /** Events that wait for an earlier one of their group. */
  waiting: number[];
  /** Whether the destination was down before. */
  probing: boolean;
  /** Failures in a row in this dispatch. */
  failures: number;
  result: Dispatched;
}

/** Sends the events in their order. Never rejects as long as `send` does not. */
export async function dispatch(items: readonly Sendable[], rules: Rules, send: Send): Promise<Dispatched> {
  const { consecutiveFailures } = rules;
  const run: Run = {
    items,
    rules,
    lanes: makeLanes(items, rules),
    suspects: [],
    blocked: new Set(),
    waiting: [],
    probing: consecutiveFailures >= MOST_FAILURES,
    failures: 0,
    result: { delivered: new Set(), failed: new Map(), stop: null, consecutiveFailures },
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
  run.result.stop ??= { result, reason, retryAfter: outcome.retryAfter };
}

function settleDelivered(run: Run, job: Job, outcome: Outcome): void {
  blameSuspects(run);
  const failures = failuresOf(job, outcome);
  for (const index of job.indexes) {
    const failure = failures.get(index);
    if (failure === undefined) run.result.delivered.add(index);
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
  blameSuspects(run);
  // Events that were refused by name need not be asked about again. For the others nothing is known.
  const failures = failuresOf(job, outcome);
  for (const [index, failure] of failures) fail(run, index, failure.reason, failure.result === "refused");
  const rest = job.indexes.filter((index) => !failures.has(index));
  if (failures.size === 0) split(run, job, reason, true);
  else if (rest.length > 0) job.lane.unshift({ indexes: rest, lane: job.lane });
}

function settleUnavailable(run: Run, job: Job, { retryAfter }: Outcome, reason: string): void {
  const { result, rules, items, suspects } = run;
  result.consecutiveFailures += 1;
  run.failures += 1;
  suspects.push({ job, reason });
  if (rules.ordered) for (const index of job.indexes) run.blocked.add(items[index]?.group ?? "");
  const isDown = run.probing ? run.failures >= PROBES : result.consecutiveFailures >= MOST_FAILURES;
  if (isDown || retryAfter !== null) result.stop ??= { result: "unavailable", reason, retryAfter };
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

/** The destination is there, so whatever failed before is itself to blame. */
function blameSuspects(run: Run): void {
  run.result.consecutiveFailures = 0;
  run.failures = 0;
  for (const { job, reason } of run.suspects.splice(0).toReversed()) {
    if (job.indexes.length > 1) unblock(run, job);
    split(run, job, reason, false);
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
  const { result, suspects, waiting } = run;
  const last = suspects.at(-1);
  if (last !== undefined && result.consecutiveFailures >= MOST_FAILURES)
    result.stop ??= { result: "unavailable", reason: last.reason, retryAfter: null };
  if (!goesOn(run)) return result;
  for (const { job, reason } of suspects) for (const index of job.indexes) fail(run, index, reason, false);
  for (const index of waiting)
    result.failed.set(index, { reason: "waits for an earlier one", tried: false, refused: false });
  return result;
}
