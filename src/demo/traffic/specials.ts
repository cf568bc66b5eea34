// The requests that are not plain deliveries: tests of the URL, bodies that cannot be read, and senders without
// permission.

import { intranet, outsideIntranet } from "./dialects/generic.ts";
import { DIALECTS } from "./dialects/index.ts";
import { arrayOf, mailjet, mailjetElement } from "./dialects/mailjet.ts";
import { post, withBasic } from "./requests.ts";
import { accepted, type Placed } from "./plan.ts";
import type { Random } from "./random.ts";
import type { PlannedRequest, Report, Sign } from "./types.ts";

/** An event that must never be stored: its sender is refused. */
const FORGED =
  '{"event":"spam","time":1795000000,"MessageID":1999999999999999999,"email":"mallory@example.com"}';

/** Leaves the request unsigned. */
const unsigned: Sign = (request) => request;

/**
 * Plans these requests. `good` are Mailjet reports that arrive in one batch with a bad element, and in no other first
 * delivery; `reports` are some of each source's reports, which an unauthorised sender posts too.
 */
export function planSpecials(
  random: Random,
  now: number,
  good: readonly Report[],
  reports: ReadonlyMap<string, readonly Report[]>,
): Placed[] {
  const requests = [...tests(random, now), ...unreadable(good), ...refused(random, reports)];
  return requests.map((request) => ({ ...request, place: random.next() }));
}

function tests(random: Random, now: number): PlannedRequest[] {
  return DIALECTS.flatMap((dialect) =>
    (dialect.tests?.(random, now) ?? []).map(({ pings, ...request }) => ({
      ...accepted(dialect, request, []),
      pings,
    })),
  );
}

function unreadable(good: readonly Report[]): PlannedRequest[] {
  const elements = good.map(mailjetElement);
  const bad = '{"event":"","time":1795000000,"MessageID":1152921500000000001,"email":"ada@example.com"}';
  const mixed = post("mailjet", arrayOf([...elements.slice(0, 2), bad, ...elements.slice(2)]));
  const batch = { ...accepted(mailjet, mixed, good), deadLetters: 1 };
  const broken = post("mailjet", '[{"event":"open","time":17952');
  return [{ ...accepted(mailjet, broken, []), deadLetters: 1 }, batch, batch];
}

function refused(random: Random, reports: ReadonlyMap<string, readonly Report[]>): PlannedRequest[] {
  const forged = accepted(mailjet, post("mailjet", FORGED), []);
  const guessed = { ...forged, sign: withBasic("mailjet:guessed"), status: 401 };
  const [inside] = reports.get(intranet.source) ?? [];
  const request = outsideIntranet(intranet.compose(inside === undefined ? [] : [inside], random));
  const outside = { ...accepted(intranet, request, []), status: 403 };
  return [
    guessed,
    { ...guessed, path: "/backup/webhooks/mailjet" },
    ...withoutProof(random, reports),
    outside,
    outside,
    { ...forged, path: "/webhooks/mailjett", source: null, status: 404 },
  ];
}

/** Reports that each source would accept, from a sender without proof of its identity. */
function withoutProof(random: Random, reports: ReadonlyMap<string, readonly Report[]>): PlannedRequest[] {
  return DIALECTS.filter(({ credentials }) => credentials !== null).map((dialect) => {
    const [report] = reports.get(dialect.source) ?? [];
    const request = dialect.compose(report === undefined ? [] : [report], random);
    return { ...accepted(dialect, request, []), sign: unsigned, status: 401 };
  });
}
