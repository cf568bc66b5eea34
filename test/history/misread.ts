// Deliveries that were parsed wrongly, and a request that parses the archive again.

import * as fc from "fast-check";
import { expect } from "vitest";
import {
  askApi,
  deliver,
  envWith,
  finalState,
  mailjetEvent,
  mailjetPost,
  messagesOf,
} from "../support/support.ts";

interface Step {
  applied: boolean;
  objects: number;
  deliveries: number;
  events: number;
  rejects: number;
  changed: number;
  appeared: number;
  vanished: number;
  samples: { kind: string; id: string; before: { type: string } | null; after: { type: string } | null }[];
  next: string | null;
}

export const YEAR = {
  from: new Date(Date.now() - 30 * 86_400_000).toISOString(),
  to: new Date(Date.now() + 86_400_000).toISOString(),
};

/** Makes one request to parse the archive again. */
export const ask = async (body: Record<string, unknown>, bindings = envWith()): Promise<Response> =>
  await askApi("POST", "/v1/history/renormalise", { ...YEAR, ...body }, bindings);

/** Parses the archive step by step to its end; returns the sums of all steps. */
export async function walk(
  body: Record<string, unknown> = {},
  bindings = envWith(),
): Promise<Omit<Step, "next" | "applied">> {
  const sum = { objects: 0, deliveries: 0, events: 0, rejects: 0, changed: 0, appeared: 0, vanished: 0 };
  const samples: Step["samples"] = [];
  for (let after: string | undefined; ;) {
    const response = await ask({ ...body, ...(after === undefined ? {} : { after }) }, bindings);
    expect(response.status).toBe(200);
    const step = await response.json<Step>();
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += step[key];
    samples.push(...step.samples);
    if (step.next === null) return { ...sum, samples };
    after = step.next;
  }
}

const KINDS = ["sent", "open", "click", "bounce", "spam", "unsub"];

/** Stores three archive objects of several deliveries, with repeats between them. */
export async function fillHistory(): Promise<void> {
  const event = (i: number) =>
    mailjetEvent({
      event: KINDS[i % KINDS.length],
      MessageID: 1000 + Math.floor(i / 3),
      email: `p${i % 11}@example.com`,
      time: 1_790_000_000 + i * 400,
      mj_campaign_id: i % 4,
      url: "https://example.com/a",
      hard_bounce: i % 4 === 1,
    });
  const all = Array.from({ length: 90 }, (_, i) => event(i));
  const post = (from: number, to: number) => mailjetPost(JSON.stringify(all.slice(from, to)));
  await deliver(await messagesOf(post(0, 20), post(20, 30)));
  await deliver(await messagesOf(post(25, 60), post(0, 5)));
  await deliver(await messagesOf(post(60, 90), mailjetPost('[{"event":"sent","email":5}]')));
}

// A source whose customer chose the parameters' names and first configured them wrongly in Tidings. Correcting the
// settings corrects the parser, through a public interface.
/** The correct names of the source's parameters, by field. */
export const NAMES = {
  contact: "who",
  event: "what",
  message_id: "mail",
  occurred_at: "when",
  bounce: "class",
  campaign: "job",
  tags: "label",
  custom_id: "mine",
  url: "target",
} as const;

/** A field that may be configured wrongly. */
export type Field = keyof typeof NAMES;

/** Bindings whose JangoMail source has wrong parameter names for these fields. */
export const withNames = (wrong: readonly Field[]): Env =>
  envWith({
    SOURCES: {
      observed: { provider: "mailjet" },
      enforced: { provider: "mailjet" },
      jangomail: {
        provider: "jangomail",
        parameters: { ...NAMES, ...Object.fromEntries(wrong.map((field) => [field, "none"])) },
      },
    },
  });

/** Random reports with the parameters of the JangoMail source; the time is added by the tests. */
export const report = fc.record({
  who: fc.integer({ min: 1, max: 4 }).map((n) => `p${n}@example.com`),
  what: fc.constantFrom("open", "click", "bounce", "bounce", "complaint", "unsubscribe", "sent", "block"),
  mail: fc.integer({ min: 1, max: 6 }).map((n) => `m${n}`),
  class: fc.constantFrom("hard", "soft", ""),
  job: fc.constantFrom("a", "b", ""),
  label: fc.constantFrom("x", "x,y", ""),
  target: fc.constantFrom("https://example.com/1", "https://example.com/2"),
});

/**
 * Everything stored, except when and by which delivery it was stored, and the part of an id that depends on the
 * identity.
 */
export async function outcome(): Promise<unknown> {
  const state = await finalState();
  const contacts = (state["contacts"] as { suppressed: string | null }[]).filter(
    ({ suppressed }) => suppressed !== null,
  );
  const text = JSON.stringify({ ...state, contacts });
  const cut: Record<string, unknown> = JSON.parse(
    text.replaceAll(/[0-9a-hjkmnp-tv-z]{34}/g, (id) => id.slice(0, 18)),
  );
  return Object.fromEntries(
    Object.entries(cut).map(([name, list]) => [
      name,
      (list as unknown[]).map((one) => JSON.stringify(one)).toSorted(),
    ]),
  );
}

/** A delivery of the JangoMail source. */
export const jangoPost = (body: string): Request =>
  new Request("https://edge.example/webhooks/jangomail?token=jango-token-of-the-tests", {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
