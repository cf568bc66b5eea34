// People's decisions and scheduled work in several databases: each contact's state lies with its events.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY } from "../../src/lib/time.ts";
import { JOBS } from "../../src/jobs/index.ts";
import { contactPrefix } from "../../src/model/event-id.ts";
import { divideEvenly, isWithin } from "../../src/model/storage/shards.ts";
import { withOutages } from "../../src/store/outages.ts";
import { expectLogs } from "../support/log.ts";
import { databases } from "../support/merged.ts";
import {
  askApi,
  deliver,
  envWith,
  figure,
  freshStorage,
  read,
  rows,
  runScheduled,
} from "../support/support.ts";
import {
  contactOf,
  contactsIn,
  databaseOf,
  deliveryOf,
  health,
  newIsolate,
  newly,
  rowsIn,
  SHARDS,
} from "./support.ts";

beforeEach(freshStorage);
afterEach(() => vi.useRealTimers());

const suppressedIn = async (shard: number): Promise<string[]> =>
  (
    await rowsIn<{ contact: string }>(
      shard,
      "SELECT contact FROM suppressions WHERE lifted_at IS NULL ORDER BY contact",
    )
  ).map(({ contact }) => contact);
const everybody = Array.from({ length: SHARDS }, (_, shard) => contactOf(shard));
const job = async (name: string, now: number): Promise<unknown> =>
  await JOBS.find((one) => one.name === name)?.run(withOutages(envWith()), now);

describe("a person's decision", () => {
  it("is stored with the contact, and journaled and lifted there", async () => {
    for (const contact of everybody)
      expect((await askApi("PUT", `/v1/suppressions/${contact}`, { note: "asked" })).status).toBe(200);
    for (const [shard, contact] of everybody.entries()) expect(await suppressedIn(shard)).toEqual([contact]);
    expect((await askApi("DELETE", `/v1/suppressions/${contactOf(2)}`)).ok).toBe(true);
    expect(await suppressedIn(2)).toEqual([]);
  });

  it("about many contacts in bulk reaches those of all databases, page by page, and is taken back", async () => {
    const many = Array.from({ length: 12 }, (_, i) => contactOf(i % SHARDS, Math.floor(i / SHARDS)));
    for (const contact of many) await askApi("PUT", `/v1/suppressions/${contact}`, {});
    const lifted = await askApi("POST", "/v1/suppressions/lift", { reason: "manual", note: "all" });
    expect(lifted.status).toBe(200);
    const answer = await lifted.json<{ id: string; contacts: number }>();
    expect(answer.contacts).toBe(12);
    expect(await figure("SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL")).toBe(0);
    expect((await askApi("POST", "/v1/suppressions/undo", { id: answer.id })).status).toBe(200);
    expect(await figure("SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL")).toBe(12);
  });

  it("is refused while its database is down, and others are not", async () => {
    // The other one's answer tells of its whole domain, too, which lies in a database of its own.
    const prefix = contactPrefix("@example.com");
    const up = divideEvenly(SHARDS).findIndex((range) => isWithin([range], prefix));
    const down = up === 1 ? 2 : 1;
    let isDown = true;
    const isolate = newIsolate({
      [`DB_${down}`]: newly(databaseOf(down), () => {
        if (isDown) throw new Error("D1_ERROR: it went away");
      }),
    });
    expectLogs(/D1_ERROR: it went away/);
    expect((await askApi("PUT", `/v1/suppressions/${contactOf(down)}`, {}, isolate)).status).toBe(503);
    expect((await askApi("PUT", `/v1/suppressions/${contactOf(up)}`, {}, isolate)).status).toBe(200);
    isDown = false;
    expect((await askApi("PUT", `/v1/suppressions/${contactOf(down)}`, {}, isolate)).status).toBe(200);
    expect(await suppressedIn(down)).toEqual([contactOf(down)]);
  });
});

describe("an import", () => {
  it("puts each address into its database, where its object takes it over", async () => {
    const imported = await askApi("POST", "/v1/suppressions/import", {
      suppressions: everybody.map((email) => ({ email })),
    });
    expect(imported.status).toBe(200);
    for (const [shard, contact] of everybody.entries())
      expect(await rowsIn(shard, "SELECT contact, pending FROM suppressions")).toEqual([
        { contact, pending: 1 },
      ]);
    await job("imports", Date.now() + 600_000);
    expect(await rows("SELECT DISTINCT pending FROM suppressions")).toEqual([{ pending: null }]);
  });
});

describe("scheduled jobs", () => {
  it("end suppressions, count and end events in every database", async () => {
    const until = new Date(Date.now() + 60_000).toISOString();
    for (const contact of everybody)
      await askApi("PUT", `/v1/suppressions/${contact}`, { expires_at: until });
    await deliver([await deliveryOf(everybody, { event: "sent" })]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 120_000 });
    await job("suppression-ends", Date.now());
    vi.useRealTimers();
    for (const [shard] of everybody.entries()) expect(await suppressedIn(shard)).toEqual([]);
    await job("counting", Date.now() + 660_000);
    for (const [shard] of everybody.entries())
      expect(await rowsIn(shard, "SELECT sum(n) AS n FROM rollups")).toEqual([{ n: 1 }]);
    await deliver([await deliveryOf(everybody, { event: "sent" })]);
    const bindings = envWith({ RETENTION: { events_days: 35 } });
    await JOBS.find(({ name }) => name === "retention")?.run(withOutages(bindings), Date.now() + 36 * DAY);
    for (const [shard] of everybody.entries()) expect(await contactsIn(shard)).toEqual([]);
    // What comes then goes on with its own seqs.
    await deliver([await deliveryOf(everybody, { event: "open" })]);
    for (const [shard] of everybody.entries()) {
      const [last] = await rowsIn<{ seq: number }>(shard, "SELECT seq FROM events");
      expect((last?.seq ?? 0) - shard * 2 ** 40).toBe(3);
    }
  });

  it("go on in the others if one database fails", async () => {
    expectLogs(/a job failed/, /D1_ERROR: it went away/, /did not take/);
    await deliver([await deliveryOf(everybody, { event: "sent" })]);
    const broken = newIsolate({
      RETENTION: { events_days: 35 },
      DB_1: newly(databaseOf(1), () => {
        throw new Error("D1_ERROR: it went away");
      }),
    });
    const retention = JOBS.find(({ name }) => name === "retention");
    await expect(retention?.run(withOutages(broken), Date.now() + 36 * DAY)).rejects.toThrow(/it went away/);
    expect(await contactsIn(0)).toEqual([]);
    expect(await contactsIn(1)).toEqual([contactOf(1)]);
    expect(await contactsIn(2)).toEqual([]);
  });
});

describe("the fill level", () => {
  interface Storage {
    size_bytes: number;
    events: number;
    storing: string;
    threshold: number | null;
    findings: string[];
    databases?: { name: string; size_bytes: number; used_percent: number; storing: string; events: number }[];
  }
  const storage = async (bindings: Env): Promise<Storage> =>
    await (await askApi("GET", "/v1/storage", undefined, bindings)).json<Storage>();

  it("is told of each database and of all together", async () => {
    await deliver([await deliveryOf(everybody)]);
    const { databases: each = [], ...all } = await storage(envWith());
    expect(each.map(({ name, events }) => [name, events])).toEqual([
      ["DB", 1],
      ["DB_1", 1],
      ["DB_2", 1],
    ]);
    expect(all).toMatchObject({ events: 3, storing: "on", threshold: null });
    expect(all.size_bytes).toBe(each.reduce((sum, { size_bytes }) => sum + size_bytes, 0));
  });

  it("holds up only the database that has no room, which /healthz names", async () => {
    expectLogs(/did not take its events/, /the database is (filling|nearly full)/);
    // The first database is larger than the others from the beginning: it holds what fills it.
    const filler = `INSERT INTO attempts (id, events, n, at, outcome, took, try, reason)
      WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 300)
      SELECT 'x' || n, '[]', 1, 1, 'ok', 1, 1, hex(zeroblob(2000)) FROM i`;
    await runScheduled();
    await databaseOf(1).prepare(filler).run();
    const { databases: each = [] } = await storage(envWith());
    const sizes = each.map(({ size_bytes }) => size_bytes);
    expect(sizes[1]).toBeGreaterThan(1.5 * (sizes[2] ?? 0));
    const limit = Math.max(sizes[0] ?? 0, sizes[2] ?? 0) * 1.2;
    const bindings = newIsolate({ STORAGE: { limit_gb: limit / 1e9 }, QUEUE: { sendBatch: async () => {} } });
    await databaseOf(1).prepare("DELETE FROM storage").run();
    await databaseOf(1)
      .prepare("INSERT INTO storage (one, looked_at, events, mark_size, mark_events) VALUES (1, ?1, 1, 1, 1)")
      .bind(Date.now())
      .run();
    expect((await deliver([await deliveryOf(everybody)], bindings)).acked).toEqual([0]);
    expect(await Promise.all(databases().map(async (_, shard) => await contactsIn(shard)))).toEqual([
      [contactOf(0)],
      [],
      [contactOf(2)],
    ]);
    expect(await storage(bindings)).toMatchObject({ storing: "waiting", threshold: 95 });
    expect(await health(bindings)).toMatchObject({
      database: "full",
      database_hint: expect.stringContaining("DB_1: The database is more than 95 % full") as string,
    });
  });
});

describe("a bookmark", () => {
  it("names every database that a request touched, and is taken back", async () => {
    const put = await askApi("PUT", `/v1/suppressions/${contactOf(2)}`, {});
    const listed = await read("/v1/suppressions");
    const bookmark = listed.headers.get("x-tidings-bookmark") ?? "";
    expect(put.ok && bookmark).toMatch(/^\d\.[\w-]+(~\d\.[\w-]+)*$/);
    const headers = { "x-tidings-bookmark": bookmark };
    expect((await read("/v1/suppressions", { headers })).status).toBe(200);
    const old = bookmark.split("~")[0]?.slice(2) ?? "";
    expect((await read("/v1/suppressions", { headers: { "x-tidings-bookmark": old } })).status).toBe(200);
    for (const wrong of ["0.", "a~b", `${bookmark}~`, "1.2.3"])
      expect((await read("/v1/suppressions", { headers: { "x-tidings-bookmark": wrong } })).status).toBe(400);
  });
});
