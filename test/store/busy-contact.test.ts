// A contact with very many events, such as a monitoring address. Work on many of its events at once must read each of
// its rows a few times, not once more for every other row, or a statement would exceed the database's time limit.

import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { configOf } from "../../src/config/config.ts";
import {
  askApi,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
  runScheduled,
} from "../support/support.ts";
import { countingDb } from "../support/counting-db.ts";

const DAY = 86_400_000;
const KINDS = ["sent", "open", "click"];

const WORK: Readonly<Record<string, (bindings: Env) => Promise<void>>> = {
  "erasing it": async (bindings) => {
    await askApi("DELETE", "/v1/contacts/ann@example.com", undefined, bindings);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(0);
  },
  "ending its events": async (bindings) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 40 * DAY });
    const keeping = { ...bindings, RETENTION: { events_days: 39 } } as Env;
    expect(configOf(keeping).problems).toEqual([]);
    await runScheduled(keeping);
    vi.useRealTimers();
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(0);
  },
  "reading them anew": async (bindings) => {
    await env.DB.prepare("UPDATE events SET details = NULL").run();
    const range = { from: new Date(Date.now() - DAY), to: new Date(Date.now() + DAY), apply: true };
    await askApi("POST", "/v1/history/renormalise", range, bindings);
    expect(await figure("SELECT count(*) AS n FROM events WHERE details IS NULL")).toBe(0);
  },
};

it.each(Object.keys(WORK))(
  "%s reads about as many rows per event for a contact with many events as for one with few",
  async (work) => {
    const few = await rowsRead(work, 90);
    const many = await rowsRead(work, 450);
    expect(many / 450).toBeLessThan((few / 90) * 1.3);
    expect(await figure("SELECT count(*) AS n FROM messages")).toBe(work === "reading them anew" ? 150 : 0);
  },
);

/** Rows that D1 reads in this work for a contact with this number of events. */
async function rowsRead(work: string, events: number): Promise<number> {
  await freshStorage();
  const reports = Array.from({ length: events }, (_, i) =>
    mailjetEvent({
      event: KINDS[i % KINDS.length],
      MessageID: 1000 + Math.floor(i / KINDS.length),
      time: 1_790_000_000 + i * 60,
      url: "https://example.com/a",
      CustomID: `order ${i}`,
    }),
  );
  await deliver(await messagesOf(mailjetPost(JSON.stringify(reports))));
  const counting = countingDb({ sessions: false });
  await WORK[work]?.(envWith({ DB: counting.db }));
  for (const sql of new Set(counting.asked)) {
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
    const walks = /SCAN (messages|contacts|suppressions)\b|AUTOMATIC/;
    expect(
      plan.map(({ detail }) => detail).filter((detail) => walks.test(detail)),
      sql,
    ).toEqual([]);
  }
  return counting.read;
}
