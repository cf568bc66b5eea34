// Door 2: every event exactly once, whatever fails, repeats or comes late.

import { env, exports } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { CLAIMS_LIVE, decide, type Claim } from "../../src/contact/claims.ts";
import { configOf } from "../../src/config/config.ts";
import { NO_EVIDENCE } from "../../src/model/suppression/evidence.ts";
import { DEFAULT_POLICY, samePolicy } from "../../src/model/suppression/policy.ts";
import { readEnvelope } from "../../src/process/parse.ts";
import { getEnvelope } from "../../src/store/bucket/archive.ts";
import { faulty, type Fault } from "../support/faults.ts";
import {
  capture,
  DEAD_QUEUE,
  deliver,
  envWith,
  figure,
  finalState,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  read,
  rows,
} from "../support/support.ts";

beforeEach(freshStorage);

const DAY = 86_400;

describe("through the real queue", () => {
  it("stores 10,000 events of 100 grouped POSTs, each sent twice, shuffled and concurrent, exactly once", async () => {
    const kinds = ["sent", "open", "click", "bounce", "unsub"];
    const posts = Array.from({ length: 100 }, (_, post) =>
      JSON.stringify(
        Array.from({ length: 100 }, (_, i) => {
          const n = post * 100 + i;
          return mailjetEvent({
            event: kinds[n % kinds.length],
            time: 1_790_000_000 + (n % 977),
            MessageID: 5_000_000 + n,
            email: `c${n % 250}@${n % 3 === 0 ? "gmail.com" : "example.com"}`,
            mj_campaign_id: n % 4,
            hard_bounce: n % 2 === 0,
            url: "https://example.com/",
          });
        }),
      ),
    );
    const local = env.SOURCE_CREDENTIALS.includes("mailjet:local-only") ? "mailjet:local-only" : "";
    const requests = [...posts, ...posts]
      .map((body, i) => ({ body, order: (i * 7919) % 200 }))
      .sort((a, b) => a.order - b.order)
      .map(({ body }) =>
        mailjetPost(body, undefined, { headers: { authorization: `Basic ${btoa(local)}` } }),
      );
    for (let i = 0; i < requests.length; i += 20) {
      const answers = await Promise.all(
        requests.slice(i, i + 20).map(async (request) => await exports.default.fetch(request)),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      await Promise.all(answers.map(async (answer) => await answer.arrayBuffer()));
    }
    await vi.waitFor(
      async () => {
        const { n } = (await rows<{ n: number }>("SELECT events + duplicates AS n FROM sources"))[0] ?? {
          n: 0,
        };
        expect(n).toBe(20_000);
      },
      { timeout: 50_000, interval: 200 },
    );
    expect(await rows("SELECT events, duplicates, pings FROM sources")).toEqual([
      { events: 10_000, duplicates: 10_000, pings: 0 },
    ]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(10_000);
    expect(await figure("SELECT count(DISTINCT message_id) AS n FROM events")).toBe(10_000);
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(10_000);
    expect(await figure("SELECT sum(n) AS n FROM campaign_rollups")).toBe(10_000);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(0);
    expect(await recount()).toEqual({ rollups: [], campaigns: [] });
  }, 90_000);
});

/** Cells of the rollups that differ from a count over the rows. */
async function recount(): Promise<Record<string, unknown[]>> {
  const bounce = "coalesce(details ->> 'bounce', '')";
  const byTime = `SELECT at / 300000 * 300000, source, type, ${bounce}, count(*) FROM events GROUP BY 1, 2, 3, 4`;
  const byDay = `SELECT at / 86400000 * 86400000, coalesce(campaign, ''), source, type, ${bounce}, count(*) FROM events GROUP BY 1, 2, 3, 4, 5`;
  const rolled = "SELECT bucket, source, type, bounce, sum(n) FROM rollups GROUP BY 1, 2, 3, 4";
  const campaigns = "SELECT day, campaign, source, type, bounce, n FROM campaign_rollups";
  const differ = async (a: string, b: string): Promise<unknown[]> =>
    await rows(`SELECT * FROM (${a} EXCEPT ${b}) UNION ALL SELECT * FROM (${b} EXCEPT ${a})`);
  return { rollups: await differ(byTime, rolled), campaigns: await differ(byDay, campaigns) };
}

/** Deliveries that touch everything: several contacts and slices, repeats, a ping, rejects, a large body, suppression. */
async function mixedMessages(): Promise<Uint8Array[]> {
  const soft = (day: number) =>
    mailjetEvent({
      event: "bounce",
      hard_bounce: false,
      time: 1_790_000_000 + day * DAY,
      email: "soft@example.com",
      MessageID: 300 + day,
    });
  const first = [
    mailjetEvent({ MessageID: 19421777396190490, CustomID: "order-1" }),
    mailjetEvent({ event: "bounce", hard_bounce: true, email: "hard@gmail.com", error: "user unknown" }),
    mailjetEvent({ event: "bounce", hard_bounce: true, email: "hard@gmail.com", error: "user unknown" }),
    soft(0),
    soft(1),
    "not an event",
    mailjetEvent({ email: "", MessageID: 0 }),
  ];
  const second = [
    soft(2),
    mailjetEvent({ event: "spam", email: "hard@gmail.com", time: 1_790_000_100 }),
    first[0],
  ];
  const large = Array.from({ length: 40 }, (_, i) =>
    mailjetEvent({
      email: `l${i % 7}@outlook.com`,
      MessageID: 900 + i,
      Payload: crypto.getRandomValues(new Uint32Array(900)).join(""),
    }),
  );
  const posts = [first, second, large].map((events) => mailjetPost(JSON.stringify(events)));
  return await messagesOf(...posts, mailjetPost("{broken"), mailjetPost(JSON.stringify(first)));
}

describe("faults", () => {
  it("ends in the same state whichever call of queue, object, bucket or database fails, before or after taking effect, or with the process", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const messages = await mixedMessages();
    const archived = await copies("archive/");
    const counting = faulty(envWith(), 0, "before");
    expect((await deliver(messages, counting.bindings)).acked).toHaveLength(messages.length);
    const calls = counting.calls();
    expect(calls).toBeGreaterThan(12);
    const expected = await finalState();
    expect(expected).toMatchObject({ sources: [{ events: 46, duplicates: 7, pings: 2 }] });
    expect(expected["letters"]).toHaveLength(3);
    let redelivered = 0;
    for (let k = 1; k <= calls; k++) {
      for (const fault of ["before", "after", "death"] as Fault[]) {
        await freshStorage();
        for (const [key, bytes] of archived) await env.BUCKET.put(key, bytes);
        const broken = faulty(envWith(), k, fault);
        const again = await attempt(messages, broken);
        redelivered += again.length;
        const { retried } = await deliver(again, envWith(), { attempts: 2 });
        expect(retried, `call ${k} ${fault}`).toEqual([]);
        expect(await finalState(), `call ${k} ${fault}`).toEqual(expected);
      }
    }
    expect(redelivered).toBeGreaterThan(calls);
    await everyRawIsThere();
    quiet.mockRestore();
  }, 120_000);

  it("stores the same when the process dies before any acknowledgement is sent", async () => {
    const messages = await mixedMessages();
    const archived = await copies("archive/");
    await deliver(messages);
    const expected = await finalState();
    await deliver(messages, envWith(), { attempts: 2 });
    await deliver(messages.toReversed(), envWith(), { attempts: 3 });
    for (const message of messages) await deliver([message, message], envWith(), { attempts: 4 });
    expect(await finalState()).toEqual(expected);
    // The queue may deliver a message twice in one batch, too.
    await freshStorage();
    for (const [key, bytes] of archived) await env.BUCKET.put(key, bytes);
    expect((await deliver([...messages, ...messages])).acked).toHaveLength(2 * messages.length);
    expect(await finalState()).toEqual(expected);
  });

  it("grants an envelope again what it was granted, also by an object that was evicted in between", async () => {
    const messages = await mixedMessages();
    const down = envWith({
      DB: {
        prepare: (sql: string) => env.DB.prepare(sql),
        batch: async () => await Promise.reject(new Error("D1 DB is overloaded")),
      },
    });
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await deliver(messages, down)).acked).toEqual([]);
    quiet.mockRestore();
    for (const name of ["hard@gmail.com", "soft@example.com"])
      await evictDurableObject(env.CONTACTS.getByName(name));
    expect((await deliver(messages)).retried).toEqual([]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(46);
    expect(await rows("SELECT contact, suppressed FROM contacts ORDER BY contact")).toEqual([
      { contact: "hard@gmail.com", suppressed: "complaint" },
      { contact: "soft@example.com", suppressed: "soft_bounces" },
    ]);
  });

  it("retries with growing delay, and never past the time that the queue keeps a message", async () => {
    const { retryDelay } = await import("../../src/process/retry.ts");
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, random) => {
          const delay = retryDelay(attempts, random);
          expect(delay).toBeGreaterThanOrEqual(1);
          expect(delay).toBeLessThanOrEqual(43_200);
          expect(retryDelay(attempts + 1, random)).toBeGreaterThanOrEqual(delay);
        },
      ),
    );
    const total = Array.from({ length: 100 }, (_, i) => retryDelay(i + 1, 0)).reduce((a, b) => a + b, 0);
    expect(total).toBeGreaterThan(DAY);
    expect(total).toBeLessThan(3 * DAY);
  });
});

/** One try with broken bindings; the messages that the queue would deliver again. */
async function attempt(
  messages: readonly Uint8Array[],
  broken: ReturnType<typeof faulty>,
): Promise<Uint8Array[]> {
  const gone = new Promise<null>((resolve) => {
    const watch = (): void =>
      void (broken.dead() ? setTimeout(() => resolve(null), 30) : setTimeout(watch, 2));
    watch();
  });
  const outcome = deliver(messages, broken.bindings);
  const result = await Promise.race([outcome, gone]);
  // A process that died sent no acknowledgement at all.
  return result === null || broken.dead()
    ? [...messages]
    : result.retried.map((i) => messages[i] ?? new Uint8Array(0));
}

async function copies(prefix: string): Promise<[string, ArrayBuffer][]> {
  const keys = await objects(prefix);
  return await Promise.all(
    keys.map(async (key): Promise<[string, ArrayBuffer]> => [
      key,
      (await (await env.BUCKET.get(key))?.arrayBuffer()) ?? new ArrayBuffer(0),
    ]),
  );
}

async function everyRawIsThere(): Promise<void> {
  for (const { batch, line } of await rows<{ batch: string; line: number }>(
    "SELECT DISTINCT batch, line FROM events",
  )) {
    expect(await getEnvelope(env.BUCKET, batch, line)).not.toBeNull();
  }
}

describe("elements and bodies", () => {
  it("keeps the good ones among bad ones, and every bad one as a dead letter", async () => {
    const elements = [
      1,
      null,
      "x",
      [],
      {},
      { event: "open" },
      mailjetEvent({ email: "nonsense" }),
      mailjetEvent({ time: "soon" }),
    ];
    const good = [mailjetEvent(), mailjetEvent({ event: "newsender", email: "new@example.com" })];
    await deliver(await messagesOf(mailjetPost(JSON.stringify([...elements, ...good]))));
    expect(await rows("SELECT type FROM events ORDER BY seq")).toEqual([
      { type: "opened" },
      { type: "unknown" },
    ]);
    const pings = await figure("SELECT pings AS n FROM sources");
    expect((await figure("SELECT count(*) AS n FROM dead_letters")) + pings).toBe(elements.length);
  });

  it("accounts for bodies that no parser can read", async () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const bodies: [body: BodyInit, letters: number][] = [
      ["{broken", 1],
      ['[{"event":"open"', 1],
      [new TextEncoder().encode('{"event":"é"}').map((byte) => (byte === 0xc3 ? 0xff : byte)), 1],
      [Buffer.from(JSON.stringify([mailjetEvent()]), "utf16le"), 1],
      [deep, 1],
      ["", 0],
      ["  \n", 0],
      ["null", 1],
      ["42", 1],
      ['"text"', 1],
      ["[]", 0],
      ["{}", 1],
      ["\0\0\0", 1],
      [JSON.stringify(Array.from({ length: 3_000 }, () => 0)), 1],
    ];
    for (const [index, [body, letters]] of bodies.entries()) {
      await freshStorage();
      const result = await deliver(await messagesOf(mailjetPost(body)));
      expect(result).toEqual({ acked: [0], retried: [] });
      expect(await figure("SELECT count(*) AS n FROM dead_letters"), `body ${index}`).toBe(letters);
      expect(await objects("dead-letters/")).toHaveLength(letters);
      expect(await figure("SELECT count(*) AS n FROM sources")).toBe(1);
    }
  });

  it("isolates an event that the database refuses, and stores its neighbours", async () => {
    const events = Array.from({ length: 9 }, (_, i) =>
      mailjetEvent({ email: `n${i}@example.com`, MessageID: 10 + i }),
    );
    const refusing = {
      prepare: (sql: string) => ({
        bind: (...values: string[]) =>
          Object.assign(env.DB.prepare(sql).bind(...values), {
            poisoned: values.some((v) => v.includes('"n5@example.com",1')),
          }),
      }),
      batch: async (statements: (D1PreparedStatement & { poisoned: boolean })[]) => {
        if (statements.some(({ poisoned }) => poisoned))
          throw new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG");
        return await env.DB.batch(statements);
      },
    };
    expect(
      (await deliver(await messagesOf(mailjetPost(JSON.stringify(events))), envWith({ DB: refusing }))).acked,
    ).toEqual([0]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(8);
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(8);
    const [letter] = await rows<{ id: string; raw: string }>("SELECT id, raw FROM dead_letters");
    expect(JSON.parse(letter?.raw ?? "")).toMatchObject({ email: "n5@example.com" });
    expect(await objects("dead-letters/")).toHaveLength(1);
  });

  it("never passes over an event that the table cannot hold", async () => {
    const { storeSlice } = await import("../../src/store/write/slice.ts");
    const work = readEnvelope(
      {
        envelope: {
          id: "e",
          source: "mailjet",
          provider: "mailjet",
          receivedAt: 1,
          method: "POST",
          url: "https://edge.example/",
          headers: [],
          body: new TextEncoder().encode(JSON.stringify([mailjetEvent()])),
        },
        batch: "b",
        line: 0,
        problem: null,
      },
      configOf(envWith()),
    );
    const events = work.events.map(({ row }) => ({ ...row, at: NaN }));
    const nothing = { contacts: [], sources: [], tallies: [], deadLetters: [], replayed: [] };
    await expect(storeSlice(env.DB, { ...nothing, events })).rejects.toThrow(/constraint failed/i);
    expect(await figure("SELECT count(*) AS n FROM rollups")).toBe(0);
  });

  it("makes dead letters of messages that are no envelopes, and of envelopes whose body is gone", async () => {
    const [pointer] = await messagesOf(
      mailjetPost(
        Array.from({ length: 6 }, () => crypto.getRandomValues(new Uint8Array(60_000)).join("")).join(""),
      ),
    );
    for (const key of await objects("archive/")) await env.BUCKET.delete(key);
    const strange = [
      new Uint8Array(3),
      new TextEncoder().encode("hello there, this is text"),
      pointer ?? new Uint8Array(0),
    ];
    expect((await deliver(strange)).acked).toEqual([0, 1, 2]);
    const reasons = await rows<{ reason: string }>("SELECT reason FROM dead_letters ORDER BY reason");
    expect(reasons.map(({ reason }) => reason)).toEqual([
      "its body is gone from the archive",
      "the queue message is not an envelope",
      "the queue message is not an envelope",
    ]);
  });

  it("works off a batch of a hundred envelopes and many slices", async () => {
    const post = (n: number): Request =>
      mailjetPost(
        JSON.stringify(
          Array.from({ length: 60 }, (_, i) =>
            mailjetEvent({ email: `w${(n * 60 + i) % 50}@example.com`, MessageID: n * 60 + i + 1 }),
          ),
        ),
      );
    const messages = await messagesOf(...Array.from({ length: 100 }, (_, n) => post(n)));
    expect((await deliver(messages)).acked).toHaveLength(100);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(6_000);
    expect(await objects("archive/")).toHaveLength(1);
  });
});

describe("message ids", () => {
  it("come back digit for digit, raw included, with 17 to 19 digits", async () => {
    const ids = [
      "19421777396190490",
      "94012642276192743",
      "1152921504606846977",
      "9223372036854775807",
      "10000000000000001",
    ];
    const body = `[${ids.map((id) => JSON.stringify(mailjetEvent({ Payload: '{"MessageID":12345678901234567891}' })).replace('"MessageID":1000', `"MessageID": ${id}`)).join(",")}]`;
    await deliver(await messagesOf(mailjetPost(body)));
    const { events } = await (
      await read("/v1/events")
    ).json<{ events: { id: string; message_id: string }[] }>();
    expect(events.map(({ message_id }) => message_id)).toEqual(ids);
    for (const [i, { id }] of events.entries()) {
      const text = await (await read(`/v1/events/${id}`)).text();
      expect(text).toContain(`"MessageID":${ids[i]}`);
      expect(text).toContain('"metadata":{"MessageID":"12345678901234567891"}');
    }
  });
});

describe("the platform's dead-letter queue", () => {
  it("is kept whole, can be replayed, and is gone when it went through", async () => {
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent(), "bad"])));
    await deliver(messages, envWith(), { queue: DEAD_QUEUE, attempts: 1 });
    const [letter] = await rows<{ id: string }>("SELECT id FROM dead_letters");
    const { queue, bodies } = capture();
    const { send } = await import("../support/support.ts");
    const request = new Request(`https://edge.example/v1/dead-letters/${letter?.id}/replay`, {
      method: "POST",
      headers: { authorization: "Bearer api-token" },
    });
    expect((await send(request, envWith({ QUEUE: queue }))).status).toBe(202);
    await deliver(bodies);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
    expect(await rows("SELECT raw FROM dead_letters")).toEqual([{ raw: '"bad"' }]);
    await deliver(bodies, envWith(), { attempts: 2 });
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(1);
  });

  it("loses nothing while the database is away: retried, then back to the spool", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()])));
    const down = envWith({
      DB: {
        batch: async () => await Promise.reject(new Error("down")),
        prepare: (sql: string) => env.DB.prepare(sql),
      },
    });
    expect(await deliver(messages, down, { queue: DEAD_QUEUE, attempts: 3 })).toEqual({
      acked: [],
      retried: [0],
    });
    expect(await deliver(messages, down, { queue: DEAD_QUEUE, attempts: 20 })).toEqual({
      acked: [0],
      retried: [],
    });
    expect(await objects("spool/")).toHaveLength(1);
    quiet.mockRestore();
  });
});

describe("Cloudflare Email Service", () => {
  const event = (n: number) => ({
    type: "cf.email.sending.message.bounced",
    source: { type: "email.sending", domain: "mail.example.com" },
    payload: { eventId: `e${n}`, messageId: `m${n}`, recipient: "ann@example.com", bounceType: "hard" },
    metadata: { eventTimestamp: "2026-11-20T10:00:00.000Z" },
  });

  it("has its own queue, whose events are stored once like any other", async () => {
    await env.EMAIL_EVENTS.sendBatch(
      [1, 2, 2].map((n) => ({ body: event(n), contentType: "json" as const })),
    );
    await vi.waitFor(
      async () =>
        expect(await rows("SELECT events, duplicates FROM sources")).toEqual([{ events: 2, duplicates: 0 }]),
      { timeout: 20_000, interval: 100 },
    );
    expect(await rows("SELECT contact, suppressed FROM contacts")).toEqual([
      { contact: "ann@example.com", suppressed: "hard_bounce" },
    ]);
    const { events } = await (await read("/v1/events")).json<{ events: { id: string }[] }>();
    const one = await (await read(`/v1/events/${events[0]?.id}`)).json<{ raw: unknown }>();
    expect(one.raw).toEqual(event(1));
  });

  it("stores an event that was claimed before the database failed for good, whatever the message's id is then", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const down = envWith({ DB: { batch: async () => await Promise.reject(new Error("down")) } });
    expect(await deliver([event(5)], down)).toEqual({ acked: [], retried: [0] });
    await deliver([event(5)], down, { queue: DEAD_QUEUE, attempts: 20, firstId: 77 });
    quiet.mockRestore();
    const [key = ""] = await objects("spool/");
    const spooled = await (await env.BUCKET.get(key))?.arrayBuffer();
    await deliver([new Uint8Array(spooled ?? new ArrayBuffer(0))]);
    expect(await rows("SELECT message_id FROM events")).toEqual([{ message_id: "m5" }]);
  });

  it("redelivers without harm, and what the platform gives up on is a dead letter that can be replayed", async () => {
    const messages = [event(1), { ...event(2), payload: {} }];
    await deliver(messages);
    await deliver(messages, envWith(), { attempts: 2 });
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(1);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(1);
    await freshStorage();
    await deliver([event(3)], envWith(), { queue: DEAD_QUEUE });
    const [letter] = await rows<{ id: string; provider: string }>("SELECT id, provider FROM dead_letters");
    expect(letter?.provider).toBe("cloudflare");
    await freshStorage();
    const down = envWith({ DB: { batch: async () => await Promise.reject(new Error("down")) } });
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const given = await deliver([event(4)], down, { queue: DEAD_QUEUE, attempts: 20 });
    quiet.mockRestore();
    expect(given).toEqual({ acked: [0], retried: [] });
    const [key = ""] = await objects("spool/");
    const spooled = await (await env.BUCKET.get(key))?.arrayBuffer();
    await deliver([new Uint8Array(spooled ?? new ArrayBuffer(0))]);
    expect(await rows("SELECT message_id FROM events")).toEqual([{ message_id: "m4" }]);
  });
});

describe("order", () => {
  const story = [
    mailjetEvent({ event: "sent", time: 1_790_000_000, MessageID: 1 }),
    mailjetEvent({ event: "bounce", hard_bounce: false, time: 1_790_000_000 + DAY, MessageID: 2 }),
    mailjetEvent({ event: "bounce", hard_bounce: false, time: 1_790_000_000 + 2 * DAY, MessageID: 3 }),
    mailjetEvent({ event: "open", time: 1_790_000_000 + 2.5 * DAY, MessageID: 1 }),
    mailjetEvent({ event: "bounce", hard_bounce: false, time: 1_790_000_000 + 3 * DAY, MessageID: 4 }),
    mailjetEvent({ event: "unsub", time: 1_790_000_000 + 3 * DAY, MessageID: 1 }),
    mailjetEvent({ event: "sent", time: 1_790_000_000 + 4 * DAY, MessageID: 2 }),
  ];

  it("does not matter, however the events are permuted and cut into deliveries", async () => {
    await deliver(await messagesOf(mailjetPost(JSON.stringify(story))));
    const expected = await finalState();
    expect(expected["contacts"]).toEqual([
      { contact: "ann@example.com", suppressed: "unsubscribed", since: (1_790_000_000 + 3 * DAY) * 1000 },
    ]);
    const status = async (): Promise<unknown> =>
      (await (await read("/v1/messages/1")).json<{ status: string }>()).status;
    expect(await status()).toBe("unsubscribed");
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(story, { minLength: story.length, maxLength: story.length }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 7, maxLength: 7 }),
        async (order, cuts) => {
          await freshStorage();
          let at = 0;
          for (const size of cuts) {
            if (at >= order.length) break;
            const part = order.slice(at, at + size);
            at += size;
            await deliver(await messagesOf(mailjetPost(JSON.stringify(part))));
          }
          const { messages: _, sources: __, ...state } = await finalState();
          const { messages: ___, sources: ____, ...wanted } = expected;
          // `element` is the place in the delivery, which the cutting changes.
          const plain = (value: unknown): unknown =>
            JSON.parse(JSON.stringify(value, (key, v: unknown) => (key === "element" ? 0 : v)));
          expect(plain(state)).toEqual(plain(wanted));
          expect(await status()).toBe("unsubscribed");
        },
      ),
      { numRuns: 12 },
    );
  });

  it("of versions does not matter to the database: an older state never replaces a newer one", async () => {
    const { storeSlice } = await import("../../src/store/write/slice.ts");
    const nothing = { events: [], sources: [], tallies: [], deadLetters: [], replayed: [] };
    const entry = (event: string) => ({
      reason: "hard_bounce" as const,
      event,
      source: "mailjet",
      scope: "",
      at: 5,
      by: null,
      note: null,
      lifted_at: null,
      lifted_by: null,
      lift_note: null,
      held: null,
    });
    const older = {
      contact: "a@example.com",
      version: 7,
      suppressed: "hard_bounce" as const,
      since: 5,
      suppressions: [entry("e1")],
    };
    const newer = { ...older, version: 8, suppressions: [entry("e2")] };
    for (const order of [
      [older, newer],
      [newer, older],
      [newer, older, newer],
    ]) {
      await freshStorage();
      for (const change of order) await storeSlice(env.DB, { ...nothing, contacts: [change] });
      expect(await rows("SELECT version FROM contacts")).toEqual([{ version: 8 }]);
      expect(await rows("SELECT event, version FROM suppressions")).toEqual([{ event: "e2", version: 8 }]);
    }
  });
});

describe("what it costs", () => {
  it("writes exactly these rows for a known input, within the budget", async () => {
    let written = 0;
    const counting = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        const results = await env.DB.batch(statements);
        written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
        return results;
      },
    };
    let objectRows = 0;
    const contacts = {
      getByName: (name: string) => ({
        claim: async (claims: Claim[], elsewhere: string[]) => {
          const answer = await env.CONTACTS.getByName(name).claim(claims, elsewhere);
          objectRows += answer.written;
          return answer;
        },
      }),
    };
    // 60 POSTs of 50: 1,000 messages of three events each, told at three times, all contacts new.
    const kinds = ["sent", "open", "click"];
    const events = kinds.flatMap((event, stage) =>
      Array.from({ length: 1000 }, (_, i) =>
        mailjetEvent({
          event,
          time: 1_790_000_000 + stage * 60,
          MessageID: 7000 + i,
          email: `r${i}@${["gmail.com", "outlook.com", "example.com"][i % 3]}`,
          url: "https://example.com",
        }),
      ),
    );
    const posts = Array.from({ length: 60 }, (_, i) =>
      mailjetPost(JSON.stringify(events.slice(i * 50, i * 50 + 50))),
    );
    const messages = await messagesOf(...posts);
    for (let i = 0; i < 60; i += 20)
      await deliver(messages.slice(i, i + 20), envWith({ DB: counting, CONTACTS: contacts }));
    // 3,000 events x 2, 1,000 messages, rollups 3 x 3 destinations by time and by day, 3 campaigns and their index,
    // sources 3, archive objects 3, AUTOINCREMENT's own row 3. Uniques cost no row.
    expect(written).toBe(3_000 * 2 + 1_000 + 2 * 3 * 3 + 3 + 3 + 3 + 3 + 3);
    expect(written / 3_000).toBeLessThanOrEqual(2.5);
    // 1,000 contacts, all new, x 3 calls, and one alarm each.
    expect(objectRows).toBe(3_000 + 1_000);
    expect(objectRows / 3_000).toBeLessThanOrEqual(1.4);
    for (let i = 0; i < 60; i += 20)
      await deliver(messages.slice(i, i + 20), envWith({ DB: counting, CONTACTS: contacts }), {
        attempts: 2,
      });
    expect(written - (3_000 * 2 + 1_000 + 2 * 3 * 3 + 3 + 3 + 3 + 3 + 3)).toBe(3 + 3 + 0);
  });
});

describe("a contact's object", () => {
  it("drops expired claims with its next change, and not before", () => {
    const claims: [string, string, number][] = [
      ["old", "first", 0],
      ["young", "first", 1],
    ];
    const state = { facts: NO_EVIDENCE, version: 0, suppressions: [], claims };
    const origins = new Map([
      ["old", "first"],
      ["young", "first"],
    ]);
    const claim = (key: string) =>
      decide(
        state,
        origins,
        { claims: [{ key, origin: "second", evidence: null, received: 0 }] },
        CLAIMS_LIVE,
        samePolicy(DEFAULT_POLICY),
      );
    expect(claim("young")).toMatchObject({ granted: [false], state: { claims } });
    expect(claim("new").state.claims).toEqual([
      ["young", "first", 1],
      ["new", "second", CLAIMS_LIVE],
    ]);
  });

  it("forgets claims after thirty days and goes when nothing is left to know; a suppressed one stays", async () => {
    const post = mailjetPost(
      JSON.stringify([
        mailjetEvent({ email: "idle@example.com" }),
        mailjetEvent({ event: "spam", email: "kept@example.com" }),
      ]),
    );
    await deliver(await messagesOf(post));
    const left = async (name: string): Promise<string[]> =>
      await runInDurableObject(env.CONTACTS.getByName(name), (_, state) =>
        [...state.storage.kv.list()].map(([key]) => key),
      );
    expect(await left("idle@example.com")).toEqual(["state"]);
    expect(await runDurableObjectAlarm(env.CONTACTS.getByName("idle@example.com"))).toBe(true);
    expect(await left("idle@example.com"), "not yet thirty days old").toEqual(["state"]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 32 * DAY * 1000 });
    try {
      for (const name of ["idle@example.com", "kept@example.com"])
        await runDurableObjectAlarm(env.CONTACTS.getByName(name));
    } finally {
      vi.useRealTimers();
    }
    expect(await left("idle@example.com")).toEqual([]);
    expect(await left("kept@example.com")).toEqual(["state"]);
    expect(await runDurableObjectAlarm(env.CONTACTS.getByName("kept@example.com"))).toBe(false);
    await deliver(
      await messagesOf(
        mailjetPost(
          JSON.stringify([mailjetEvent({ event: "bounce", hard_bounce: true, email: "kept@example.com" })]),
        ),
      ),
    );
    expect(await rows("SELECT contact, suppressed FROM contacts")).toEqual([
      { contact: "kept@example.com", suppressed: "complaint" },
    ]);
    expect(await rows("SELECT reason FROM suppressions ORDER BY reason")).toEqual([
      { reason: "complaint" },
      { reason: "hard_bounce" },
    ]);
  });

  it("turns pages and still knows every claim, also after eviction", async () => {
    const stub = env.CONTACTS.getByName("pages@example.com");
    const claims = (origin: string) =>
      Array.from({ length: 700 }, (_, i) => ({ key: `key-${i}`, origin, evidence: null, received: 0 }));
    for (let i = 0; i < 700; i += 100) await stub.claim(claims("first").slice(i, i + 100));
    await evictDurableObject(stub);
    expect((await stub.claim(claims("first"))).granted.every(Boolean)).toBe(true);
    expect((await stub.claim(claims("second"))).granted.some(Boolean)).toBe(false);
  });
});

it("uses the configured suppression policy", () => {
  expect(configOf(env).policies.of("mailjet")).toMatchObject({
    softBounces: 3,
    softBounceDays: 2,
    softBounceWindowDays: 30,
  });
});
