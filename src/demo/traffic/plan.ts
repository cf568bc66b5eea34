// From reports to requests, source by source: grouped as the ESP groups them, every delivery repeated, some regrouped,
// some by the backup path. Each request gets the place in the run at which it is sent.

import { sortBy, type Random } from "./random.ts";
import type { Dialect, SignedRequest, PlannedRequest, Report } from "./types.ts";

/** A request, and when it is sent: from 0 on, about 1 at the end. */
export type Placed = PlannedRequest & { place: number };

/** How often an ESP that groups posts a report alone. */
const SINGLE = 0.5;
/** How many of its reports come again in other company. */
const REGROUPED = 0.3;

/** The letter as a request that has to be accepted. */
export function accepted(
  dialect: Dialect,
  letter: SignedRequest,
  reports: readonly Report[],
): PlannedRequest {
  const { source, sign } = dialect;
  return { ...letter, source, sign, reports, status: 200, pings: 0, deadLetters: 0 };
}

export function plan(random: Random, dialect: Dialect, reports: readonly Report[]): Placed[] {
  const request = (group: readonly Report[]): PlannedRequest =>
    accepted(dialect, dialect.compose(group, random), group);
  const groups = inGroups(random, nearlyInOrder(random, reports), SINGLE, dialect.most);
  if (dialect.repeats === false)
    return groups.map((group, i) => ({ ...request(group), place: i / groups.length }));
  const chosen = sortBy(reports, () => random.next()).slice(0, reports.length * REGROUPED);
  const regrouped = dialect.most > 1 ? inGroups(random, chosen, 0, dialect.most) : [];
  return [
    ...groups.flatMap((group, i) => twice(random, i / groups.length, () => request(group))),
    ...regrouped.map((group) => ({ ...request(group), place: random.next() })),
  ];
}

/** A request and its repeat, one of the two by the backup path now and then; some first deliveries come late. */
function twice(random: Random, start: number, request: () => PlannedRequest): Placed[] {
  const late = random.chance(0.05) ? random.next() : 0;
  const place = start + late + random.next() * 0.05;
  const onPath = (backup: number): PlannedRequest => {
    const made = request();
    return { ...made, path: random.chance(backup) ? `/backup${made.path}` : made.path };
  };
  return [
    { ...onPath(0.05), place },
    { ...onPath(0.25), place: place + random.next() * 0.3 },
  ];
}

/** The mails' stories interleaved: a report may stand some way before the one that it follows. */
function nearlyInOrder(random: Random, reports: readonly Report[]): Report[] {
  return sortBy(reports, (_, i) => i + random.next() * 60);
}

/** Cuts a list into single items, with the probability given, and groups of 2 to `most`. */
function inGroups(random: Random, reports: readonly Report[], single: number, most: number): Report[][] {
  const groups: Report[][] = [];
  for (let i = 0; i < reports.length; i += groups.at(-1)?.length ?? 1) {
    const alone = most === 1 || random.chance(single);
    groups.push(reports.slice(i, i + (alone ? 1 : random.between(2, most))));
  }
  return groups;
}
