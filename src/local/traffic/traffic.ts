// The demo's traffic as a whole, and what has to come of it: computed from what is sent, never from what is answered.

import { GENERIC_KNOWS } from "./generic.ts";
import { JANGOMAIL_KNOWS } from "./jangomail.ts";
import { MAILJET_KNOWS } from "./mailjet.ts";
import { makeMailjetId, makeReports, type Stream } from "./mails.ts";
import { planGeneric, planIntranet, planJangomail, planMailjet, type Access } from "./plan.ts";
import { randomFrom, sortBy } from "./random.ts";
import { planSpecials } from "./specials.ts";
import type { Report, Traffic } from "./types.ts";

/** How many Mailjet reports share a batch with a bad element. */
const WITH_BAD = 6;

export interface TrafficOptions {
  seed: number;
  /** How many different reports. */
  events: number;
  /** ms; what is reported happened in the two days before. */
  now: number;
  access: Access;
}

/** The same options give the same traffic. */
export function makeTraffic({ seed, events, now, access }: TrafficOptions): Traffic {
  const random = randomFrom(seed);
  const stream = (tag: string, share: number, known: Stream["known"], makeId: Stream["makeId"]): Report[] =>
    makeReports({ random, now, tag, count: Math.round(events * share), known, makeId });
  const mailjet = stream("m", 0.6, MAILJET_KNOWS, makeMailjetId(random));
  const jangomail = stream("j", 0.2, JANGOMAIL_KNOWS, () => random.digits(11));
  const mailId = (): string => `<${random.digits(14)}@mail.example.com>`;
  const intranet = stream("i", 0.03, GENERIC_KNOWS, mailId);
  const rest = events - mailjet.length - jangomail.length - intranet.length;
  const generic = stream("g", rest / events, GENERIC_KNOWS, mailId);
  const requests = [
    ...planMailjet(random, mailjet.slice(WITH_BAD), access),
    ...planJangomail(random, jangomail, access),
    ...planGeneric(random, generic, access),
    ...planIntranet(random, intranet, access),
    ...planSpecials(random, mailjet.slice(0, WITH_BAD), access, now),
  ];
  return {
    requests: sortBy(requests, ({ place }) => place),
    reports: new Map([
      ["mailjet", mailjet],
      ["jangomail", jangomail],
      ["generic", generic],
      ["intranet", intranet],
    ]),
    examples: { clicked: mailOf(mailjet, "clicked"), bounced: mailOf(mailjet, "hard_bounce") },
  };
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
  /** All reports once, as contact, type and message id; one mail may be opened twice, so each has a count. */
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
  const facts = countBy(told.map(({ mail, expected }) => factKey(mail.contact, expected, mail.id)));
  const unknown = told.filter(({ expected }) => expected === "unknown").length;
  return { sources, statuses, facts, total: totalOf(sources.values()), unknown };
}

export function factKey(contact: string, type: string, messageId: string | null): string {
  return JSON.stringify([contact, type, messageId]);
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
