// Deaths without an exception: what comes again after its consumer's process ended, and what one delivery may cost.

import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keepLonger, QUEUES } from "../../src/cli/queues.ts";
import worker from "../../src/index.ts";
import { buryGivenUp } from "../../src/process/given-up.ts";
import { planOf, RETRY_DELAY } from "../../src/process/plan.ts";
import { expectLogs } from "../support/log.ts";
import {
  capture,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  QUEUE,
  rows,
  send,
} from "../support/support.ts";

const POISON = "poison@example.com";
const [settings = ""] = Object.values(
  import.meta.glob("../../wrangler.toml", { query: "?raw", import: "default", eager: true }),
);

beforeEach(() => expectLogs(/a message ended its consumer/));
beforeEach(freshStorage);
afterEach(() => vi.useRealTimers());

/** Bindings that end the process when it claims an event of the poison. Nothing is caught, and nothing goes on. */
function deadly(): { bindings: Env; died: Promise<true> } {
  const { promise: died, resolve } = Promise.withResolvers<true>();
  const contacts = {
    getByName: (name: string) =>
      name === POISON
        ? { claim: async () => (resolve(true), await new Promise<never>(() => {})) }
        : env.CONTACTS.getByName(name),
  };
  return { bindings: envWith({ CONTACTS: contacts }), died };
}

interface Held {
  message: { id: string; timestamp: Date; body: Uint8Array; attempts: number };
  end: "none" | "ack" | "retry";
}

/** A queue that delivers everything in one batch until all is acknowledged; returns the number of deaths. */
async function playQueue(bodies: readonly Uint8Array[], most = 12): Promise<number> {
  let waiting = bodies.map((body, n) => ({
    id: `${n}`.padStart(32, "0"),
    timestamp: new Date(),
    body,
    attempts: 0,
  }));
  let deaths = 0;
  for (let round = 0; round < most && waiting.length > 0; round += 1) {
    const held = waiting.map((message): Held => ({
      message: { ...message, attempts: message.attempts + 1 },
      end: "none",
    }));
    const messages = held.map((one) => ({
      ...one.message,
      ack: () => void (one.end = "ack"),
      retry: () => void (one.end = "retry"),
    }));
    const { bindings, died } = deadly();
    const batch = { queue: QUEUE, messages, ackAll() {}, retryAll() {} } as unknown as MessageBatch;
    const ended = worker.queue(batch, bindings, createExecutionContext()).then(() => false);
    const dead = await Promise.race([ended, died]);
    deaths += dead ? 1 : 0;
    // A process that ended has acknowledged nothing.
    waiting = held.flatMap(({ message, end }) => (dead || end !== "ack" ? [message] : []));
    vi.setSystemTime(Date.now() + RETRY_DELAY);
  }
  expect(waiting).toEqual([]);
  return deaths;
}

describe("a delivery that ends the process of its consumer", () => {
  it("is kept unread as a dead letter after it did so alone, and its neighbours are stored once", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }); // no deadline passes in a dead process
    const events = (n: number) => [mailjetEvent({ email: `n${n}@example.com`, MessageID: n + 1 })];
    const posts = Array.from({ length: 12 }, (_, n) =>
      mailjetPost(JSON.stringify(n === 4 ? [mailjetEvent({ email: POISON })] : events(n))),
    );
    const bodies = await messagesOf(...posts);
    expect(await playQueue(bodies)).toBe(3); // with the others, and twice alone
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(11);
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(11);
    expect(await objects("given-up/")).toHaveLength(1);
    expect((await objects("working/")).length).toBe(0);
    expect(await buryGivenUp(envWith())).toBe(1);
    const letters = await rows<{ id: string; source: string; raw: string }>("SELECT * FROM dead_letters");
    expect(letters).toMatchObject([{ source: "mailjet", element: null, raw: "" }]);
    // Its cause was mended: it can be replayed.
    const { queue, bodies: again } = capture();
    const request = new Request(`https://edge.example/v1/dead-letters/${letters[0]?.id}/replay`, {
      method: "POST",
      headers: { authorization: "Bearer api-token" },
    });
    expect((await send(request, envWith({ QUEUE: queue }))).status).toBe(202);
    expect(again).toHaveLength(1);
  });

  it("costs the first delivery of others nothing: no mark is read or written", async () => {
    const touched: string[] = [];
    const bucket = new Proxy(env.BUCKET, {
      get: (from, name) => {
        const value: unknown = Reflect.get(from, name, from);
        return typeof value === "function"
          ? (...args: unknown[]) => (
              touched.push(`${String(name)} ${JSON.stringify(args[0])}`),
              Reflect.apply(value, from, args)
            )
          : value;
      },
    });
    const bodies = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()])));
    const messages = bodies.map((body) => ({
      id: "a",
      timestamp: new Date(),
      attempts: 1,
      body,
      ack() {},
      retry() {},
    }));
    const batch = { queue: QUEUE, messages } as unknown as MessageBatch;
    await worker.queue(batch, envWith({ BUCKET: bucket }), createExecutionContext());
    expect(touched.filter((call) => call.includes("working/"))).toEqual([]);
  });
});

describe("the plan for a batch", () => {
  const now = 1_800_000_000_000;
  const at = (id: string, attempts: number, age: number): Message =>
    ({ id, attempts, timestamp: new Date(now - age), body: null, ack() {}, retry() {} }) satisfies Message;
  const mark = (age: number, ...messages: string[]) => ({ key: messages.join(), at: now - age, messages });
  const told = (messages: Message[], marks: ReturnType<typeof mark>[] = []) => {
    const { first, again, alone, hopeless } = planOf(messages, marks, now);
    return [first, again, alone, hopeless].map((list) => list.map(({ id }) => id).join());
  };

  it("works on known failures together, and on what came again unexplained alone", () => {
    const batch = [
      at("a", 1, RETRY_DELAY),
      at("b", 2, RETRY_DELAY - 1),
      at("c", 2, RETRY_DELAY),
      at("d", 3, 9e6),
    ];
    expect(told(batch)).toEqual(["a", "b,d", "c", ""]);
    expect(told(batch, [mark(9e5, "b", "d")])).toEqual(["a", "", "b,c,d", ""]);
  });

  it("sets aside what ended two processes alone, and nothing that may be at work elsewhere", () => {
    const batch = [at("a", 3, 9e6), at("b", 4, 9e6), at("c", 3, 9e6)];
    expect(
      told(batch, [mark(9e5, "a"), mark(9e5, "b"), mark(6e5, "b"), mark(9e5, "c"), mark(1, "c")]),
    ).toEqual(["", "", "a,c", "b"]);
  });

  it("relies on the delay that wrangler.toml sets for every consumer", () => {
    const consumers = settings
      .split("[[queues.consumers]]")
      .slice(1)
      .map((text) => text.split("[[")[0] ?? "");
    const delays = consumers.map((text) => Number(/^retry_delay = (\d+)$/m.exec(text)?.[1]));
    expect(delays.map((delay) => delay * 1_000)).toEqual([RETRY_DELAY, expect.any(Number), RETRY_DELAY]);
    expect(consumers.map((text) => /queue = "([\w-]+)"/.exec(text)?.[1])).toEqual(QUEUES);
    expect(QUEUES.map((queue) => keepLonger(queue).slice(2))).toEqual(
      QUEUES.map((queue) => [queue, "--message-retention-period-secs", String(14 * 86_400)]),
    );
    expect(delays[1]).toBeGreaterThanOrEqual(3_600); // a hundred of them outlast a broken deployment
  });
});

describe("one delivery", () => {
  const generic = (body: string): Request =>
    new Request("https://edge.example/webhooks/generic?token=generic-token-of-the-tests", {
      method: "POST",
      body,
    });
  const element = (recipients: number, n: number, more: object = {}) => ({
    event: "delivered",
    email: Array.from({ length: recipients }, (_, i) => `r${n}-${i}@example.com`),
    timestamp: 1_790_000_000 + n,
    ...more,
  });

  /** 700 events with 7,500 characters of details each: ten slices, and one portion. */
  const wide = (n: number) => element(700, n, { metadata: { note: "x".repeat(7_500) } });

  it("waits for the next invocation if those before it in the batch have used up this one's share", async () => {
    const messages = await messagesOf(...[1, 2, 3].map((n) => generic(JSON.stringify([wide(n)]))));
    expect(await deliver(messages)).toEqual({ acked: [0, 1], retried: [2] });
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1_400);
    expect((await deliver(messages.slice(2), envWith(), { attempts: 2 })).acked).toEqual([0]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(2_100);
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(2_100);
  });

  it("whose details are too large together becomes one dead letter, whole", async () => {
    await deliver(await messagesOf(generic(JSON.stringify([wide(1), wide(2)]))));
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(0);
    expect(await rows("SELECT reason FROM dead_letters")).toEqual([
      { reason: "its events are too large together" },
    ]);
  });

  it("that gives more than 25,000 events becomes one dead letter, whole", async () => {
    const body = JSON.stringify(Array.from({ length: 26 }, (_, n) => element(1_000, n)));
    const messages = (await messagesOf(generic(body))).map((one, n) => ({
      id: `${n}`,
      timestamp: new Date(),
      attempts: 1,
      body: one,
      ack() {},
      retry: () => expect.unreachable(),
    }));
    await worker.queue(
      { queue: QUEUE, messages } as unknown as MessageBatch,
      envWith(),
      createExecutionContext(),
    );
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(0);
    expect(await rows("SELECT element, reason FROM dead_letters")).toEqual([
      { element: 0, reason: "more than 25000 events in one delivery" },
    ]);
    expect(await objects("dead-letters/")).toHaveLength(1);
  });
});
