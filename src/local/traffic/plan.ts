// From reports to requests, source by source: grouped as the ESP groups them, every delivery repeated, some regrouped,
// some by the backup path. Each request gets the place in the run at which it is sent.

import { genericElement } from "./generic.ts";
import { jangomailRequest, type JangomailCall } from "./jangomail.ts";
import { mailjetElement } from "./mailjet.ts";
import { sortBy, type Random } from "./random.ts";
import type { PlannedRequest, Report, SourceName } from "./types.ts";

/** Credentials of the demo's sources, as the sender has to show them. */
export interface Access {
  /** `user:password` */
  mailjet: string;
  jangomailToken: string;
  genericBasic: string;
  genericToken: string;
  intranetToken: string;
  /** An address within intranet's list. */
  intranetAddress: string;
}

/** A request, and when it is sent: from 0 on, about 1 at the end. */
export type Placed = PlannedRequest & { place: number };

/** What is the same for most requests. */
const ACCEPTED = { status: 200, pings: 0, deadLetters: 0 } as const;
const JSON_TYPE = { "content-type": "application/json" };

export function basic(credential: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(credential).toString("base64")}` };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** A POST of JSON, accepted unless told otherwise. */
export function post(source: SourceName, headers: Record<string, string>, body: string): PlannedRequest {
  return {
    ...ACCEPTED,
    method: "POST",
    path: `/webhooks/${source}`,
    headers: { ...JSON_TYPE, ...headers },
    body,
    source,
    reports: [],
  };
}

export function planMailjet(random: Random, reports: readonly Report[], access: Access): Placed[] {
  const request = (group: readonly Report[]): PlannedRequest => {
    const [first, second] = group.map(mailjetElement);
    // Version 1 posts the bare object, version 2 always an array.
    const single = second === undefined && first !== undefined && random.chance(0.8);
    const body = single ? first : arrayOf(group.map(mailjetElement));
    return { ...post("mailjet", basic(access.mailjet), body), reports: group };
  };
  const groups = inGroups(random, nearlyInOrder(random, reports), 0.6, 50);
  const regrouped = inGroups(
    random,
    sortBy(reports, () => random.next()).slice(0, reports.length * 0.3),
    0,
    50,
  );
  return [
    ...repeated(random, groups.map(request), (first) => first),
    ...regrouped.map((group) => ({ ...request(group), place: random.next() })),
  ];
}

export function planJangomail(random: Random, reports: readonly Report[], access: Access): Placed[] {
  const request = (report: Report): PlannedRequest => ({
    ...ACCEPTED,
    ...jangomailRequest(report, jangomailCall(random, access)),
    source: "jangomail",
    reports: [report],
  });
  const ordered = nearlyInOrder(random, reports);
  // The repeat may come by another method: it tells the same, so it is the same report.
  return repeated(random, ordered.map(request), (_, i) => request(ordered[i] ?? never()));
}

export function jangomailCall(random: Random, access: Access): JangomailCall {
  const way = random.pick(["get", "form", "json"] as const);
  const naming = random.pick(["query", "path"] as const);
  return { way, naming, token: access.jangomailToken, base: "/webhooks/jangomail" };
}

export function planGeneric(random: Random, reports: readonly Report[], access: Access): Placed[] {
  const request = (group: readonly Report[]): PlannedRequest => {
    const list = arrayOf(group.map(genericElement));
    const [only, second] = group.map(genericElement);
    const several = random.chance(0.5) ? list : `{"events":${list}}`;
    const body = second === undefined && only !== undefined ? only : several;
    const headers = random.chance(0.5) ? basic(access.genericBasic) : bearer(access.genericToken);
    return { ...post("generic", headers, body), reports: group };
  };
  const groups = inGroups(random, nearlyInOrder(random, reports), 0.5, 20);
  return repeated(random, groups.map(request), (first) => first);
}

/** One by one, each from inside the network. */
export function planIntranet(random: Random, reports: readonly Report[], access: Access): Placed[] {
  const headers = { ...bearer(access.intranetToken), "cf-connecting-ip": access.intranetAddress };
  const requests = reports.map((report) => ({
    ...post("intranet", headers, genericElement(report)),
    reports: [report],
  }));
  return repeated(random, requests, (first) => first);
}

/** Each request and its repeat, one of the two by the backup path now and then; some first deliveries come late. */
function repeated(
  random: Random,
  requests: readonly PlannedRequest[],
  again: (first: PlannedRequest, index: number) => PlannedRequest,
): Placed[] {
  return requests.flatMap((first, i) => {
    const late = random.chance(0.05) ? random.next() : 0;
    const place = i / requests.length + late + random.next() * 0.05;
    const second = again(first, i);
    const firstPath = random.chance(0.05) ? `/backup${first.path}` : first.path;
    const secondPath = random.chance(0.25) ? `/backup${second.path}` : second.path;
    return [
      { ...first, path: firstPath, place },
      { ...second, path: secondPath, place: place + random.next() * 0.3 },
    ];
  });
}

/** The mails' stories interleaved: a report may stand some way before the one that it follows. */
function nearlyInOrder(random: Random, reports: readonly Report[]): Report[] {
  return sortBy(reports, (_, i) => i + random.next() * 60);
}

/** Cuts a list into single items, with the probability given, and groups of 2 to `most`. */
function inGroups(random: Random, reports: readonly Report[], single: number, most: number): Report[][] {
  const groups: Report[][] = [];
  for (let i = 0; i < reports.length; i += groups.at(-1)?.length ?? 1) {
    groups.push(reports.slice(i, i + (random.chance(single) ? 1 : random.between(2, most))));
  }
  return groups;
}

/** Text of a JSON array. By hand, because the elements are text already, with numbers that JavaScript would round. */
export function arrayOf(elements: readonly string[]): string {
  return `[${elements.join(",")}]`;
}

function never(): never {
  throw new Error("the demo's plan does not fit together");
}
