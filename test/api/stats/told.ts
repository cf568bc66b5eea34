// Events of the statistics suites: in a form that is easy to count, and sent in deliveries of any size.

import fc from "fast-check";
import {
  deliver,
  envWith,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
} from "../../support/support.ts";

export const DAY = 86_400_000;

/** A Sunday, four days before the end of a month. */
export const BASE = Date.UTC(2026, 8, 27);

export const SPAN = 9 * DAY;

/** An event in the form in which the tests count it. */
export interface Told {
  source: "mailjet" | "generic";
  type: string;
  bounce: "hard" | "soft" | "";
  machine: boolean | null;
  contact: string;
  campaign: string | null;
  tags: readonly string[];
  at: number;
}

const KINDS = [
  { type: "sent", bounce: "" },
  { type: "delivered", bounce: "" },
  { type: "bounced", bounce: "hard" },
  { type: "bounced", bounce: "soft" },
  { type: "blocked", bounce: "" },
  { type: "opened", bounce: "" },
  { type: "opened", bounce: "" },
  { type: "clicked", bounce: "" },
  { type: "complained", bounce: "" },
  { type: "unsubscribed", bounce: "" },
] as const;

/** Random reports of the generic provider. `at` is in seconds after BASE. */
export const generic = fc.record({
  source: fc.constant("generic" as const),
  kind: fc.constantFrom(...KINDS),
  machine: fc.constantFrom(true, false, null),
  contact: fc.constantFrom("ann@gmail.com", "bob@outlook.com", "cy@example.com"),
  campaign: fc.constantFrom("spring", "autumn, late", null),
  tags: fc.array(fc.constantFrom("a", "b", 'c"d', "ü"), { maxLength: 3 }),
  at: fc.integer({ min: 0, max: SPAN / 1000 - 1 }),
});

/** Mailjet reports neither machine opens nor tags. */
export const mailjet = fc.record({
  source: fc.constant("mailjet" as const),
  kind: fc.constantFrom(KINDS[1], KINDS[5], KINDS[7]),
  machine: fc.constant(null),
  contact: fc.constantFrom("ann@gmail.com", "bob@outlook.com", "cy@example.com"),
  campaign: fc.constantFrom("spring", "winter"),
  tags: fc.constant([]),
  at: fc.integer({ min: 0, max: SPAN / 1000 - 1 }),
});

/** The requests by which the source would deliver these events: at most one, none without events of the source. */
export function requestOf(events: readonly Told[], source: Told["source"]): Request[] {
  const chosen = events.filter((event) => event.source === source);
  if (chosen.length === 0) return [];
  if (source === "mailjet") {
    const words: Record<string, string> = { delivered: "sent", opened: "open", clicked: "click" };
    const reports = chosen.map(({ type, contact, campaign, at }) =>
      mailjetEvent({
        event: words[type],
        email: contact,
        customcampaign: campaign,
        time: at / 1000,
        url: "https://example.com",
      }),
    );
    return [mailjetPost(JSON.stringify(reports))];
  }
  const reports = chosen.map(({ type, bounce, machine, contact, campaign, tags, at }) => ({
    event: type,
    ...(bounce === "" ? {} : { bounce }),
    ...(machine === null ? {} : { machine }),
    email: contact,
    campaign,
    tags,
    timestamp: new Date(at).toISOString(),
    event_id: `${at}`,
  }));
  const url = "https://edge.example/webhooks/generic?token=generic-token-of-the-tests";
  return [new Request(url, { method: "POST", body: JSON.stringify(reports) })];
}

/**
 * Sends the events in deliveries of `size`, each of them `times` times: as new envelopes, and the last batch
 * redelivered.
 */
export async function tell(events: readonly Told[], size = 100, times = 1): Promise<void> {
  for (let first = 0; first < events.length; first += size) {
    const part = events.slice(first, first + size);
    for (let i = 0; i < times; i++) {
      const messages = await messagesOf(...requestOf(part, "mailjet"), ...requestOf(part, "generic"));
      await deliver(messages);
      if (i > 0) await deliver(messages, envWith(), { attempts: 2 });
    }
  }
}

/** One group of an answer: names of counts and rates -> values. */
export type Stats = Record<string, number | string | null>;

/** An answer of /v1/stats. */
export interface Answer {
  stats: Stats[];
  next: string | null;
  from: string;
  to: string;
}

export const RANGE = `from=${new Date(BASE).toISOString()}&to=${new Date(BASE + SPAN).toISOString()}`;

/** Reads /v1/stats with this query. */
export async function ask(query: string): Promise<Answer> {
  const answer = await read(`/v1/stats?${query}`);
  if (answer.status !== 200) throw new Error(await answer.text());
  return await answer.json<Answer>();
}

/** The counts of an answer, without zeros, in the form of the independent count. */
export function counted({ stats }: Answer) {
  const derived = new Set(["attempted", "reached"]);
  return new Map(
    stats.map(({ start, group, end: _, ...numbers }) => {
      const counts = Object.entries(numbers).filter(
        ([name, n]) => typeof n === "number" && n !== 0 && !derived.has(name) && !/_rate$|_per_/.test(name),
      );
      return [JSON.stringify([start, group]), Object.fromEntries(counts)];
    }),
  );
}

interface Recount {
  recount: string;
  status: string;
  position: number;
  last: number;
  differences: {
    counter: string;
    label: string;
    events: { is: number; should_be: number };
    uniques: { is: number; should_be: number } | null;
  }[];
  differing: number;
}

/**
 * Makes one request to /v1/stats/recount, for the whole range by default. Throws the answer's text unless its status is
 * 200.
 */
export async function recount(body: Record<string, unknown> = {}): Promise<Recount> {
  const range = { from: new Date(BASE).toISOString(), to: new Date(BASE + SPAN).toISOString() };
  const answer = await read("/v1/stats/recount", {
    method: "POST",
    body: JSON.stringify("recount" in body ? body : { ...range, ...body }),
    headers: { "content-type": "application/json" },
  });
  if (answer.status !== 200) throw new Error(await answer.text());
  return await answer.json<Recount>();
}

/** Of the columns all but the stretches of the feed, which are no counts. */
const TABLES = {
  rollups: "*",
  day_rollups: "*",
  campaign_rollups: "day, campaign, source, type, bounce, machine, n, gone, uniques, unique_humans",
  tag_rollups: "*",
};

/** The rows of all counter tables. */
export const counters = async () =>
  await Promise.all(
    Object.entries(TABLES).map(async ([table, columns]) => await rows(`SELECT ${columns} FROM ${table}`)),
  );
