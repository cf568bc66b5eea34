// The consumer if any call of queue, object, bucket or database fails, and its retries.

import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { getEnvelope } from "../../src/store/bucket/archive.ts";
import { DATABASE_FAULT, FAULT, faulty, withoutDatabase, type Fault } from "../support/faults.ts";
import {
  deliver,
  envWith,
  figure,
  finalState,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  rows,
} from "../support/support.ts";
import { randomText, seeded } from "../support/random.ts";
import { expectLogs } from "../support/log.ts";
import { batchOf } from "../../src/store/feed-rows.ts";

const DAY = 86_400;

/** Deliveries with everything: several contacts and slices, repeats, a ping, rejects, a large body, suppressions. */
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
  const random = seeded("payloads");
  const large = Array.from({ length: 40 }, (_, i) =>
    mailjetEvent({
      email: `l${i % 7}@outlook.com`,
      MessageID: 900 + i,
      Payload: randomText(6_000, random),
    }),
  );
  const posts = [first, second, large].map((events) => mailjetPost(JSON.stringify(events)));
  return await messagesOf(...posts, mailjetPost("{broken"), mailjetPost(JSON.stringify(first)));
}

/** Delivers once with broken bindings; returns the messages that the queue would deliver again. */
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
    `SELECT DISTINCT ${batchOf("events")} AS batch, line FROM events`,
  )) {
    expect(await getEnvelope(env.BUCKET, batch, line)).not.toBeNull();
  }
}

beforeEach(freshStorage);

describe("the consumer under faults", () => {
  it("ends in the same state whichever call of queue, object, bucket or database fails: before or after its effect, or with the process", async () => {
    expectLogs(FAULT);
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
  }, 120_000);

  it("stores the same if the process dies before it sends any acknowledgement", async () => {
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

  it("grants a redelivered envelope the same claims again, also if the contact's object was evicted in between", async () => {
    const messages = await mixedMessages();
    expectLogs(DATABASE_FAULT);
    expect((await deliver(messages, withoutDatabase(envWith()))).acked).toEqual([]);
    for (const name of ["hard@gmail.com", "soft@example.com"])
      await evictDurableObject(env.CONTACTS.getByName(name));
    expect((await deliver(messages)).retried).toEqual([]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(46);
    expect(await rows("SELECT contact, suppressed FROM contacts ORDER BY contact")).toEqual([
      { contact: "hard@gmail.com", suppressed: "complaint" },
      { contact: "soft@example.com", suppressed: "soft_bounces" },
    ]);
  });

  it("retries with growing delays, all within the time that the queue keeps a message", async () => {
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
