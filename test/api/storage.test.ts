// /v1/storage, what /healthz says of the level, and the lines in the log.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY } from "../../src/lib/time.ts";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  runScheduled,
  send,
} from "../support/support.ts";

interface Storage {
  limit_bytes: number;
  size_bytes: number;
  free_bytes: number | null;
  used_bytes: number;
  used_percent: number;
  threshold: number | null;
  storing: string;
  events: number;
  bytes_per_event: number | null;
  events_per_day: number | null;
  measured_days: number;
  events_days: number | null;
  days_left: number | null;
  levels_off_at_percent: number | null;
  retentions: { events_days: number | null; gigabytes: number | null; days_left: number | null }[];
  findings: string[];
}

const storage = async (own: Env = envWith()): Promise<Storage> => {
  const response = await askApi("GET", "/v1/storage", undefined, own);
  expect(response.status).toBe(200);
  return await response.json<Storage>();
};
const withLimit = (bytes: number, changes: Parameters<typeof envWith>[0] = {}): Env =>
  envWith({ STORAGE: { limit_gb: bytes / 1e9 }, ...changes });

let mail = 0;
/** Stores opens that happen now, in deliveries of 100. */
async function store(hundreds: number): Promise<void> {
  for (let i = 0; i < hundreds; i++) {
    const events = Array.from({ length: 100 }, () =>
      mailjetEvent({
        MessageID: ++mail,
        email: `c${mail % 10}@example.com`,
        time: Math.floor(Date.now() / 1000),
      }),
    );
    await deliver(await messagesOf(mailjetPost(JSON.stringify(events))));
  }
}

/** Noon of a day, so that no test crosses midnight. */
const NOON = Date.UTC(2026, 10, 20, 12);
const at = (days: number): void => void vi.setSystemTime(NOON + days * DAY);

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON });
  await freshStorage();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("GET /v1/storage", () => {
  it("says of an empty database that nothing is known yet", async () => {
    const empty = await storage();
    expect(empty).toMatchObject({
      limit_bytes: 10_000_000_000,
      threshold: null,
      storing: "on",
      events: 0,
      bytes_per_event: null,
      events_per_day: null,
      measured_days: 0,
      days_left: null,
      retentions: [],
    });
    expect(empty.findings).toHaveLength(2);
    expect(empty.findings[1]).toContain("once events have been stored for a full day");
  });

  it("counts events and bytes, and tells from the rate of the last days when storing will stop", async () => {
    const { size_bytes: empty } = await storage();
    await store(2); // today is no full day of theirs
    at(1);
    await store(9);
    at(2);
    await store(3);
    at(3);
    const found = await storage(withLimit(20_000_000));
    expect(found).toMatchObject({ events: 1_400, measured_days: 2, events_per_day: 600, events_days: null });
    const each = found.bytes_per_event ?? 0;
    expect(each).toBeGreaterThan(150);
    expect(Math.abs(empty + 1_400 * each - found.size_bytes)).toBeLessThan(0.1 * found.size_bytes);
    const room = 0.95 * 20_000_000 - found.used_bytes;
    expect(found.days_left).toBeCloseTo(room / (600 * each), -1);
    expect(found.levels_off_at_percent).toBeNull();
    expect(found.findings.join(" ")).toMatch(
      /600 events came a day in the last 2 full days\. Events are kept for ever/,
    );
  });

  it("says where retention holds the level, and what other retentions would change", async () => {
    await store(2);
    at(1);
    await store(10);
    at(2);
    const { bytes_per_event: each } = await storage();
    const limit = 40 * 1_000 * (each ?? 0) * 2;
    const held = await storage(withLimit(limit, { RETENTION: { events_days: 40 } }));
    expect(held).toMatchObject({ events_days: 40, days_left: null, events_per_day: 1_000 });
    expect(held.levels_off_at_percent).toBeGreaterThan(49);
    expect(held.levels_off_at_percent).toBeLessThan(75);
    expect(held.findings.join(" ")).toContain("With events_days = 40 the database levels off at");
    const days = held.retentions.map(({ events_days: kept }) => kept);
    expect(days).toEqual([35, 60, 90, 180, 365, null]);
    const left = held.retentions.map(({ days_left }) => days_left ?? Infinity);
    expect(left[0]).toBe(Infinity);
    expect(left.at(-1)).toBeLessThan(100);
    expect(left).toEqual(left.toSorted((a, b) => b - a));
    const long = await storage(withLimit(limit, { RETENTION: { events_days: 365 } }));
    expect(long.days_left).toBe(held.retentions.at(-1)?.days_left);
    expect(long.findings.join(" ")).toMatch(
      /events_days = 365 is too long .* With events_days = \d\d or less/,
    );
  });

  it("does not count what was erased or has ended", async () => {
    await store(2);
    await askApi("DELETE", "/v1/contacts/c1@example.com");
    expect((await storage()).events).toBe(180);
    at(36);
    await runScheduled(envWith({ RETENTION: { events_days: 35 } }));
    expect((await storage()).events).toBe(0);
  });

  it("names a limit that is no number of gigabytes as a mistake, and keeps to D1's", async () => {
    expectLogs(/the configuration has problems/);
    const own = envWith({ STORAGE: { limit_gb: -1, limits_gb: 5 } });
    const response = await send(new Request("https://edge.example/healthz"), own);
    const { problems } = await response.json<{ problems: { setting: string }[] }>();
    expect(response.status).toBe(503);
    expect(problems.map(({ setting }) => setting)).toEqual(["STORAGE.limit_gb", "STORAGE.limits_gb"]);
    expect((await storage(own)).limit_bytes).toBe(10_000_000_000);
  });
});

describe("the level in public", () => {
  const health = async (own: Env): Promise<Record<string, unknown>> =>
    await (await send(new Request("https://edge.example/healthz"), own)).json();

  it("is a warning at /healthz from 70 %, and a problem from 95 % on", async () => {
    await store(5);
    const { size_bytes: size } = await storage();
    expect(await health(withLimit(size / 0.65))).toMatchObject({ status: "ok", database_hint: null });
    expect(await health(withLimit(size / 0.75))).toMatchObject({
      status: "ok",
      database: "ok",
      database_hint: expect.stringContaining("more than 70 % full"),
    });
    expect(await health(withLimit(size / 0.96))).toMatchObject({
      status: "degraded",
      database: "full",
      database_hint: expect.stringContaining("more than 95 % full"),
    });
  });

  it("is told in the log once a day, and again on the same day when a higher threshold is passed", async () => {
    const told: unknown[][] = [];
    for (const level of ["log", "warn", "error"] as const)
      vi.spyOn(console, level).mockImplementation((line: { message: string; percent?: number }) => {
        if (line.percent !== undefined) told.push([level, line.message]);
      });
    await store(5);
    const { size_bytes: size } = await storage();
    const run = async (share: number): Promise<unknown[][]> => {
      told.length = 0;
      await runScheduled(withLimit(size / share));
      vi.setSystemTime(Date.now() + 10 * 60_000);
      return [...told];
    };
    expect(await run(0.5)).toEqual([["log", "the database's fill level"]]);
    expect(await run(0.55)).toEqual([]);
    expect(await run(0.72)).toEqual([["warn", "the database is filling"]]);
    expect(await run(0.74)).toEqual([]);
    expect(await run(0.5)).toEqual([]);
    expect(await run(0.86)).toEqual([["warn", "the database is filling"]]);
    expect(await run(0.97)).toEqual([["error", "the database is nearly full"]]);
    expect(await run(0.97)).toEqual([]);
    at(1);
    expect(await run(0.97)).toEqual([["error", "the database is nearly full"]]);
  });

  it("is told to readers, and not to tokens that are limited to sources", async () => {
    const { token } = await (
      await askApi("POST", "/v1/tokens", { name: "limited", scopes: ["read"], sources: ["mailjet"] })
    ).json<{ token: string }>();
    expect((await read("/v1/storage")).status).toBe(200);
    const request = new Request("https://edge.example/v1/storage", {
      headers: { authorization: `Bearer ${token}` },
    });
    expect((await send(request, envWith())).status).toBe(403);
  });
});
