// The kind `rabbitmq` against a real RabbitMQ (npm run test:peers), plain and with TLS.

import { AMQPClient } from "@cloudamqp/amqp-client";
import { describe, expect, inject, it } from "vitest";
import { rabbitmq } from "../../../src/pipes/kinds/rabbitmq.ts";
import { attemptOf, outgoing } from "../attempts.ts";
import { BROKER_PASSWORD as password } from "../peers/known.ts";

const { rabbitmq: port = 0, rabbitmqTls: tlsPort = 0 } = inject("peers");
const plain = { host: "127.0.0.1", port, tls: false, vhost: "mail/eu", username: "tidings", password };
const topic = { ...plain, exchange: "events", routing_key: "email.{source}.{type}" };
/** For each event's queue to be named by its source. */
const byQueue = { ...plain, exchange: "", routing_key: "{source}" };

const { attempt } = attemptOf();
const deliver = (batch: Parameters<typeof rabbitmq.deliver>[0], settings: unknown) =>
  rabbitmq.deliver(batch, rabbitmq.settings.parse(settings), attempt);
const DELIVERED = { result: "delivered", reason: null, status: 200, retryAfter: null };

/** Takes all that a queue holds. */
async function taken(queue: string) {
  const client = new AMQPClient(`amqp://tidings:${encodeURIComponent(password)}@127.0.0.1:${port}/mail%2Feu`);
  await client.connect();
  const channel = await client.channel();
  const messages = [];
  for (let one = await channel.basicGet(queue); one !== null; one = await channel.basicGet(queue))
    messages.push(one);
  await client.close();
  return messages.map((one) => ({
    properties: one.properties,
    routingKey: one.routingKey,
    body: one.bodyString(),
  }));
}

describe.skipIf(port === 0)("rabbitmq", () => {
  it("has each event with its properties in the queue that its routing key leads to", async () => {
    const batch = Array.from({ length: rabbitmq.batch.events }, (_, i) =>
      outgoing({ description: `😀 ${i}` }),
    );
    expect(await deliver(batch, topic)).toEqual(DELIVERED);
    const messages = await taken("all");
    expect(messages.map(({ body }) => body)).toEqual(batch.map(({ text }) => text));
    expect(messages[0]).toMatchObject({
      routingKey: "email.mailjet.delivered",
      properties: {
        contentType: "application/json",
        deliveryMode: 2,
        messageId: batch[0]?.id,
        type: "delivered",
        timestamp: new Date(Math.floor((batch[0]?.at ?? 0) / 1000) * 1000), // AMQP has seconds
        headers: { "tidings-attempt": attempt.id },
      },
    });
  });

  it("gives each event its own fate: acked, nacked by a full queue, returned for want of one", async () => {
    const batch = ["taken", "full", "nowhere", "taken", "nowhere", "full", "taken"].map((source) =>
      outgoing({ source }),
    );
    const outcome = await deliver(batch, byQueue);
    expect(outcome).toMatchObject({ ...DELIVERED, reason: expect.stringMatching(/^4 of 7 not taken/) });
    expect(outcome.failed?.map(({ index, result }) => [index, result])).toEqual([
      [1, "unavailable"],
      [2, "refused"],
      [4, "refused"],
      [5, "unavailable"],
    ]);
    const ids = (await taken("taken")).map(({ properties }) => properties.messageId);
    expect(ids).toEqual([0, 3, 6].map((index) => batch[index]?.id));
  });

  it.each([
    ["a wrong password", { ...topic, password: "wrong" }, "denied", 403],
    ["an unknown virtual host", { ...topic, vhost: "other" }, "denied", 530],
    ["an unknown exchange", { ...topic, exchange: "none" }, "denied", 404],
    ["a user who may not write", { ...topic, username: "reader" }, "denied", 403],
  ])("%s keeps all out", async (_, settings, result, status) => {
    const outcome = await deliver([outgoing(), outgoing()], settings);
    expect(outcome).toEqual({ result, status, retryAfter: null, reason: expect.any(String) });
    expect(outcome.failed).toBeUndefined();
  });

  it("refuses what is beyond its largest message, alone", async () => {
    const large = outgoing({ description: "x".repeat(1_000_000) });
    const outcome = await deliver([outgoing(), large, outgoing()], topic);
    expect(outcome.failed?.filter(({ result }) => result === "refused").map(({ index }) => index)).toEqual([
      1,
    ]);
    await taken("all");
  });

  it.skipIf(tlsPort === 0)("is spoken to by TLS, and by nothing else where that is asked for", async () => {
    const batch = [outgoing(), outgoing()];
    expect(await deliver(batch, { ...topic, tls: true, host: "localhost", port: tlsPort })).toEqual(
      DELIVERED,
    );
    expect((await taken("all")).map(({ body }) => body)).toEqual(batch.map(({ text }) => text));
    // A port that speaks no TLS.
    const other = await deliver(batch, { ...topic, tls: true, host: "127.0.0.1", port });
    expect(other).toMatchObject({ result: "unavailable", status: null });
    const notTls = await deliver(batch, { ...topic, tls: true, host: "localhost" });
    expect(notTls).toMatchObject({ result: "unavailable", status: null });
  });
});
