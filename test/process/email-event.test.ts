// Cloudflare Email Service, whose events arrive by a queue instead of a webhook.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { DATABASE_FAULT, withoutDatabase } from "../support/faults.ts";
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
    const answer = await (await read(`/v1/events/${events[0]?.id}`)).json<{ raw: unknown }>();
    expect(answer.raw).toEqual(event(1));
  });

  it("gets an event stored that was claimed before the database failed for good, even under another message id", async () => {
    expectLogs(DATABASE_FAULT);
    const down = withoutDatabase(envWith());
    expect(await deliver([event(5)], down)).toEqual({ acked: [], retried: [0] });
    await deliver([event(5)], down, { queue: DEAD_QUEUE, attempts: 20, firstId: 77 });
    const [key = ""] = await objects("spool/");
    const spooled = await (await env.BUCKET.get(key))?.arrayBuffer();
    await deliver([new Uint8Array(spooled ?? new ArrayBuffer(0))]);
    expect(await rows("SELECT message_id FROM events")).toEqual([{ message_id: "m5" }]);
  });

  it("may redeliver without double counts; given-up messages become dead letters, or go to the spool while the database is down", async () => {
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
    const down = withoutDatabase(envWith());
    expectLogs(DATABASE_FAULT);
    const given = await deliver([event(4)], down, { queue: DEAD_QUEUE, attempts: 20 });
    expect(given).toEqual({ acked: [0], retried: [] });
    const [key = ""] = await objects("spool/");
    const spooled = await (await env.BUCKET.get(key))?.arrayBuffer();
    await deliver([new Uint8Array(spooled ?? new ArrayBuffer(0))]);
    expect(await rows("SELECT message_id FROM events")).toEqual([{ message_id: "m4" }]);
  });
});
