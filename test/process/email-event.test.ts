// Cloudflare Email Service, whose events arrive by a queue instead of a webhook.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { encodeFrame } from "../../src/model/envelope.ts";
import { buryGivenUp } from "../../src/process/given-up.ts";
import { getDeadEnvelope } from "../../src/store/dead-letters.ts";
import { expectLogs } from "../support/log.ts";
import {
  DEAD_QUEUE,
  deliver,
  envWith,
  figure,
  freshStorage,
  objects,
  read,
  rows,
} from "../support/support.ts";

beforeEach(freshStorage);

describe("Cloudflare Email Service", () => {
  const event = (n: number) => ({
    type: "cf.email.sending.message.bounced",
    source: { type: "email.sending", domain: "mail.example.com" },
    payload: { eventId: `e${n}`, messageId: `m${n}`, recipient: "ann@example.com", bounceType: "hard" },
    metadata: { eventTimestamp: "2026-11-20T10:00:00.000Z" },
  });

  it("delivers by its own queue, and each event is stored once", async () => {
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

  const refusing = (words: string): Env =>
    envWith({
      DB: {
        batch: async () => await Promise.reject(new Error(words)),
        prepare: (sql: string) => env.DB.prepare(sql),
      },
    });

  it("gets an event stored that was claimed before it was given up, even under another message id", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    expect(await deliver([event(5)], refusing("down"))).toEqual({ acked: [], retried: [0] });
    quiet.mockRestore();
    await deliver([event(5)], envWith(), { queue: DEAD_QUEUE, firstId: 77 });
    await buryGivenUp(envWith());
    const [letter] = await rows<{ envelope: string }>("SELECT envelope FROM dead_letters");
    const envelope = await getDeadEnvelope(env.BUCKET, letter?.envelope ?? "");
    if (envelope === null) throw new Error("the delivery is gone");
    await deliver([encodeFrame({ ...envelope, replay: true })]);
    expect(await rows("SELECT message_id FROM events")).toEqual([{ message_id: "m5" }]);
  });

  it("keeps its events while the database is full: before their last try they go to the spool", async () => {
    expectLogs(/messages wait until the database has room/);
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const full = refusing("D1_ERROR: database or disk is full: SQLITE_FULL");
    expect(await deliver([event(4)], full)).toEqual({ acked: [], retried: [0] });
    expect(await deliver([event(4)], full, { attempts: 90 })).toEqual({ acked: [0], retried: [] });
    quiet.mockRestore();
    const [key = ""] = await objects("spool/");
    const spooled = await (await env.BUCKET.get(key))?.arrayBuffer();
    await deliver([new Uint8Array(spooled ?? new ArrayBuffer(0))]);
    expect(await rows("SELECT message_id FROM events")).toEqual([{ message_id: "m4" }]);
  });

  it("may redeliver without double counts, and given-up messages become dead letters", async () => {
    const messages = [event(1), { ...event(2), payload: {} }];
    await deliver(messages);
    await deliver(messages, envWith(), { attempts: 2 });
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(1);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(1);
    await freshStorage();
    await deliver([event(3)], envWith(), { queue: DEAD_QUEUE });
    await buryGivenUp(envWith());
    const [letter] = await rows<{ id: string; provider: string }>("SELECT id, provider FROM dead_letters");
    expect(letter?.provider).toBe("cloudflare");
  });
});
