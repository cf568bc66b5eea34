// Delivers some events in batches, several at once, and finds out who is to blame for what fails: a destination that is down
// fails everything, an event that it cannot digest fails alone. Only the first may hold up those behind it.

import type { Outcome, Outgoing, DeliveryResult } from "./kinds/kind.ts";
import { MOST_FAILURES } from "./schedule.ts";

/** Requests with which a destination that was down is looked at: were the first one's event to blame, the next tells. */
const PROBES = 2;

/** One event that is to be delivered. */
export interface Piped {
  out: Outgoing;
  /** What it must not overtake: the beginning of its contact's ids; '' for nothing. */
  group: string;
}

export interface Rules {
  /** Most events and bytes of payload in one request. */
  events: number;
  bytes: number;
  concurrency: number;
  /** Resolves when the next request may begin. */
  pace: () => Promise<void>;
  ordered: boolean;
  /** Failures in a row before. Five of them stop it; of a destination that was down already, two. */
  streak: number;
  /** No request is begun after, ms since the epoch. */
  until: number;
}

/** Why nothing more is to be sent for a while. */
export interface Stop {
  result: Exclude<DeliveryResult, "delivered" | "refused">;
  reason: string;
  retryAfter: number | null;
}

/** What became of each, by index. What is in neither list was not tried, or has to be tried as if it were not. */
export interface Dispatched {
  delivered: Set<number>;
  /**
   * Those that the destination did not take while it took others. `tried`: false where it only waits for another one;
   * `refused`: whether the destination does not want it, rather than not now.
   */
  failed: Map<number, { reason: string; tried: boolean; refused: boolean }>;
  stop: Stop | null;
  streak: number;
}

type Send = (batch: readonly Piped[]) => Promise<Outcome>;

interface Job {
  indexes: number[];
  lane: Job[];
}

/** Delivers the items in their order. Never rejects as long as `send` does not. */
export async function dispatch(items: readonly Piped[], rules: Rules, send: Send): Promise<Dispatched> {
  const dispatched: Dispatched = {
    delivered: new Set(),
    failed: new Map(),
    stop: null,
    streak: rules.streak,
  };
  const lanes = lanesOf(items, rules);
  const suspects: { job: Job; reason: string }[] = [];
  const blocked = new Set<string>();
  /** Those that would overtake one that failed. */
  const waiting: number[] = [];
  const probing = rules.streak >= MOST_FAILURES;
  let failures = 0;

  const fail = (index: number, reason: string, refused: boolean): void => {
    dispatched.failed.set(index, { reason, tried: true, refused });
    const group = items[index]?.group ?? "";
    if (rules.ordered && group !== "") blocked.add(group);
  };
  const split = ({ indexes, lane }: Job, reason: string, refused: boolean): void => {
    const [only] = indexes;
    if (indexes.length === 1 && only !== undefined) return fail(only, reason, refused);
    const half = indexes.length >> 1;
    lane.unshift({ indexes: indexes.slice(0, half), lane }, { indexes: indexes.slice(half), lane });
  };
  /** Lets its groups' events go again, first those of the job itself and behind them what waited. */
  const unblock = ({ indexes, lane }: Job): void => {
    const groups = new Set(indexes.map((index) => items[index]?.group ?? ""));
    for (const group of groups) blocked.delete(group);
    const freed = waiting.filter((index) => groups.has(items[index]?.group ?? ""));
    for (const index of freed) waiting.splice(waiting.indexOf(index), 1);
    for (const index of freed.toReversed()) lane.unshift({ indexes: [index], lane });
  };
  /** Somebody is there: whatever failed before has itself to blame. */
  const alive = (): void => {
    dispatched.streak = 0;
    failures = 0;
    for (const { job, reason } of suspects.splice(0).toReversed()) {
      if (job.indexes.length > 1) unblock(job);
      split(job, reason, false);
    }
  };
  const settle = (job: Job, { result, reason, retryAfter, failed = [] }: Outcome): void => {
    const why = reason ?? result;
    if (result === "delivered") {
      alive();
      const alone = new Map(failed.map((one) => [job.indexes[one.index], one]));
      for (const index of job.indexes) {
        const own = alone.get(index);
        if (own === undefined) dispatched.delivered.add(index);
        else if (own.result !== "slow_down") fail(index, own.reason, own.result === "refused");
        else dispatched.stop ??= { result: "slow_down", reason: own.reason, retryAfter };
      }
      return;
    }
    if (result === "refused") {
      alive();
      // Those that were refused by name need not be asked about again; of the others nobody knows.
      const named = new Map(failed.map((one) => [job.indexes[one.index], one]));
      for (const index of job.indexes) {
        const own = named.get(index);
        if (own !== undefined) fail(index, own.reason, own.result === "refused");
      }
      const rest = job.indexes.filter((index) => !named.has(index));
      if (named.size === 0) split(job, why, true);
      else if (rest.length > 0) job.lane.unshift({ indexes: rest, lane: job.lane });
      return;
    }
    if (result !== "unavailable") {
      dispatched.stop ??= { result, reason: why, retryAfter };
      return;
    }
    dispatched.streak += 1;
    failures += 1;
    suspects.push({ job, reason: why });
    if (rules.ordered) for (const index of job.indexes) blocked.add(items[index]?.group ?? "");
    if ((probing ? failures >= PROBES : dispatched.streak >= MOST_FAILURES) || retryAfter !== null)
      dispatched.stop ??= { result, reason: why, retryAfter };
  };
  /** The job without those that would overtake one that failed: these wait with it. */
  const unblocked = (job: Job): Job => {
    if (blocked.size === 0) return job;
    const indexes = job.indexes.filter((index) => {
      const group = items[index]?.group ?? "";
      const waits = group !== "" && blocked.has(group);
      if (waits) waiting.push(index);
      return !waits;
    });
    return { ...job, indexes };
  };
  const work = async (lane: Job[]): Promise<void> => {
    while (dispatched.stop === null) {
      const next = lane.shift();
      if (next === undefined) return;
      const job = unblocked(next);
      if (job.indexes.length === 0) continue;
      if (Date.now() >= rules.until) return void lane.unshift(next);
      await rules.pace();
      if (dispatched.stop !== null) return;
      settle(job, await send(job.indexes.flatMap((index) => items[index] ?? [])));
    }
  };
  // A success in one lane gives others back what they had failed at, so all are looked at again until none has work.
  do await Promise.all(lanes.map(work));
  while (dispatched.stop === null && Date.now() < rules.until && lanes.some((lane) => lane.length > 0));
  const [last] = suspects.slice(-1);
  if (last !== undefined && dispatched.streak >= MOST_FAILURES)
    dispatched.stop ??= { result: "unavailable", reason: last.reason, retryAfter: null };
  if (dispatched.stop === null && Date.now() < rules.until) {
    for (const { job, reason } of suspects) for (const index of job.indexes) fail(index, reason, false);
    for (const index of waiting)
      dispatched.failed.set(index, { reason: "waits for an earlier one", tried: false, refused: false });
  }
  return dispatched;
}

/** Batches, in lanes each of which is worked off one after the other. In order, a group stays in its lane. */
function lanesOf(items: readonly Piped[], rules: Rules): Job[][] {
  const count = Math.max(1, rules.concurrency);
  if (!rules.ordered) {
    const shared: Job[] = [];
    fill(shared, [...items.keys()], items, rules);
    return Array.from({ length: count }, () => shared);
  }
  const own: number[][] = Array.from({ length: count }, () => []);
  for (const [index, { group }] of items.entries()) own[laneOf(group, count)]?.push(index);
  return own.map((indexes) => {
    const lane: Job[] = [];
    fill(lane, indexes, items, rules);
    return lane;
  });
}

function laneOf(group: string, count: number): number {
  let sum = 0;
  for (let i = 0; i < group.length; i++) sum = (sum * 31 + group.charCodeAt(i)) % 1_000_003;
  return sum % count;
}

/** Of a group that keeps its order a batch has one event: what of it were taken without the others, nobody could tell. */
function fill(lane: Job[], indexes: readonly number[], items: readonly Piped[], rules: Rules): void {
  let job: Job = { indexes: [], lane };
  let size = 0;
  let groups = new Set<string>();
  const close = (): void => {
    if (job.indexes.length > 0) lane.push(job);
    [job, size, groups] = [{ indexes: [], lane }, 0, new Set()];
  };
  for (const index of indexes) {
    const { out, group } = items[index] ?? { out: { text: "" }, group: "" };
    const length = Buffer.byteLength(out.text);
    if (job.indexes.length >= rules.events || size + length > rules.bytes) close();
    if (rules.ordered && groups.has(group)) close();
    job.indexes.push(index);
    size += length;
    if (group !== "") groups.add(group);
  }
  close();
}

/** A pace of so many requests a second, whoever asks for it; null for no pace at all. */
export function paceOf(rate: number | null): () => Promise<void> {
  let next = 0;
  return async () => {
    if (rate === null) return;
    const now = Date.now();
    const start = Math.max(now, next);
    next = start + 1000 / rate;
    if (start > now) await new Promise((resolve) => setTimeout(resolve, start - now));
  };
}
