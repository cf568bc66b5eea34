// Ingest's promise: a delivery that was answered with 200 is kept, whichever of queue and bucket fails.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { sweep } from "../../src/ingest/spool.ts";
import { FAULT, faulty } from "../support/faults.ts";
import {
  capture,
  deliver,
  envWith,
  figure,
  finalState,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  runScheduled,
  send,
} from "../support/support.ts";
import { answerOf } from "./requests.ts";
import { randomBytes, randomText, seeded } from "../support/random.ts";
import { expectLogs } from "../support/log.ts";

const OVERLOADED = /Error: Queue is overloaded\. Please back off\./;

/** The same reports in a body that is too long for a queue message, even gzipped. */
function widened(json: string): string {
  const [first, ...others] = JSON.parse(json) as Record<string, unknown>[];
  const noise = randomText(150_000, seeded("noise"));
  return JSON.stringify([{ ...first, noise }, ...others]);
}

beforeEach(freshStorage);

describe("durability", () => {
  const body = JSON.stringify([
    mailjetEvent(),
    mailjetEvent({ event: "click", url: "https://example.com/a" }),
  ]);
  const refuses = async (): Promise<never> =>
    await Promise.reject(new Error("Queue is overloaded. Please back off."));
  const hangs = async (): Promise<never> => await new Promise(() => {});

  it("spools a delivery that the queue refuses or does not take in time, and stores it once after the sweep", async () => {
    expectLogs(OVERLOADED, /the queue: Error: no answer within/);
    for (const send of [refuses, hangs]) {
      await freshStorage();
      const began = Date.now();
      expect((await answerOf(mailjetPost(body), envWith({ QUEUE: { send, sendBatch: send } }))).status).toBe(
        200,
      );
      expect(Date.now() - began).toBeLessThan(8_000);
      expect(await objects("spool/")).toHaveLength(1);
      await runScheduled(envWith({ QUEUE: { send: refuses, sendBatch: refuses } }));
      expect(await objects("spool/")).toHaveLength(1);
      const { queue, bodies } = capture();
      await runScheduled(envWith({ QUEUE: queue }));
      expect(await objects("spool/")).toEqual([]);
      await deliver([...bodies, ...bodies]);
      expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(2);
      expect(await figure("SELECT count(*) AS n FROM events")).toBe(2);
    }
  });

  it("moves thousands of spooled messages in one run, oldest first, and goes on where the queue failed", async () => {
    const stored = 4_321;
    const kept = new Map<string, number>(
      Array.from({ length: stored }, (_, n) => [`spool/${String(n).padStart(26, "0")}`, n] as const),
    );
    // A bucket in memory: so many real objects would take minutes.
    const bucket = {
      list: async ({ startAfter = "", limit }: { startAfter?: string; limit: number }) => {
        const keys = [...kept.keys()].filter((key) => key > startAfter);
        const objects = keys.slice(0, limit).map((key) => ({ key, size: 40_000 }));
        return { objects, truncated: keys.length > limit };
      },
      get: async (key: string) => ({ arrayBuffer: async () => new Uint8Array([kept.get(key) ?? 0]).buffer }),
      delete: async (keys: string[]) => keys.forEach((key) => kept.delete(key)),
    };
    const sizes: number[] = [];
    let calls = 0;
    const queue = {
      sendBatch: async (messages: unknown[]) => {
        calls += 1;
        if (calls === 300) await refuses();
        sizes.push(messages.length);
      },
    };
    const bindings = { BUCKET: bucket, QUEUE: queue } as unknown as Env;
    await expect(sweep(bindings)).rejects.toThrow("overloaded");
    expect(kept.size).toBeGreaterThan(2_000);
    expect(await sweep(bindings)).toBeGreaterThan(2_000);
    expect(kept.size).toBe(0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(stored);
    expect(Math.max(...sizes)).toBe(6); // 240 KB a call
  });

  it("answers 503 with Retry-After if queue and bucket both refuse, and keeps nothing", async () => {
    expectLogs(OVERLOADED, /nothing took it/);
    const random = seeded("large");
    const [large, larger] = [randomBytes(60_000, random), randomBytes(300_000, random)];
    for (const payload of [body, large, larger]) {
      const failing = envWith({ QUEUE: { send: refuses, sendBatch: refuses }, BUCKET: { put: refuses } });
      const response = await send(mailjetPost(payload), failing);
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await objects("")).toEqual([]);
    }
  });

  it("keeps a long body in the bucket if queue and spool report failures but the queue may hold its pointer", async () => {
    expectLogs(OVERLOADED, /nothing took it/);
    const { queue, bodies } = capture();
    const takesAndFails = async (message: unknown): Promise<never> => {
      bodies.push(message as Uint8Array);
      return await refuses();
    };
    const bucket = {
      put: async (key: string, value: Uint8Array) =>
        key.startsWith("spool/") ? await refuses() : await env.BUCKET.put(key, value),
      get: async (key: string) => await env.BUCKET.get(key),
      delete: async (key: string) => await env.BUCKET.delete(key),
    };
    const wide = widened(body);
    const failing = envWith({ QUEUE: { ...queue, send: takesAndFails }, BUCKET: bucket });
    expect((await answerOf(mailjetPost(wide), failing)).status).toBe(503);
    await deliver(bodies);
    const { events, letters } = await finalState();
    expect(events).toHaveLength(2);
    expect(letters).toEqual([]);
  });

  it("spools first on the backup path, and falls back to the queue", async () => {
    expectLogs(OVERLOADED);
    const { queue, bodies } = capture();
    await answerOf(mailjetPost(body, "/backup/webhooks/mailjet"), envWith({ QUEUE: queue }));
    expect(bodies).toHaveLength(0);
    expect(await objects("spool/")).toHaveLength(1);
    const noBucket = { put: refuses, delete: refuses };
    const answer = await answerOf(
      mailjetPost(body, "/backup/webhooks/mailjet"),
      envWith({ QUEUE: queue, BUCKET: noBucket }),
    );
    expect(answer.status).toBe(200);
    expect(bodies).toHaveLength(1);
  });

  it("stores an event once if both the primary and the backup URL receive it", async () => {
    const { queue, bodies } = capture();
    await answerOf(mailjetPost(body), envWith({ QUEUE: queue }));
    await answerOf(mailjetPost(body, "/backup/webhooks/mailjet"), envWith({ QUEUE: queue }));
    await runScheduled(envWith({ QUEUE: queue }));
    await deliver(bodies);
    const { sources, events } = await finalState();
    expect(events).toHaveLength(2);
    expect(sources).toEqual([{ source: "mailjet", events: 2, duplicates: 2, pings: 0, outside: 0 }]);
  });

  it("keeps every delivery that it answered with 200, whichever call fails during ingest or the sweep", async () => {
    expectLogs(FAULT, /nothing took it/);
    const wide = widened(body);
    for (const path of ["/webhooks/mailjet", "/backup/webhooks/mailjet"]) {
      for (const payload of [body, wide]) {
        let calls = 1;
        for (let k = 1; k <= calls; k++) {
          for (const fault of ["before", "after"] as const) {
            await freshStorage();
            const { queue, bodies } = capture();
            const broken = faulty(envWith({ QUEUE: queue }), k, fault);
            const answered = await answerOf(mailjetPost(payload, path), broken.bindings);
            expect([200, 503]).toContain(answered.status);
            await runScheduled(broken.bindings).catch(() => {});
            calls = Math.max(calls, broken.calls());
            await runScheduled(envWith({ QUEUE: queue }));
            // The provider comes again only where it was not told that all is well.
            if (answered.status === 503)
              await answerOf(mailjetPost(payload, path), envWith({ QUEUE: queue }));
            await runScheduled(envWith({ QUEUE: queue }));
            expect((await deliver(bodies)).retried).toEqual([]);
            const { events, letters } = await finalState();
            expect(events, `${path} call ${k} ${fault}`).toHaveLength(2);
            expect(letters).toEqual([]);
            expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(2);
            expect(await objects("spool/")).toEqual([]);
          }
        }
        expect(calls).toBeGreaterThan(1);
      }
    }
  });

  it("sweeps a spool with more messages than one sendBatch may hold", async () => {
    const { spool } = await import("../../src/ingest/spool.ts");
    const [message] = await messagesOf(mailjetPost(body));
    for (let i = 0; i < 130; i++) await spool(env.BUCKET, `many-${i}`, message ?? new Uint8Array(0));
    for (let i = 0; i < 4; i++) await spool(env.BUCKET, `wide-${i}`, new Uint8Array(100_000));
    const sent: number[] = [];
    const queue = {
      send: refuses,
      sendBatch: async (messages: { body: Uint8Array }[]) => {
        expect(messages.length).toBeLessThanOrEqual(100);
        expect(messages.reduce((sum, { body }) => sum + body.length + 100, 0)).toBeLessThanOrEqual(256_000);
        sent.push(messages.length);
      },
    };
    await runScheduled(envWith({ QUEUE: queue }));
    expect(sent.reduce((a, b) => a + b, 0)).toBe(134);
    expect(await objects("spool/")).toEqual([]);
  });
});
