// AMQP against a strict broker written for it: what arrives, what each confirm, return and close means for which event, and
// that an attempt's end is the connection's. The same kind meets a real RabbitMQ in rabbitmq.peer.ts.

import fc from "fast-check";
import { describe, expect, inject, it, vi } from "vitest";
import type { Attempt } from "../../src/pipes/kinds/kind.ts";
import { rabbitmq } from "../../src/pipes/kinds/rabbitmq.ts";
import { attempt, cancelled, outgoing, settled } from "./attempts.ts";
import type { Published } from "./peers-amqp.ts";

const port = inject("peers")["amqp"];
const password = "right p@ss/word%";
const settingsWith = (changes: Record<string, unknown> = {}) =>
  settled(rabbitmq, {
    host: "127.0.0.1",
    port,
    tls: false,
    vhost: "mail/eu",
    username: "tidings",
    password,
    exchange: "events",
    routing_key: "email.{source}.{type}",
    ...changes,
  });
const deliver = (batch: Parameters<typeof rabbitmq.deliver>[0], changes = {}, one: Attempt = attempt()) =>
  rabbitmq.deliver(batch, settingsWith(changes), one);

async function arrived(): Promise<{ published: Published[]; open: number }> {
  return await (await fetch(`http://127.0.0.1:${port}/`)).json();
}
const DELIVERED = { verdict: "delivered", reason: null, status: 200, retryAfter: null };
/** For each event's queue to be named by its source. */
const byQueue = { exchange: "", routing_key: "{source}" };
const queued = (...queues: string[]) => queues.map((source) => outgoing({ source }));

describe("what arrives", () => {
  it("is each event, persistent, with its id, type, time and attempt", async () => {
    await arrived();
    const one = outgoing({ id: "one", type: "opened", description: "žluťoučký 😀" });
    const data = { pipe: "p1" };
    const other = outgoing({ id: "two", type: "pipe.paused", source: null, contact: null, data });
    expect(await deliver([one, other])).toEqual(DELIVERED);
    const properties = {
      content_type: "application/json",
      delivery_mode: 2,
      message_id: "one",
      type: "opened",
      timestamp: Math.floor(one.at / 1000),
      headers: { "tidings-attempt": "attempt-1" },
    };
    const { published } = await arrived();
    expect(published).toEqual([
      { exchange: "events", routingKey: "email.mailjet.opened", properties, body: one.text },
      {
        exchange: "events",
        routingKey: "email.tidings.pipe.paused",
        properties: { ...properties, message_id: "two", type: "pipe.paused" },
        body: other.text,
      },
    ]);
  });

  it("is a full batch, and the largest events", async () => {
    await arrived();
    const many = Array.from({ length: rabbitmq.batch.events }, () => outgoing());
    expect(await deliver(many)).toEqual(DELIVERED);
    const large = outgoing({ description: "x".repeat(rabbitmq.batch.bytes - 1000) });
    expect(await deliver([large])).toEqual(DELIVERED);
    const { published, open } = await arrived();
    expect(published.map(({ body }) => body)).toEqual([...many, large].map(({ text }) => text));
    expect(open).toBe(0);
  });
});

describe("what answers mean", () => {
  it("each event has its own fate, whatever its neighbours' are", async () => {
    const fates = { taken: null, full: "unavailable", nowhere: "refused" } as const;
    const queue = fc.constantFrom("taken" as const, "full" as const, "nowhere" as const);
    await fc.assert(
      fc.asyncProperty(fc.array(queue, { minLength: 1, maxLength: 12 }), async (queues) => {
        await arrived();
        const batch = queued(...queues);
        const outcome = await deliver(batch, byQueue);
        expect(outcome).toMatchObject(DELIVERED);
        expect(outcome.failed?.map(({ index, verdict }) => [index, verdict]) ?? []).toEqual(
          queues.flatMap((name, index) => (fates[name] === null ? [] : [[index, fates[name]]])),
        );
        const ids = (await arrived()).published.map(({ properties }) => properties["message_id"]);
        const meant = batch.filter((_, index) => queues[index] === "taken").map(({ id }) => id);
        expect(ids).toEqual(meant);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ["a wrong password", { password: "wrong" }, "denied", 403],
    ["an unknown virtual host", { vhost: "other" }, "denied", 530],
    ["a crowded virtual host", { vhost: "crowded" }, "slow_down", 530],
    ["an unknown exchange", { exchange: "none" }, "denied", 404],
    ["a forbidden one", { exchange: "", routing_key: "forbidden" }, "denied", 403],
    ["a broker that stops", { username: "stopping" }, "unavailable", 320],
    ["a broker with a full disk", { username: "full", routing_key: "silent" }, "slow_down", null],
    ["a cut connection", { username: "cut" }, "unavailable", null],
    ["something else than AMQP", { username: "garbage" }, "unavailable", null],
    ["nobody there", { port: 1 }, "unavailable", null],
  ])("%s", async (_, changes, verdict, status) => {
    const outcome = await deliver([outgoing(), outgoing()], changes);
    expect(outcome).toEqual({ verdict, status, retryAfter: null, reason: expect.any(String) });
    expect(outcome.reason).not.toMatch(/@|tidings|mail\/eu|undefined/);
    await vi.waitFor(async () => expect((await arrived()).open).toBe(0));
  });

  it("what is too large for the broker is refused alone", async () => {
    const [small, huge] = queued("taken", "small");
    const large = outgoing({ source: "small", description: "x".repeat(2000) });
    if (small === undefined || huge === undefined) throw new Error("no events");
    expect((await deliver([large], byQueue)).failed?.map(({ verdict }) => verdict)).toEqual(["refused"]);
    const { failed } = await deliver([small, large, huge], byQueue);
    expect(failed?.find(({ index }) => index === 1)?.verdict).toBe("refused");
    expect(failed?.filter(({ index }) => index !== 1).every(({ verdict }) => verdict === "unavailable")).toBe(
      true,
    );
    const beyond = outgoing({ description: "x".repeat(17 * 1024 * 1024) });
    const long = outgoing({ source: "é".repeat(128) });
    const outcome = await deliver([beyond, small, long], byQueue);
    expect(outcome.failed).toEqual([
      { index: 0, verdict: "refused", reason: "it is larger than 16 MiB" },
      { index: 2, verdict: "refused", reason: "its routing key is too long" },
    ]);
  });
});

describe("an attempt's end", () => {
  it.each([
    ["before the connection is open", { username: "hang" }],
    ["before the confirm", { exchange: "", routing_key: "silent" }],
  ])("%s leaves nothing open", async (_, changes) => {
    const { outcome, atOnce } = await cancelled((one) => deliver([outgoing()], changes, one));
    expect([outcome.verdict, atOnce]).toEqual(["unavailable", true]);
    await vi.waitFor(async () => expect((await arrived()).open).toBe(0));
  });

  it("keeps what was confirmed until then", async () => {
    const { outcome } = await cancelled((one) => deliver(queued("taken", "silent", "taken"), byQueue, one));
    const reason = "no answer within 15 seconds";
    expect(outcome).toMatchObject({
      verdict: "delivered",
      failed: [{ index: 1, verdict: "unavailable", reason }],
    });
  });
});

describe("what is kept secret and safe", () => {
  it("the password is in no note, reason or log", async () => {
    const logs = (["log", "warn", "error"] as const).map((name) => vi.spyOn(console, name));
    const one = attempt();
    const outcomes = [
      await deliver([outgoing()], {}, one),
      await deliver([outgoing()], { password: "wrong p@ss" }, one),
      await deliver([outgoing()], { username: "garbage" }, one),
    ];
    expect(one.notes).toHaveLength(3);
    expect(one.notes[0]).toMatchObject({
      request: { method: "basic.publish", url: `amqp://127.0.0.1:${port}/mail%2Feu` },
      response: { status: 200, body: "acked" },
    });
    expect(JSON.stringify([one.notes, outcomes, logs.map(({ mock }) => mock.calls)])).not.toMatch(
      /p@ss|p%40ss/,
    );
  });

  it("goes to no private host", async () => {
    for (const host of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "broker", "rabbit.internal", "0x7f.1"]) {
      const settings = settingsWith({ host, tls: true });
      const outcome = await rabbitmq.deliver([outgoing()], settings, attempt({ loopback: false }));
      expect(outcome).toMatchObject({ verdict: "denied", reason: expect.stringContaining("private") });
    }
  });

  it("settings that cannot be right are refused by name", () => {
    const good = { host: "rabbit.example.com", username: "u", password: "p", routing_key: "q" };
    const wrong = (changes: Record<string, unknown>) =>
      rabbitmq.settings
        .safeParse({ ...good, ...changes })
        .error?.issues.map((one) => `${one.path.join()} ${one.message}`);
    expect(wrong({})).toBeUndefined();
    expect(wrong({ host: "amqps://x" })).toEqual(["host must be a host's name or an IPv4 address"]);
    expect(wrong({ tls: false })).toEqual(["tls must be true but for a broker on this machine"]);
    expect(wrong({ routing_key: "" })).toEqual([
      "routing_key must name the queue where there is no exchange",
    ]);
    expect(wrong({ routing_key: "{contact}" })).toEqual([
      "routing_key may hold {type} and {source}, and no other braces",
    ]);
    expect(wrong({ vhost: "é".repeat(128) })).toEqual(["vhost must have at most 255 bytes"]);
  });
});
