// The demo's traffic as a whole, and what has to come of it: computed from what is sent, never from what is answered.

import { DIALECTS } from "./dialects/index.ts";
import { makeReports } from "./mails.ts";
import { plan } from "./plan.ts";
import { randomFrom, sortBy } from "./random.ts";
import { planSpecials } from "./specials.ts";
import type { Report, Traffic } from "./types.ts";

/** How many of the first source's reports share a batch with a bad element. */
const WITH_BAD = 6;
/** The part of all reports that the first source sends; the others share the rest evenly. */
const FIRST_SHARE = 0.25;

export interface TrafficOptions {
  seed: number;
  /** How many different reports. */
  events: number;
  /** ms; what is reported happened in the two days before. */
  now: number;
}

/** The same options give the same traffic, but for what is signed with the keys of this run. */
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

/** How many reports each dialect sends, `events` in all. */
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
  const found = reports.find((report) => report.what === what);
  if (found === undefined) throw new Error(`the demo's traffic has no ${what}`);
  return found.mail;
}

/** What /v1/sources has to say of a source. */
export interface Counts {
  events: number;
  duplicates: number;
  pings: number;
  dead_letters: number;
}

export interface Expectation {
  sources: ReadonlyMap<string, Counts>;
  /** Requests by the status that they get. */
  statuses: ReadonlyMap<number, number>;
  /** All reports once, as a fact each; one mail may be opened twice, so each has a count. */
  facts: ReadonlyMap<string, number>;
  total: Counts;
  /** Events of a type that Tidings does not know. */
  unknown: number;
}

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
  const told = [...reports.values()].flat();
  const facts = countBy(
    told.map(({ mail, expected, at, campaign }) =>
      factKey({
        contact: mail.contact,
        type: expected,
        message_id: mail.id,
        occurred_at: new Date(at).toISOString(),
        campaign,
      }),
    ),
  );
  const unknown = told.filter(({ expected }) => expected === "unknown").length;
  return { sources, statuses, facts, total: totalOf(sources.values()), unknown };
}

/** What of a stored event has to be as it was sent. */
export interface Fact {
  contact: string;
  type: string;
  message_id: string | null;
  occurred_at: string;
  campaign: string | null;
}

export function factKey({ contact, type, message_id, occurred_at, campaign }: Fact): string {
  return JSON.stringify([contact, type, message_id, occurred_at, campaign]);
}

export function totalOf(counts: Iterable<Counts>): Counts {
  const all = [...counts];
  return {
    events: sum(all.map(({ events }) => events)),
    duplicates: sum(all.map(({ duplicates }) => duplicates)),
    pings: sum(all.map(({ pings }) => pings)),
    dead_letters: sum(all.map(({ dead_letters }) => dead_letters)),
  };
}

export function countBy<T>(items: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
