// Erasure: whatever is under way and whatever fails, in the end the address is found nowhere, and everybody else's mail is
// as it was.

import { createExecutionContext, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import worker from "../src/index.ts";
import { makeDurable } from "../src/ingest/durable.ts";
import { decodeFrame } from "../src/model/envelope.ts";
import { findErased, hashOf, liftErased } from "../src/store/erasure/erased.ts";
import { faulty, interrupted, type Fault } from "./faults.ts";
import {
  capture,
  DEAD_QUEUE,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  read,
  rows,
  send,
} from "./support.ts";

const ANN = "ann@example.com";
const JOANN = "joann@example.com";
const MINUTE = 60_000;
const DAY = 86_400_000;

interface Receipt {
  id: string;
  status: string;
  note: string | null;
  removed: Record<string, number> & { archive: Record<string, number> };
  kept: { hash: string; reason: string; since: string } | null;
  finished_at: string | null;
  copies_until: string | null;
}

/** An isolate reads the key once; so that it stays the right one when all storage is emptied, it is always the same. */
async function freshWithKey(): Promise<void> {
  await freshStorage();
  await env.BUCKET.put("keys/erasure", new Uint8Array(32).fill(7));
}

beforeEach(async () => {
  await freshWithKey();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => void vi.useRealTimers());

/** What no queue message holds, gzipped or not. */
const TOO_LONG = { Payload: Array.from({ length: 30_000 }, () => Math.random().toString(36)).join("") };
const iso = (ms: number): string => new Date(ms).toISOString();
const pass = (ms: number): void => void vi.setSystemTime(Date.now() + ms);
const scheduled = async (bindings: Env = envWith()): Promise<void> =>
  await worker.scheduled(
    { scheduledTime: 0, cron: "", noRetry: () => {} },
    bindings,
    createExecutionContext(),
  );
const ask = async (address = ANN, query = "", bindings = envWith()): Promise<Response> =>
  await send(
    new Request(`https://edge.example/v1/contacts/${encodeURIComponent(address)}${query}`, {
      method: "DELETE",
      headers: { authorization: "Bearer api-token" },
    }),
    bindings,
  );
const erase = async (address = ANN): Promise<Receipt> => await (await ask(address)).json<Receipt>();
const receipt = async (id: string): Promise<Receipt> =>
  await (await read(`/v1/erasures/${id}`)).json<Receipt>();
/** Until nothing is left to be done. */
const settle = async (): Promise<void> => {
  pass(21 * MINUTE);
  await scheduled();
  expect(await figure("SELECT count(*) AS n FROM erasures WHERE finished_at IS NULL")).toBe(0);
};

/** All text that is stored anywhere but in the erased contact's object, decoded. */
async function everything(): Promise<string[]> {
  const found: string[] = [];
  const tables = await rows<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  );
  for (const { name } of tables)
    for (const row of await rows(`SELECT * FROM ${name}`)) found.push(`${name}: ${JSON.stringify(row)}`);
  for (const key of await objects("")) {
    const bytes = new Uint8Array((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? []);
    const text = bytes[0] === 0x1f ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString("latin1");
    const base64 = [...text.matchAll(/"base64":"([^"]*)"/g)].map(([, body = ""]) =>
      Buffer.from(body, "base64").toString(),
    );
    found.push(`${key}: ${[text, ...base64].join("\n")}`);
  }
  return found;
}

/** Where the address still is; of everybody else only what is theirs. */
async function traces(address: string): Promise<string[]> {
  const object = await runInDurableObject(env.CONTACTS.getByName(address), (_, { storage }) =>
    JSON.stringify([...storage.kv.list()]),
  );
  const own = new RegExp(`(?<![a-z0-9])${address.replaceAll(".", "\\.")}`, "i");
  const plain = (text: string): string =>
    text.replaceAll(/%([0-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return [...(await everything()), `object: ${object}`].filter((text) => own.test(plain(text)));
}

/** What everybody else has: rows, raw elements and all counters. */
async function others(address: string): Promise<unknown> {
  const events = await rows<{ id: string }>(
    `SELECT * FROM events WHERE contact <> '${address}' ORDER BY seq`,
  );
  const raws: unknown[] = [];
  for (const { id } of events)
    raws.push((await (await read(`/v1/events/${id}`)).json<{ raw: unknown }>()).raw);
  return {
    events,
    raws,
    messages: await rows(`SELECT * FROM messages WHERE contact <> '${address}' ORDER BY message_id, contact`),
    suppressions: await rows(
      `SELECT * FROM suppressions WHERE contact <> '${address}' ORDER BY contact, reason`,
    ),
    rollups: await rows(
      "SELECT bucket, source, type, bounce, machine, destination, n FROM rollups ORDER BY bucket, source, type, bounce, destination",
    ),
    campaigns: await rows(
      "SELECT day, campaign, source, type, bounce, machine, n, uniques FROM campaign_rollups ORDER BY day, campaign, source, type, bounce",
    ),
    letters: await rows("SELECT id, raw FROM dead_letters WHERE instr(raw, 'joann@') > 0 ORDER BY id"),
  };
}

const both = (fields: Record<string, unknown> = {}): Request =>
  mailjetPost(
    JSON.stringify(
      [mailjetEvent({ email: ANN, ...fields }), mailjetEvent({ email: JOANN, ...fields })],
      null,
      1,
    ),
  );

describe("erasing a contact", () => {
  it("takes it out of rows, object, archive and dead letters, and leaves the others", async () => {
    const unread = mailjetEvent({ email: "Ann@Example.com", time: "yesterday" });
    await deliver(
      await messagesOf(
        both(),
        both({ event: "spam", time: 1_790_000_100 }),
        mailjetPost(JSON.stringify([unread, { ...unread, email: JOANN }])),
        mailjetPost(`{broken, but about ${ANN}`),
      ),
    );
    await deliver(await messagesOf(both())); // repeats, that only the archive knows of
    const before = await others(ANN);
    expect((await traces(ANN)).length).toBeGreaterThan(5);

    const asked = await ask(ANN, "?note=ticket%204711");
    expect(asked.status).toBe(202);
    const first = await asked.json<Receipt>();
    expect(first).toMatchObject({
      status: "running",
      note: "ticket 4711",
      removed: { events: 2, messages: 1, contacts: 1, suppressions: 1, claims: 2, dead_letters: 2 },
      kept: { reason: "complaint" },
    });
    expect(first.removed.archive).toMatchObject({ objects_rewritten: 4, elements: 7 });
    expect(await traces(ANN)).toEqual([expect.stringMatching(/^erasures: /)]);
    expect((await read(`/v1/contacts/${ANN}`)).status).toBe(404);
    expect(await others(ANN)).toEqual(before);

    await settle();
    const done = await receipt(first.id);
    const { archive: _, ...removed } = first.removed;
    expect(done).toMatchObject({ status: "done", removed });
    expect(done.removed.archive).toMatchObject({ objects_rewritten: 4, elements: 7 });
    expect(Date.parse(done.copies_until ?? "") - Date.parse(done.finished_at ?? "")).toBe(30 * DAY);
    expect(await traces(ANN)).toEqual([]);
    expect(await others(ANN)).toEqual(before);
    // Asked again, it looks at what came since, which is nothing.
    const again = await erase();
    expect(again.id).not.toBe(first.id);
    await settle();
    expect(await receipt(again.id)).toMatchObject({
      status: "done",
      removed: { events: 0, claims: 0, dead_letters: 0, archive: { objects_rewritten: 0, elements: 0 } },
      kept: first.kept,
    });
    expect(await others(ANN)).toEqual(before);
    expect(await objects("dead-letters/")).toHaveLength(1);
  });

  it("welcomes what is received later, and erases that on a new request", async () => {
    await deliver(await messagesOf(both()));
    const { id } = await erase();
    await settle();
    await deliver(await messagesOf(both({ event: "click", url: "https://example.com" })));
    expect(await figure(`SELECT count(*) AS n FROM events WHERE contact = '${ANN}'`)).toBe(1);
    const again = await erase();
    expect(again.id).not.toBe(id);
    expect(again.removed).toMatchObject({ events: 1, claims: 1 });
    await settle();
    expect(await traces(ANN)).toEqual([]);
  });

  it("leaves what is received right after it as it came", async () => {
    await deliver(await messagesOf(both()));
    await erase();
    pass(1_000);
    await deliver(await messagesOf(both({ event: "click", url: "https://example.com" })));
    await settle();
    const [later] = await rows<{ id: string }>(`SELECT id FROM events WHERE contact = '${ANN}'`);
    expect(await (await read(`/v1/events/${later?.id}`)).json()).toMatchObject({
      type: "clicked",
      raw: { email: ANN },
    });
  });

  it("keeps news that came together with a repeat of what it erased, also when history is read anew", async () => {
    await deliver(await messagesOf(both()));
    await erase();
    await settle();
    const news = mailjetEvent({ email: ANN, event: "click", url: "https://example.com" });
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ email: ANN }), news]))));
    const stored = await rows("SELECT id, contact, type FROM events ORDER BY seq");
    expect(stored).toMatchObject([{ contact: JOANN }, { contact: ANN, type: "clicked" }]);
    const request = new Request("https://edge.example/v1/history/renormalise", {
      method: "POST",
      headers: { authorization: "Bearer api-token", "content-type": "application/json" },
      body: JSON.stringify({ from: iso(Date.now() - DAY), to: iso(Date.now() + DAY), apply: true }),
    });
    expect(await (await send(request, envWith())).json()).toMatchObject({
      changed: 0,
      appeared: 0,
      vanished: 0,
    });
    expect(await rows("SELECT id, contact, type FROM events ORDER BY seq")).toEqual(stored);
  });

  it("keeps what others have of a delivery that was given up before", async () => {
    await deliver(await messagesOf(both({ event: "sent" })), envWith(), { queue: DEAD_QUEUE });
    await erase();
    await settle();
    expect(await traces(ANN)).toEqual([]);
    const letters = await rows<{ id: string; raw: string }>("SELECT id, raw FROM dead_letters");
    expect(letters).toEqual([{ id: letters[0]?.id, raw: expect.stringContaining(JOANN) as string }]);
    const { queue, bodies } = capture();
    const replay = new Request(`https://edge.example/v1/dead-letters/${letters[0]?.id}/replay`, {
      method: "POST",
      headers: { authorization: "Bearer api-token" },
    });
    expect((await send(replay, envWith({ QUEUE: queue }))).status).toBe(202);
    await deliver(bodies);
    expect(await rows("SELECT contact FROM events")).toEqual([{ contact: JOANN }]);
  });

  it("does not take a repeat of what it erased for news, however long", async () => {
    const post = (): Request =>
      mailjetPost(
        JSON.stringify([mailjetEvent({ ...TOO_LONG, email: ANN }), mailjetEvent({ email: JOANN })]),
      );
    for (const request of [both, post]) {
      await deliver(await messagesOf(request()));
      await erase();
      await settle();
      await deliver(await messagesOf(request()));
      expect(await traces(ANN)).toEqual([]);
    }
    expect(await figure("SELECT duplicates AS n FROM sources")).toBe(3);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
  });

  it("erases what only the archive knows, and unknown addresses", async () => {
    const post = (): Request => mailjetPost(`garbage about ann%40Example.com and others`);
    await deliver(await messagesOf(post()));
    const { dead_letters } = await (
      await read("/v1/dead-letters")
    ).json<{ dead_letters: { id: string }[] }>();
    await send(
      new Request(`https://edge.example/v1/dead-letters/${dead_letters[0]?.id}`, {
        method: "DELETE",
        headers: { authorization: "Bearer api-token" },
      }),
      envWith(),
    );
    expect((await erase()).removed.archive["elements"]).toBe(1);
    expect((await erase("nobody@example.com")).removed).toMatchObject({ events: 0, claims: 0 });
    await settle();
    expect(await traces(ANN)).toEqual([]);
  });

  it("takes out what was still under way: in the queue, too long for it, unread, given up", async () => {
    const { queue, bodies } = capture();
    const long = (email: string): Record<string, unknown> => mailjetEvent({ ...TOO_LONG, email });
    for (const request of [
      both({ event: "bounce", hard_bounce: true }),
      mailjetPost(JSON.stringify([long(ANN), long(JOANN)])),
      mailjetPost(
        JSON.stringify([mailjetEvent({ email: ANN, time: "?" }), mailjetEvent({ email: JOANN, time: "?" })]),
      ),
    ])
      expect((await send(request, envWith({ QUEUE: queue }))).status).toBe(200);
    const given = await messagesOf(both({ event: "sent" }));
    await erase();
    await settle();
    await deliver(given, envWith(), { queue: DEAD_QUEUE });
    await deliver(bodies);
    expect(await traces(ANN)).toEqual([]);
    expect(await rows("SELECT contact, type FROM events ORDER BY seq")).toEqual([
      { contact: JOANN, type: "bounced" },
      { contact: JOANN, type: "opened" },
    ]);
    // What is left of the given-up delivery can be replayed: the gap is no report.
    const letters = await rows<{ id: string }>("SELECT id FROM dead_letters WHERE element IS NULL");
    const replayed = capture();
    const replay = new Request(`https://edge.example/v1/dead-letters/${letters[0]?.id}/replay`, {
      method: "POST",
      headers: { authorization: "Bearer api-token" },
    });
    expect((await send(replay, envWith({ QUEUE: replayed.queue }))).status).toBe(202);
    await deliver(replayed.bodies);
    expect(await rows("SELECT raw FROM dead_letters")).toEqual([
      { raw: expect.stringContaining(JOANN) as string },
    ]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(3);
    expect(await traces(ANN)).toEqual([]);
  });

  it("waits for the spool", async () => {
    const [message = new Uint8Array()] = await messagesOf(both());
    const frame = await decodeFrame(message);
    if (frame.batch !== null) throw new Error("too long");
    await makeDurable(envWith(), frame.envelope, "spool");
    const { id } = await erase();
    pass(21 * MINUTE);
    const stuck = capture();
    const failing = { ...stuck.queue, sendBatch: async () => await Promise.reject(new Error("no queue")) };
    await scheduled(envWith({ QUEUE: failing })).catch(() => {});
    expect((await receipt(id)).status).toBe("running");
    await scheduled(envWith({ QUEUE: stuck.queue }));
    await scheduled();
    expect((await receipt(id)).status).toBe("done");
    await deliver(stuck.bodies);
    expect(await traces(ANN)).toEqual([]);
  });

  it("refuses a note that holds the address, and unknown parameters, and says 404 for unknown receipts", async () => {
    for (const query of ["?note=for%20ANN%2540example.com", "?note=", "?nte=1", `?note=${"x".repeat(501)}`]) {
      const response = await ask(ANN, query);
      expect(response.status, query).toBe(400);
      expect(await response.text()).toMatch(/nte|note/);
    }
    expect((await ask("nobody")).status).toBe(400);
    expect((await read("/v1/erasures/none")).status).toBe(404);
    expect(await figure("SELECT count(*) AS n FROM erasures")).toBe(0);
  });
});

describe("a suppression in force", () => {
  it("outlives the contact as a keyed hash, whatever comes later, until it is lifted", async () => {
    await deliver(await messagesOf(both({ event: "spam" })));
    await erase();
    await settle();
    const found = async (): Promise<unknown> => [
      ...(await findErased(env.DB, env.BUCKET, [ANN, JOANN, "x@y.z"])),
    ];
    expect(await found()).toEqual([[ANN, { reason: "complaint", since: 1_790_000_000_000 }]]);
    await deliver(await messagesOf(both({ event: "sent", time: 1_790_000_500 })));
    expect(await found()).toHaveLength(1);
    expect((await erase()).kept).toMatchObject({ reason: "complaint" });
    await settle();
    expect(await found()).toHaveLength(1);
    expect(await liftErased(env.DB, env.BUCKET, ANN)).toBe(true);
    expect(await liftErased(env.DB, env.BUCKET, ANN)).toBe(false);
    expect(await found()).toEqual([]);
    const plan = await rows<{ detail: string }>(
      "EXPLAIN QUERY PLAN SELECT e.hash FROM json_each('[]') AS h CROSS JOIN erased AS e ON e.hash = h.value",
    );
    expect(plan.map(({ detail }) => detail).join()).toMatch(/SEARCH e USING PRIMARY KEY/);
  });

  it("is told by every question about the address, and lifted like any other", async () => {
    await deliver(await messagesOf(both({ event: "spam" })));
    const stats = async (): Promise<unknown> =>
      await (await read("/v1/stats?from=2026-09-01&to=2026-10-01")).json();
    const before = await stats();
    await erase();
    await settle();
    expect(await stats()).toEqual(before);
    const json = { "content-type": "application/json" };
    const check = async () =>
      await (
        await read("/v1/suppressions/check", {
          method: "POST",
          headers: json,
          body: JSON.stringify({ addresses: [ANN.toUpperCase(), "x@y.z"] }),
        })
      ).json();
    expect(await check()).toMatchObject({
      addresses: [{ suppressed: true, reason: "complaint", scope: null }, { suppressed: false }],
    });
    const path = `/v1/suppressions/${encodeURIComponent(ANN)}`;
    expect(await (await read(path)).json()).toMatchObject({
      suppressed: true,
      suppression: { reason: "complaint", event: "erased", source: "erasure" },
    });
    expect((await read(`/v1/contacts/${encodeURIComponent(ANN)}`)).status).toBe(404);
    await deliver(
      await messagesOf(both({ event: "sent", time: Math.floor(Date.now() / 1000), MessageID: 77 })),
    );
    expect(await (await read(`/v1/contacts/${encodeURIComponent(ANN)}`)).json()).toMatchObject({
      status: "suppressed",
    });
    expect((await read(`${path}?reason=hard_bounce`, { method: "DELETE" })).status).toBe(404);
    expect((await read(path, { method: "DELETE" })).status).toBe(200);
    expect(await check()).toMatchObject({ addresses: [{ suppressed: false }, { suppressed: false }] });
    const body = JSON.stringify({ from: "2026-09-01", to: "2026-10-01" });
    const recount = await (await read("/v1/stats/recount", { method: "POST", headers: json, body })).json();
    expect(recount).toMatchObject({ status: "done", differing: 0 });
  });

  it("is hashed by a key that is made once, by whoever comes first", async () => {
    const own = (): R2Bucket =>
      new Proxy(env.BUCKET, {
        get: (bucket, name) => {
          const value: unknown = Reflect.get(bucket, name, bucket);
          return typeof value === "function"
            ? (...args: unknown[]): unknown => Reflect.apply(value, bucket, args)
            : value;
        },
      });
    await env.BUCKET.delete("keys/erasure");
    const hashes = await Promise.all(Array.from({ length: 5 }, async () => await hashOf(own(), ANN)));
    expect(new Set(hashes).size).toBe(1);
    expect(await hashOf(own(), JOANN)).not.toBe(hashes[0]);
    expect(await objects("keys/")).toEqual(["keys/erasure"]);
  });
});

describe("the tombstone", () => {
  it("stands for 35 days, and then the object goes", async () => {
    await deliver(await messagesOf(both()));
    await erase();
    await settle();
    const stub = env.CONTACTS.getByName(ANN);
    const keys = async (): Promise<number> =>
      await runInDurableObject(stub, (_, { storage }) => [...storage.kv.list()].length);
    pass(33 * DAY);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await keys()).toBe(1);
    pass(5 * DAY);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await keys()).toBe(0);
    await scheduled();
    expect(await figure("SELECT count(*) AS n FROM erasures WHERE hash IS NOT NULL")).toBe(0);
  });
});

describe("several at once", () => {
  it("share one walk, and do not undo each other", async () => {
    const names = Array.from({ length: 6 }, (_, i) => `p${i}@example.com`);
    const post = (): Request => mailjetPost(JSON.stringify(names.map((email) => mailjetEvent({ email }))));
    for (let i = 0; i < 4; i++) await deliver(await messagesOf(post()));
    pass(DAY); // so that no second look mends what the first one spoilt
    const asked = await Promise.all(names.slice(1).map(async (name) => await ask(name)));
    for (const { status } of asked) expect([202, 503]).toContain(status);
    let gets = 0;
    const counting = new Proxy(env.BUCKET, {
      get: (bucket, name) => {
        const value: unknown = Reflect.get(bucket, name, bucket);
        if (name === "get") gets += 1;
        return typeof value === "function"
          ? (...args: unknown[]): unknown => Reflect.apply(value, bucket, args)
          : value;
      },
    });
    pass(21 * MINUTE);
    for (let i = 0; i < 3; i++) await scheduled(envWith({ BUCKET: counting }));
    expect(gets).toBeLessThanOrEqual(8);
    for (const name of names.slice(1)) expect(await traces(name)).toEqual([]);
    expect(await rows("SELECT contact FROM events")).toEqual([{ contact: "p0@example.com" }]);
    expect(await figure("SELECT count(*) AS n FROM erasures WHERE finished_at IS NULL")).toBe(0);
  });
});

it("walks no table, and costs little more than the rows that go", async () => {
  for (let part = 0; part < 3; part++)
    await deliver(
      await messagesOf(
        mailjetPost(
          JSON.stringify(
            Array.from({ length: 200 }, (_, i) =>
              mailjetEvent({
                email: ANN,
                MessageID: 1 + part * 100 + (i >> 1),
                time: 1_790_000_000 + part * 500 + i,
              }),
            ),
          ),
        ),
      ),
    );
  const asked = new Set<string>();
  let written = 0;
  const counting = {
    prepare: (sql: string) => (asked.add(sql), env.DB.prepare(sql)),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await env.DB.batch(statements);
      written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
      return results;
    },
    withSession: () => env.DB.withSession(),
  };
  const first = await (await ask(ANN, "", envWith({ DB: counting }))).json<Receipt>();
  expect(first.removed).toMatchObject({ events: 600, messages: 300 });
  expect(await figure("SELECT count(*) AS n FROM messages")).toBe(0);
  pass(21 * MINUTE);
  await scheduled(envWith({ DB: counting }));
  await ask(ANN, "", envWith({ DB: counting }));
  expect((await receipt(first.id)).status).toBe("done");
  console.log({ message: "rows written by an erasure of 600 events and 300 messages", written });
  expect(written).toBeLessThanOrEqual(600 * 2 + 300 + 40);
  expect(asked.size).toBeGreaterThan(15);
  for (const sql of asked) {
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
    for (const { detail } of plan)
      expect(detail, sql).not.toMatch(/SCAN (events|e|n|messages|contacts|c|t|suppressions|s|rollups)\b/);
  }
});

describe("between any two calls", () => {
  const requests = (): Request[] => [
    both({ event: "bounce", hard_bounce: true }),
    mailjetPost(
      JSON.stringify([
        mailjetEvent({ email: ANN, time: "?" }),
        mailjetEvent({ email: JOANN, time: 1_790_000_007 }),
      ]),
    ),
  ];
  /** What is left in the queue is delivered again; then it has all come to rest. */
  const rest = async (bodies: readonly Uint8Array[]): Promise<void> => {
    expect((await deliver(bodies)).acked).toHaveLength(bodies.length);
    await settle();
    expect(await traces(ANN)).toEqual([]);
    expect(await rows("SELECT contact FROM events ORDER BY at")).toEqual([
      { contact: JOANN },
      { contact: JOANN },
    ]);
    expect(await figure("SELECT count(*) AS n FROM suppressions")).toBe(1);
  };

  it("of a consumer, somebody may be erased", async () => {
    let calls = Infinity;
    let retried = 0;
    for (let k = 1; k <= calls; k++) {
      await freshWithKey();
      const bodies = await messagesOf(...requests());
      const consumer = interrupted(envWith(), k, ask);
      const outcome = await deliver(bodies, consumer.bindings);
      calls = consumer.calls();
      retried += outcome.retried.length;
      await rest(outcome.retried.flatMap((index) => bodies[index] ?? []));
    }
    expect(calls).toBeGreaterThan(5);
    // The transaction that would have brought the contact back was refused.
    expect(retried).toBeGreaterThan(0);
  });

  it("of an erasure, a consumer may run", async () => {
    let calls = Infinity;
    for (let k = 1; k <= calls; k++) {
      await freshWithKey();
      const bodies = await messagesOf(...requests());
      let left = bodies;
      const erasure = interrupted(envWith(), k, async () => {
        const { retried } = await deliver(bodies);
        left = retried.flatMap((index) => bodies[index] ?? []);
      });
      expect((await ask(ANN, "", erasure.bindings)).status).toBe(202);
      calls = erasure.calls();
      await rest(left);
    }
    expect(calls).toBeGreaterThan(5);
  });
});

describe("whatever fails, and in whatever order", () => {
  const post = fc.record({
    kind: fc.constant("post" as const),
    shape: fc.constantFrom("both", "ann", "unread", "form", "garbage", "joann"),
    event: fc.constantFrom("sent", "spam", "bounce"),
    time: fc.nat(2),
    at: fc.constantFrom("queue", "spool"),
  });
  const act = fc.oneof(
    { weight: 5, arbitrary: post },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("consume" as const), most: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 3, arbitrary: fc.constant({ kind: "erase" as const }) },
    { weight: 2, arbitrary: fc.constant({ kind: "run" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "bury" as const }) },
  );
  const step = fc.record({
    acts: fc.array(act, { minLength: 1, maxLength: 3 }),
    wait: fc.constantFrom(1, 1_000, 21 * MINUTE),
    fails: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 14 })),
    fault: fc.constantFrom<Fault>("before", "after", "death"),
  });
  const TYPES = { sent: "delivered", spam: "complained", bounce: "bounced" };
  const SHAPES: Record<string, (event: object) => Request> = {
    both: (event) => both(event as Record<string, unknown>),
    ann: (event) => mailjetPost(JSON.stringify({ ...mailjetEvent(), ...event, email: "Ann@EXAMPLE.com" })),
    joann: (event) => mailjetPost(JSON.stringify({ ...mailjetEvent(), ...event, email: JOANN })),
    unread: (event) =>
      mailjetPost(JSON.stringify([{ ...mailjetEvent(), ...event, time: "?" }, { x: JOANN }, 1])),
    garbage: () => mailjetPost(`not JSON, of ANN%40example.com`),
    form: () =>
      new Request(
        "https://edge.example/webhooks/jangomail?token=jango-token&event=open&email=ann%40example.com&time=2026-10-01",
      ),
  };

  it("the address is found nowhere in the end, and others keep every event and count", async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), async (steps) => {
        await freshWithKey();
        let waiting: Uint8Array[] = [];
        const expected = new Set<string>();
        const run = async (acts: (typeof steps)[number]["acts"], bindings: Env): Promise<void> => {
          // What the queue took it has, even from a run that died after it.
          const { queue, bodies } = capture();
          const all = acts.map(async (one) => {
            if (one.kind === "post") {
              const event = { event: one.event, hard_bounce: true, time: 1_790_000_000 + one.time };
              const request = SHAPES[one.shape]?.(event) ?? both();
              const path =
                one.at === "spool" ? request.url.replace("/webhooks", "/backup/webhooks") : request.url;
              const answer = await send(new Request(path, request), {
                ...bindings,
                QUEUE: queue as Queue,
              }).catch(() => null);
              if (answer?.status === 200 && (one.shape === "both" || one.shape === "joann"))
                expected.add(`${TYPES[one.event]} ${event.time * 1000}`);
            } else if (one.kind === "erase") await ask(ANN, "", bindings);
            else if (one.kind === "run")
              await scheduled({ ...bindings, QUEUE: queue as Queue }).catch(() => {});
            else {
              const taken = waiting.splice(0, one.kind === "bury" ? 1 : one.most);
              const end = one.kind === "bury" ? { queue: DEAD_QUEUE } : {};
              const dead = new Promise<null>((resolve) => void setTimeout(() => resolve(null), 400));
              const outcome = await Promise.race([deliver(taken, bindings, end), dead]);
              // A run that died, or is still hanging, has acknowledged nothing that the queue heard of.
              const acked = new Set(outcome?.acked);
              waiting.push(...taken.filter((_, index) => !acked.has(index)));
            }
          });
          const late = new Promise<void>((resolve) => void setTimeout(resolve, 1_000));
          await Promise.race([Promise.all(all), late]);
          waiting.push(...bodies);
        };
        for (const { acts, wait, fails, fault } of steps) {
          pass(wait);
          await run(acts, faulty(envWith(), fails, fault).bindings);
        }
        // Asked for a last time, and from then on nothing fails.
        pass(1);
        expect((await ask()).status).toBe(202);
        for (let n = 0; n < 6; n++) {
          pass(21 * MINUTE);
          await run([{ kind: "run" }], envWith());
          while (waiting.length > 0)
            waiting = waiting.slice((await deliver(waiting.slice(0, 100))).acked.length);
        }
        expect(await figure("SELECT count(*) AS n FROM erasures WHERE finished_at IS NULL")).toBe(0);
        expect(await traces(ANN)).toEqual([]);
        // Nothing of the others is lost or counted twice: the counters hold each of their events once.
        const stored = await rows<{ name: string }>("SELECT type || ' ' || at AS name FROM events");
        const names = new Set(stored.map(({ name }) => name));
        expect(names.size).toBe(stored.length);
        const buried = steps.some(({ acts }) => acts.some(({ kind }) => kind === "bury"));
        if (!buried) expect([...expected].filter((name) => !names.has(name))).toEqual([]);
        const counted = await figure(
          `SELECT count(*) AS n FROM (SELECT at / 300000 * 300000 AS bucket, type, count(*) AS n FROM events GROUP BY 1, 2) AS e
           LEFT JOIN (SELECT bucket, type, sum(n) AS n FROM rollups GROUP BY 1, 2) AS r USING (bucket, type)
           WHERE r.n IS NULL OR r.n < e.n`,
        );
        expect(counted).toBe(0);
        found += stored.length;
        for (const raw of ((await others(ANN)) as { raws: { email: string }[] }).raws)
          expect(raw.email).toBe(JOANN);
      }),
      {
        numRuns: 40,
        examples: [
          // An envelope is kept whole as a dead letter, and its row fails: nothing but the bucket knows of it then.
          [
            [
              { acts: [{ kind: "erase" }], wait: 1, fails: 4, fault: "before" },
              {
                acts: [{ kind: "run" }, { kind: "post", shape: "both", event: "sent", time: 0, at: "queue" }],
                wait: 21 * MINUTE,
                fails: 0,
                fault: "before",
              },
              { acts: [{ kind: "bury" }], wait: 1, fails: 3, fault: "before" },
            ],
          ],
        ],
      },
    );
    expect(found).toBeGreaterThan(10);
  }, 300_000);
});
