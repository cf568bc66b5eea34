// Retention: old data is deleted slice by slice; nothing is deleted early, and counters and suppressions stay.

import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { configOf } from "../../../src/config/config.ts";
import { retain } from "../../../src/store/write/retention.ts";
import {
  askApi,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  rows,
  runScheduled,
} from "../../support/support.ts";
import { countingDb } from "../../support/counting-db.ts";
import { expectLogs } from "../../support/log.ts";

const DAY = 86_400_000;
const NOON = Math.floor(Date.now() / DAY) * DAY + DAY / 2;

beforeEach(async () => {
  await freshStorage();
  vi.useFakeTimers({ toFake: ["Date"], now: NOON });
});
afterEach(() => void vi.useRealTimers());

const post = async (events: Record<string, unknown>[]): Promise<void> =>
  void (await deliver(await messagesOf(mailjetPost(JSON.stringify(events.map(mailjetEvent))))));
const scheduled = async (RETENTION: unknown): Promise<void> => await runScheduled(envWith({ RETENTION }));
const counters = async (): Promise<unknown> => ({
  rollups: await rows(
    "SELECT bucket, source, type, bounce, machine, destination, n FROM rollups ORDER BY bucket, type",
  ),
  campaigns: await rows(
    "SELECT day, campaign, source, type, bounce, machine, n, uniques FROM campaign_rollups ORDER BY day, type",
  ),
  contacts: await rows("SELECT * FROM contacts ORDER BY contact"),
  suppressions: await rows("SELECT * FROM suppressions ORDER BY contact"),
  sources: await rows("SELECT source, events FROM sources"),
});

it("deletes expired events, their messages and the archive's days, and nothing else", async () => {
  await post([{ event: "sent" }, { event: "spam", email: "b@example.com", MessageID: 2000 }]);
  vi.setSystemTime(NOON + 10 * DAY);
  await post([{ event: "open", time: 1_790_000_500 }]); // of the first message
  const before = await counters();
  const contents = async (): Promise<unknown[]> => [
    (await rows("SELECT type FROM events ORDER BY seq")).map(({ type }) => type),
    (await rows("SELECT message_id FROM messages")).map(({ message_id }) => message_id),
    (await objects("archive/")).length,
  ];
  const all = [["delivered", "complained", "opened"], ["1000", "2000"], 2];
  await scheduled(undefined);
  vi.setSystemTime(NOON + 39 * DAY);
  await scheduled({ events_days: 40, archive_days: 40 });
  expect(await contents()).toEqual(all);
  vi.setSystemTime(NOON + 41 * DAY);
  await scheduled({ archive_days: 40 });
  expect(await contents()).toEqual([all[0], all[1], 1]);
  await scheduled({ events_days: 40 });
  expect(await contents()).toEqual([["opened"], ["1000"], 1]);
  vi.setSystemTime(NOON + 51 * DAY);
  await scheduled({ events_days: 40, archive_days: 40 });
  expect(await contents()).toEqual([[], [], 0]);
  expect(await counters()).toEqual(before);
  // The feed goes on behind what went.
  await post([{ event: "click", time: 1_790_000_900, url: "https://example.com" }]);
  expect(await rows("SELECT seq FROM events")).toEqual([{ seq: 4 }]);
});

it("keeps expired events deleted when a longer-lived archive is parsed again", async () => {
  await post([{ event: "sent" }, { event: "spam" }]);
  vi.setSystemTime(NOON + 41 * DAY);
  const RETENTION = { events_days: 40, archive_days: 90 };
  await scheduled(RETENTION);
  // By then the contact's object has forgotten its claims.
  await runDurableObjectAlarm(env.CONTACTS.getByName("ann@example.com"));
  const before = await counters();
  const range = { from: new Date(NOON - DAY).toISOString(), to: new Date(NOON + DAY).toISOString() };
  const body = { ...range, apply: true };
  const answer = await askApi("POST", "/v1/history/renormalise", body, envWith({ RETENTION }));
  expect(await answer.json()).toMatchObject({ deliveries: 1, appeared: 0 });
  expect(await figure("SELECT count(*) AS n FROM events")).toBe(0);
  expect(await counters()).toEqual(before);
});

it("never deletes an event early, whatever the order, and keeps a message as long as one of its events", async () => {
  const stored = fc.array(
    fc.record({ age: fc.integer({ min: 30, max: 45 }), contact: fc.nat(2), message: fc.nat(3) }),
    { minLength: 1, maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(stored, async (list) => {
      await freshStorage();
      for (const [i, { age, contact, message }] of list.entries()) {
        const base = { email: `c${contact}@example.com`, MessageID: message + 1, time: 1_790_000_000 + i };
        await post([base]);
        await env.DB.prepare("UPDATE events SET received_at = ?1 WHERE at = ?2")
          .bind(NOON - age * DAY, (1_790_000_000 + i) * 1000)
          .run();
      }
      const { events } = await retain(env, { eventsDays: 40, archiveDays: null }, NOON + 1);
      const young = list.findIndex(({ age }) => age < 40);
      expect(events).toBe(young < 0 ? list.length : young);
      const left = await rows(
        "SELECT DISTINCT message_id, substr(id, 1, 8) AS prefix FROM events ORDER BY 1, 2",
      );
      expect(await rows("SELECT message_id, prefix FROM messages ORDER BY 1, 2")).toEqual(left);
    }),
    { numRuns: 15 },
  );
});

it("deletes a bounded number of events in one run, within the budget of written rows, and scans no table", async () => {
  const counting = countingDb();
  // As in the benchmark's mix: three events of each message.
  for (let part = 0; part < 9; part++)
    await post(
      Array.from({ length: 900 }, (_, i) => ({
        email: `r${Math.floor(i / 3)}@example.com`,
        MessageID: 10_000 + part * 300 + Math.floor(i / 3),
        time: 1_790_000_000 + part * 1_000 + i,
      })),
    );
  const bindings = { DB: counting.db, BUCKET: env.BUCKET };
  const retention = { eventsDays: 40, archiveDays: null };
  const then = NOON + 41 * DAY;
  expect(await retain(bindings, retention, then)).toEqual({ events: 5_400, objects: 0 });
  expect(await retain(bindings, retention, then)).toEqual({ events: 2_700, objects: 0 });
  expect(await figure("SELECT count(*) AS n FROM messages")).toBe(0);
  expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(8_100);
  console.log({ message: "rows written for each event that ends", rows: counting.written / 8_100 });
  expect(counting.written / 8_100).toBeLessThanOrEqual(2.34);
  for (const sql of new Set(counting.asked)) {
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "1")}`);
    const scans = plan.filter(({ detail }) => /SCAN (events|e|o|n|messages)\b/.test(detail));
    expect(scans, sql).toEqual([]);
  }
});

it("keeps everything if the setting is wrong, and reports the problem", () => {
  expectLogs(/the configuration has problems[^]*RETENTION/);
  const of = (RETENTION: unknown) => configOf({ ...envWith(), RETENTION });
  expect(of(undefined).retention).toEqual({ eventsDays: null, archiveDays: null });
  expect(of({ events_days: 35 }).retention).toEqual({ eventsDays: 35, archiveDays: null });
  for (const wrong of [
    { events_days: 34 },
    { archive_days: 40.5 },
    { archive_days: "90" },
    { days: 90 },
    [],
    "x",
  ]) {
    const { retention, problems } = of(wrong);
    expect(retention, JSON.stringify(wrong)).toEqual({ eventsDays: null, archiveDays: null });
    expect(problems.map(({ setting }) => setting).join(), JSON.stringify(wrong)).toMatch(/^RETENTION/);
  }
});
