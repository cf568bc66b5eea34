// Cuts events into batches and deals these out to lanes. A batch is what goes in one request; a lane sends its batches
// one after the other. In an ordered pipe a group stays in one lane.

import { hopsWith } from "../../model/hops.ts";
import type { Outgoing } from "../kinds/kind.ts";

/** One event that is to be sent. */
export interface Sendable {
  out: Outgoing;
  /** Events of one group keep their order in an ordered pipe; '' for no group. */
  group: string;
}

/** A batch of one lane, as indexes of the events. */
export interface Job {
  indexes: number[];
  lane: Job[];
}

/** How events are cut and dealt out. */
export interface LaneRules {
  /** Most events and bytes of payload in one batch. */
  events: number;
  bytes: number;
  /** How many lanes there are: requests under way at once. */
  concurrency: number;
  /** Whether groups keep their order. */
  ordered: boolean;
}

/** Makes the lanes. Lanes of a pipe without order share one list of batches, and each takes the next one. */
export function makeLanes(items: readonly Sendable[], rules: LaneRules): Job[][] {
  const count = Math.max(1, rules.concurrency);
  if (!rules.ordered) {
    const shared: Job[] = [];
    fillLane(shared, [...items.keys()], items, rules);
    return Array.from({ length: count }, () => shared);
  }
  const indexes: number[][] = Array.from({ length: count }, () => []);
  for (const [index, { group }] of items.entries()) indexes[laneNumber(group, count)]?.push(index);
  return indexes.map((own) => {
    const lane: Job[] = [];
    fillLane(lane, own, items, rules);
    return lane;
  });
}

function laneNumber(group: string, count: number): number {
  let sum = 0;
  for (let i = 0; i < group.length; i++) sum = (sum * 31 + group.charCodeAt(i)) % 1_000_003;
  return sum % count;
}

/**
 * In order, a batch holds one event of a group at most: if a destination took some of a group's events and not the
 * others, nothing could put that right. Events that came through different numbers of pipes do not share a batch: a
 * request tells one number, and one that tells of a loop is kept back whole by the next Tidings.
 */
function fillLane(
  lane: Job[],
  indexes: readonly number[],
  items: readonly Sendable[],
  rules: LaneRules,
): void {
  let job: Job = { indexes: [], lane };
  let [size, hops] = [0, 0];
  let groups = new Set<string>();
  const close = (): void => {
    if (job.indexes.length > 0) lane.push(job);
    [job, size, groups] = [{ indexes: [], lane }, 0, new Set()];
  };
  for (const index of indexes) {
    const item = items[index];
    if (item === undefined) continue;
    const { out, group } = item;
    const length = Buffer.byteLength(out.text);
    const isFull = job.indexes.length >= rules.events || size + length > rules.bytes;
    const ownHops = hopsWith([out]);
    if (isFull || ownHops !== hops || (rules.ordered && groups.has(group))) close();
    job.indexes.push(index);
    size += length;
    hops = ownHops;
    if (group !== "") groups.add(group);
  }
  close();
}
