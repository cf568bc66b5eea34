// AMQP against a strict broker written for it: what arrives, what each confirm, return and close means for which event,
// and that an attempt's end is the connection's. The same kind meets a real RabbitMQ in rabbitmq.peer.ts.

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Outcome, Outgoing } from "../../../src/pipes/kinds/kind.ts";
import { rabbitmq } from "../../../src/pipes/kinds/rabbitmq.ts";
import { attemptOf, outgoing, outgoingOfSize } from "../attempts.ts";
import { BY_QUEUE, cases, rabbitmqCase } from "./cases/rabbitmq.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const { control, settings } = await rabbitmqCase();
const deliver = async (
  batch: readonly Outgoing[],
  changes = {},
  attempt = attemptOf().attempt,
): Promise<Outcome> => await rabbitmq.deliver(batch, rabbitmq.settings.parse(settings(changes)), attempt);
const raw = async () => (await control.tell()).taken.map((one) => one.raw);
const queued = (...queues: string[]) => queues.map((source) => outgoing({ source }));
beforeEach(() => control.forget());

describe("what arrives", () => {
  it("is each event, persistent, where its source and type lead, with its time", async () => {
    const one = outgoing({ type: "opened", description: "žluťoučký 😀" });
    const other = outgoing({ type: "pipe.paused", source: null, contact: null, data: { pipe: "p1" } });
    const { attempt, notes } = attemptOf();
    expect(await deliver([one, other], {}, attempt)).toMatchObject({ result: "delivered", status: 200 });
    const properties = (event: Outgoing) => ({
      content_type: "application/json",
      delivery_mode: 2,
      message_id: event.id,
      type: event.type,
      timestamp: Math.floor(event.at / 1000),
      headers: { "tidings-attempt": attempt.id },
    });
    expect(await raw()).toEqual([
      { exchange: "events", routingKey: "email.mailjet.opened", properties: properties(one) },
      { exchange: "events", routingKey: "email.tidings.pipe.paused", properties: properties(other) },
    ]);
    expect(notes).toMatchObject([
      {
        request: { method: "basic.publish", url: `amqp://127.0.0.1:${control.port}/mail%2Feu` },
        response: { status: 200, body: "acked\nacked" },
      },
    ]);
  });
});

describe("what answers mean", () => {
  it("each event has its own fate, whatever its neighbours' are", async () => {
    const fates = { taken: null, full: "unavailable", nowhere: "refused" } as const;
    const queue = fc.constantFrom("taken" as const, "full" as const, "nowhere" as const);
    await fc.assert(
      fc.asyncProperty(fc.array(queue, { minLength: 1, maxLength: 12 }), async (queues) => {
        await control.forget();
        const batch = queued(...queues);
        const outcome = await deliver(batch, BY_QUEUE);
        const took = queues.includes("taken");
        const full = queues.includes("full");
        expect(outcome.result).toBe(took ? "delivered" : full ? "unavailable" : "refused");
        expect(outcome.failed?.map(({ index, result }) => [index, result]) ?? []).toEqual(
          queues.flatMap((name, index) => (fates[name] === null ? [] : [[index, fates[name]]])),
        );
        const ids = (await control.tell()).taken.map(({ id }) => id);
        const meant = batch.filter((_, index) => queues[index] === "taken").map(({ id }) => id);
        expect(ids).toEqual(meant);
      }),
      { numRuns: 40 },
    );
  });

  it("what is too large for the broker is refused alone", async () => {
    const [small, huge] = queued("taken", "small");
    const large = outgoing({ source: "small", description: "x".repeat(2000) });
    if (small === undefined || huge === undefined) throw new Error("no events");
    expect((await deliver([large], BY_QUEUE)).failed?.map(({ result }) => result)).toEqual(["refused"]);
    const { failed } = await deliver([small, large, huge], BY_QUEUE);
    expect(failed?.find(({ index }) => index === 1)?.result).toBe("refused");
    expect(failed?.filter(({ index }) => index !== 1).every(({ result }) => result === "unavailable")).toBe(
      true,
    );
    const beyond = outgoingOfSize(900, 16 * 1024 * 1024 + 1);
    const long = outgoing({ source: "é".repeat(128) });
    const outcome = await deliver([beyond, small, long], BY_QUEUE);
    expect(outcome.failed).toEqual([
      { index: 0, result: "refused", reason: "is too large: more than 16 MiB" },
      { index: 2, result: "refused", reason: "its routing key is too long" },
    ]);
  });
});

describe("an attempt's end", () => {
  it("keeps what was confirmed until then", async () => {
    const abort = new AbortController();
    const { attempt } = attemptOf({ signal: abort.signal });
    const delivering = deliver(queued("taken", "silent", "taken"), BY_QUEUE, attempt);
    await scheduler.wait(100);
    abort.abort();
    const reason = "no answer within 15 seconds";
    expect(await delivering).toMatchObject({
      result: "delivered",
      failed: [{ index: 1, result: "unavailable", reason }],
    });
  });
});

describe("what is safe", () => {
  it("goes to no private host", async () => {
    for (const host of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "broker", "rabbit.internal", "0x7f.1"]) {
      const outcome = await deliver(
        [outgoing()],
        { host, tls: true },
        attemptOf({ loopback: false }).attempt,
      );
      expect(outcome).toMatchObject({ result: "denied", reason: expect.stringContaining("private") });
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
