// A database that reaches its limit: what comes then waits in the queue, people and retention go on, and storing begins
// again by itself. Tried on the real database with a small limit.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY } from "../../src/lib/time.ts";
import { RETRY_DELAY } from "../../src/process/plan.ts";
import { isLastTry, whileFull } from "../../src/process/retry.ts";
import { countingDb } from "../support/counting-db.ts";
import { fileThatStaysLarge } from "../support/file-that-stays-large.ts";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  runScheduled,
} from "../support/support.ts";

const WAITS = /messages wait until the database has room/;
const NEARLY = /the database is (filling|nearly full)/;

interface Storage {
  used_percent: number;
  size_bytes: number;
  free_bytes: number | null;
  events: number;
  storing: string;
  findings: string[];
}

let limit: number;
/** Bindings with a limit of so many bytes, and their own memory of the level. */
const bindings = (changes: Parameters<typeof envWith>[0] = {}): Env =>
  envWith({ STORAGE: { limit_gb: limit / 1e9 }, ...changes });
const storage = async (own: Env): Promise<Storage> =>
  await (await askApi("GET", "/v1/storage", undefined, own)).json<Storage>();

let mail = 0;
const EVENTS = 40;
/** A delivery of opens by five people, which takes two or three percent of the limit. */
async function delivery(time = Math.floor(Date.now() / 1000)): Promise<Uint8Array> {
  const events = Array.from({ length: EVENTS }, () =>
    mailjetEvent({
      MessageID: 5_000 + ++mail,
      email: `c${mail % 5}@example.com`,
      time,
      url: `https://example.com/?q=${"x".repeat(900)}`, // stays as it is: an equals sign may be of an address
    }),
  );
  const [message] = await messagesOf(mailjetPost(JSON.stringify(events)));
  return message ?? new Uint8Array(0);
}

/** Stores until a delivery has to wait; returns that delivery and how many were stored. The job looks every so often. */
async function fill(own: () => Env): Promise<{ waiting: Uint8Array; stored: number }> {
  for (let stored = 0; stored < 100; stored++) {
    const message = await delivery();
    const { acked } = await deliver([message], own());
    if (acked.length === 0) return { waiting: message, stored };
    if (stored % 6 === 0) await runScheduled(own());
  }
  throw new Error("never full");
}

beforeEach(async () => {
  await freshStorage();
  limit = 10_000_000_000;
  limit = (await storage(bindings())).size_bytes + 2_000_000;
  expectLogs(WAITS, NEARLY);
});
afterEach(() => vi.useRealTimers());

describe("a database that reaches 95 % of its limit", () => {
  it("takes no more events: deliveries wait in the queue, untouched, and go to the spool before their last try", async () => {
    const { waiting, stored } = await fill(bindings);
    const before = await storage(bindings());
    expect(before).toMatchObject({ storing: "waiting", events: stored * EVENTS });
    expect(before.used_percent).toBeGreaterThanOrEqual(95);
    expect(before.used_percent).toBeLessThan(100);
    expect(before.findings.join(" ")).toContain("deliveries wait in the queue");
    const asked: (string | symbol)[] = [];
    const BUCKET = new Proxy(env.BUCKET, {
      get(bucket, name) {
        asked.push(name);
        const value: unknown = Reflect.get(bucket, name, bucket);
        return typeof value === "function" ? (value.bind(bucket) as unknown) : value;
      },
    });
    expect(await deliver([waiting, await delivery()], bindings({ BUCKET }), { attempts: 7 })).toEqual({
      acked: [],
      retried: [0, 1],
    });
    expect(asked).toEqual([]); // waiting costs nothing but the queue's own operation
    expect((await storage(bindings())).events).toBe(stored * EVENTS);
    expect(await deliver([waiting], bindings(), { attempts: 90 })).toEqual({ acked: [0], retried: [] });
    expect(await objects("spool/")).toHaveLength(1);
  });

  it("still lets people suppress, lift and erase", async () => {
    await fill(bindings);
    const put = await askApi("PUT", "/v1/suppressions/ann@example.com", {}, bindings());
    expect(put.ok).toBe(true);
    expect((await askApi("DELETE", "/v1/suppressions/ann@example.com", undefined, bindings())).ok).toBe(true);
    expect((await askApi("DELETE", "/v1/contacts/c1@example.com", undefined, bindings())).ok).toBe(true);
    const contact = await askApi("GET", "/v1/contacts/c1@example.com/timeline", undefined, bindings());
    expect(await contact.json()).toMatchObject({ events: [] });
  });

  it.each([
    ["falls when events are deleted", (): D1Database => env.DB],
    ["never falls", fileThatStaysLarge],
  ])("stores what waited once retention has made room, if its size %s", async (_, database) => {
    const DB = database();
    const { waiting, stored } = await fill(() => bindings({ DB }));
    const full = await storage(bindings({ DB }));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 36 * DAY });
    const own = bindings({ DB, RETENTION: { events_days: 35 } });
    await runScheduled(own); // ends all events
    await runScheduled(own); // looks
    const after = await storage(own);
    expect(after).toMatchObject({ storing: "on", events: 0 });
    expect(after.used_percent).toBeLessThan(full.used_percent - 20);
    expect(await deliver([waiting], bindings({ DB }), { attempts: 3 })).toEqual({ acked: [0], retried: [] });
    expect((await storage(own)).events).toBe(EVENTS);
    // What was freed is used again, and hardly more than that: the pages of a table in order of id are not filled evenly.
    const again = await fill(() => bindings({ DB }));
    expect(again.stored).toBeGreaterThan(stored / 2);
    const refilled = await storage(bindings({ DB }));
    expect(refilled.size_bytes).toBeLessThan(1.08 * limit);
  });

  it("lets nothing wait so long that the queue gives it up, or that it is taken for what ended its process", () => {
    const tries = Array.from({ length: 100 }, (_, i) => i + 1).filter((attempts) => !isLastTry(attempts));
    const seconds = tries.reduce((sum, attempts) => sum + whileFull(attempts), 0);
    expect(seconds * 1_000).toBeLessThan(3 * DAY); // the queue's own default is four
    expect(whileFull(1) * 1_000).toBeLessThan(RETRY_DELAY / 2);
  });

  it("is asked for its level once in ten seconds, and not by each batch", async () => {
    const counting = countingDb();
    const own = bindings({ DB: counting.db });
    const asked = () => counting.asked.filter((sql) => sql.includes("storage")).length;
    for (let i = 0; i < 4; i++) await deliver([await delivery()], own);
    expect(asked()).toBe(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11_000 });
    await deliver([await delivery()], own);
    expect(asked()).toBe(2);
  });
});

describe("a database that refuses because it is full", () => {
  it("is not tried again at once, and what it refused is stored when it takes something again", async () => {
    expectLogs(/the database is full/);
    let tries = 0;
    const refusing = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: async () => {
        tries += 1;
        return await Promise.reject(new Error("D1_ERROR: database or disk is full: SQLITE_FULL"));
      },
    };
    const own = bindings({ DB: refusing });
    const messages = [await delivery(), await delivery()];
    expect(await deliver(messages, own)).toEqual({ acked: [], retried: [0, 1] });
    const first = tries;
    expect(first).toBeGreaterThan(0);
    expect(await deliver(messages, own, { attempts: 2 })).toEqual({ acked: [], retried: [0, 1] });
    expect(tries).toBe(first);
    expect((await deliver(messages, bindings(), { attempts: 3 })).acked).toEqual([0, 1]);
    expect((await storage(bindings())).events).toBe(2 * EVENTS);
  });
});
