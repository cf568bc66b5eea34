// Turns reports into requests, source by source: grouped as the ESP groups them, every delivery repeated, some
// regrouped, some by the backup path. Each request gets a place in the run, at which it is sent.

import { sortBy, type Random } from "./random.ts";
import type { Dialect, SignedRequest, PlannedRequest, Report } from "./types.ts";

/** A request and its place in the run: from 0 at the start to about 1 at the end. */
export type Placed = PlannedRequest & { place: number };

/** The probability that an ESP that groups posts a report alone. */
const SINGLE = 0.5;
/** The share of its reports that are sent again in another group. */
const REGROUPED = 0.3;

/** The request as a planned one that must be accepted. */
export function accepted(
  dialect: Dialect,
  request: SignedRequest,
  reports: readonly Report[],
): PlannedRequest {
  const { source, sign } = dialect;
  return { ...request, source, sign, reports, status: 200, pings: 0, deadLetters: 0 };
}

/** Plans all requests of one source. Every report is sent at least twice, unless the dialect repeats nothing. */
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

/** A request and its repeat. Sometimes one of the two takes the backup path, and some first deliveries come late. */
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

/** Interleaves the stories of the mails: a report may come some way before the one that it follows. */
function nearlyInOrder(random: Random, reports: readonly Report[]): Report[] {
  return sortBy(reports, (_, i) => i + random.next() * 60);
}

/** Splits a list into single items, with the given probability, and groups of 2 to `most`. */
function inGroups(random: Random, reports: readonly Report[], single: number, most: number): Report[][] {
  const groups: Report[][] = [];
  for (let i = 0; i < reports.length; i += groups.at(-1)?.length ?? 1) {
    const alone = most === 1 || random.chance(single);
    groups.push(reports.slice(i, i + (alone ? 1 : random.between(2, most))));
  }
  return groups;
}
