// The demo's whole traffic and its expected result, which is computed from what is sent, never from the answers.

import { DIALECTS } from "./dialects/index.ts";
import { makeReports } from "./mails.ts";
import { plan } from "./plan.ts";
import { randomFrom, sortBy } from "./random.ts";
import { planSpecials } from "./specials.ts";
import type { Report, Traffic } from "./types.ts";

/** The number of the first source's reports that share a batch with a bad element. */
const WITH_BAD = 6;
/** The share of all reports that the first source sends; the others share the rest evenly. */
const FIRST_SHARE = 0.25;

/** The parameters of the demo's traffic. */
export interface TrafficOptions {
  seed: number;
  /** The number of different reports. */
  events: number;
  /** ms; the reported happenings are in the two days before that time. */
  now: number;
}

/** The demo's traffic. The same options give the same traffic, except for signatures with the keys of this run. */
export function makeTraffic({ seed, events, now }: TrafficOptions): Traffic {
  const random = randomFrom(seed);
  const reports = new Map<string, Report[]>();
  const counts = shares(events);
  for (const [i, dialect] of DIALECTS.entries()) {
    reports.set(dialect.source, makeReports({ random, dialect, now, count: counts[i] ?? 0 }));
  }
  const first = reports.get(DIALECTS[0]?.source ?? "") ?? [];
  const requests = DIALECTS.flatMap((dialect, i) =>
    plan(random, dialect, (reports.get(dialect.source) ?? []).slice(i === 0 ? WITH_BAD : 0)),
  );
  const specials = planSpecials(random, now, first.slice(0, WITH_BAD), reports);
  return {
    requests: sortBy([...requests, ...specials], ({ place }) => place),
    reports,
    examples: { clicked: mailOf(first, "clicked"), bounced: mailOf(first, "hard_bounce") },
  };
}

/** The number of reports of each dialect, `events` in total. */
function shares(events: number): number[] {
  const first = Math.round(events * FIRST_SHARE);
  const others = DIALECTS.length - 1;
  return DIALECTS.map((_, i) =>
    i === 0
      ? first
      : Math.floor(((events - first) * i) / others) - Math.floor(((events - first) * (i - 1)) / others),
  );
}

function mailOf(reports: readonly Report[], what: Report["what"]): Report["mail"] {
  const match = reports.find((report) => report.what === what);
  if (match === undefined) throw new Error(`the demo's traffic has no ${what}`);
  return match.mail;
}

/** The counts of a source that /v1/sources must report. */
export interface Counts {
  events: number;
  duplicates: number;
  pings: number;
  dead_letters: number;
}

/** The expected result of the traffic. */
export interface Expectation {
  sources: ReadonlyMap<string, Counts>;
  /** The number of requests by the status of their answer. */
  statuses: ReadonlyMap<number, number>;
  /** Every report once, by its key; each has a count, because one mail may be opened twice. */
  facts: ReadonlyMap<string, number>;
  total: Counts;
  /** The number of events of a type that Tidings does not know. */
  unknown: number;
}

/** Computes the expected result from the traffic that is sent. */
export function expectationOf({ requests, reports }: Traffic): Expectation {
  const statuses = countBy(requests.map(({ status }) => status));
  const sources = new Map<string, Counts>();
  for (const [source, all] of reports) {
    const accepted = requests.filter((request) => request.source === source && request.status === 200);
    const delivered = sum(accepted.map((request) => request.reports.length));
    sources.set(source, {
      events: all.length,
      duplicates: delivered - all.length,
      pings: sum(accepted.map(({ pings }) => pings)),
      dead_letters: sum(accepted.map(({ deadLetters }) => deadLetters)),
    });
  }
  const allReports = [...reports.values()].flat();
  const facts = countBy(
    allReports.map(({ mail, expected, at, campaign }) =>
      factKey({
        contact: mail.contact,
        type: expected,
        message_id: mail.id,
        occurred_at: new Date(at).toISOString(),
        campaign,
      }),
    ),
  );
  const unknown = allReports.filter(({ expected }) => expected === "unknown").length;
  return { sources, statuses, facts, total: totalOf(sources.values()), unknown };
}

/** The fields of a stored event that must be as they were sent. */
export interface Fact {
  contact: string;
  type: string;
  message_id: string | null;
  occurred_at: string;
  campaign: string | null;
}

/** A key for these fields, by which sent and stored events are compared. */
export function factKey({ contact, type, message_id, occurred_at, campaign }: Fact): string {
  return JSON.stringify([contact, type, message_id, occurred_at, campaign]);
}

/** The sum of several sources' counts. */
export function totalOf(counts: Iterable<Counts>): Counts {
  const all = [...counts];
  return {
    events: sum(all.map(({ events }) => events)),
    duplicates: sum(all.map(({ duplicates }) => duplicates)),
    pings: sum(all.map(({ pings }) => pings)),
    dead_letters: sum(all.map(({ dead_letters }) => dead_letters)),
  };
}

/** The number of times that each item occurs. */
export function countBy<T>(items: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
