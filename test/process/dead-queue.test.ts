// The platform's dead-letter queue: its messages are put into the bucket unread, and a scheduled job makes dead letters
// of them, which can be replayed.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { buryGivenUp } from "../../src/process/given-up.ts";
import { withOutages } from "../../src/store/outages.ts";
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
} from "../support/support.ts";
import { expectLogs } from "../support/log.ts";
import { randomText, seeded } from "../support/random.ts";
import { isDeadQueue } from "../../src/process/dead-queue.ts";

beforeEach(() => expectLogs(/a given-up message|the database|a dead letter|the pipes were not woken/));
beforeEach(freshStorage);
afterEach(() => vi.useRealTimers());

const refuses = async (): Promise<never> => await Promise.reject(new Error("down"));
const bury = async (bindings = envWith()): Promise<number> => await buryGivenUp(withOutages(bindings));

/** Bindings of a process that is gone from the moment at which it asks the database. */
function dyingAtDatabase(): { bindings: Env; died: Promise<void> } {
  const { promise: died, resolve } = Promise.withResolvers<void>();
  const gone = async (): Promise<never> => (resolve(), await new Promise<never>(() => {}));
  const statement = { bind: () => statement, all: gone, first: gone, run: gone };
  return { bindings: envWith({ DB: { prepare: () => statement, batch: gone } }), died };
}

async function replay(id: string): Promise<Uint8Array[]> {
  const { queue, bodies } = capture();
  const request = new Request(`https://edge.example/v1/dead-letters/${id}/replay`, {
    method: "POST",
    headers: { authorization: "Bearer api-token" },
  });
  expect((await send(request, envWith({ QUEUE: queue }))).status).toBe(202);
  return bodies;
}

interface Letter {
  id: string;
  reason: string;
  raw: string;
}

describe("a message from the platform's dead-letter queue", () => {
  it("becomes one whole dead letter, can be replayed, and is deleted after a successful replay", async () => {
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent(), "bad"])));
    await deliver(messages, envWith(), { queue: DEAD_QUEUE, attempts: 1 });
    expect(await bury()).toBe(1);
    expect(await objects("given-up/")).toEqual([]);
    const [letter] = await rows<Letter>("SELECT id, reason, raw FROM dead_letters");
    expect(letter?.raw).toContain("ann@example.com");
    const bodies = await replay(letter?.id ?? "");
    await deliver(bodies);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
    expect(await rows("SELECT raw FROM dead_letters")).toEqual([{ raw: '"bad"' }]);
    await deliver(bodies, envWith(), { attempts: 2 });
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(1);
  });

  it("is put into the bucket as it came, and acknowledged, before anything looks at it", async () => {
    const messages = [
      ...(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()])))),
      new Uint8Array([0, 0, 0]),
    ];
    const statement = { bind: () => statement, all: refuses, first: refuses, run: refuses };
    const DB = { prepare: () => statement, batch: refuses };
    const untouched = envWith({ DB, CONTACTS: null, QUEUE: null });
    expect((await deliver(messages, untouched, { queue: DEAD_QUEUE })).acked).toEqual([0, 1]);
    const kept = await Promise.all(
      (await objects("given-up/")).map(async (key) => await (await env.BUCKET.get(key))?.bytes()),
    );
    expect(kept).toEqual(messages);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(0);
    const noBucket = envWith({ BUCKET: { put: refuses } });
    expect((await deliver(messages, noBucket, { queue: DEAD_QUEUE })).retried).toEqual([0, 1]);
  });

  it("waits in the bucket while the database is down, and may be looked at twice", async () => {
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()])));
    await deliver(messages, envWith(), { queue: DEAD_QUEUE });
    const down = envWith({ DB: { batch: refuses, prepare: (sql: string) => env.DB.prepare(sql) } });
    for (let run = 0; run < 5; run += 1) await expect(bury(down)).rejects.toThrow("down");
    const [key = ""] = await objects("given-up/");
    const kept = await env.BUCKET.get(key);
    expect(kept?.customMetadata?.["looks"]).toBe("0"); // an outage is no fault of the message
    const bytes = (await kept?.bytes()) ?? "";
    expect(await bury()).toBe(1);
    await env.BUCKET.put(key, bytes, { customMetadata: kept?.customMetadata ?? {} });
    expect(await bury()).toBe(1);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(1);
    expect(await rows("SELECT reason FROM dead_letters")).toEqual([
      { reason: "it failed for a hundred times; see the log for why" },
    ]);
  });

  it("that ends whatever reads it is kept unread after two looks, and its neighbours become dead letters", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }); // no deadline passes in a dead process
    const large = JSON.stringify([mailjetEvent({ noise: randomText(200_000, seeded("large")) })]);
    for (const body of [JSON.stringify([mailjetEvent()]), large]) {
      await freshStorage();
      await deliver(await messagesOf(mailjetPost(body)), envWith(), { queue: DEAD_QUEUE });
      for (const looks of [1, 2]) {
        const { bindings, died } = dyingAtDatabase();
        void bury(bindings).catch(() => null);
        await died;
        const [key = ""] = await objects("given-up/");
        expect((await env.BUCKET.head(key))?.customMetadata?.["looks"]).toBe(String(looks));
      }
      const neighbour = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ MessageID: 5 })])));
      await deliver(neighbour, envWith(), { queue: DEAD_QUEUE, firstId: 9 });
      expect(await bury()).toBe(2);
      const letters = await rows<Letter>("SELECT id, reason, raw FROM dead_letters ORDER BY id");
      expect(letters).toMatchObject([{ raw: "" }, { raw: expect.stringContaining("ann@example.com") }]);
      expect(letters[0]?.reason).toContain("kept unread");
      const shown = await (
        await read(`/v1/dead-letters/${letters[0]?.id}`)
      ).json<{ delivery: { body: { text: string } } }>();
      expect(shown.delivery.body.text).toBe(body);
      await deliver(await replay(letters[0]?.id ?? ""));
      expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
      expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(1);
    }
  });
});

it("is known by its name, in a copy beside production too", () => {
  const names = (role: string): string[] =>
    ["", "-staging", "-dead", "-deliveries"].map((environment) => `tidings-${role}${environment}`);
  expect([...names("dead"), "staging-dead"].filter((name) => !isDeadQueue(name))).toEqual([]);
  expect([...names("deliveries"), ...names("email-events")].filter(isDeadQueue)).toEqual([]);
});
