// `kafka`, both flavours, against strict written peers.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { objectsOf } from "../../src/pipes/kinds/kafka-answers.ts";
import { kafka } from "../../src/pipes/kinds/kafka.ts";
import { orderKey } from "../../src/pipes/slices.ts";
import { attemptWith, describeHttpKind, failures, outgoing, peerOf, type Subject } from "./http-kinds.ts";

const peer = peerOf("kafka");
const PASSWORD = "pass:word of the peer";

const confluent: Subject<ReturnType<typeof kafka.settings.parse>> = {
  kind: { ...kafka, id: "kafka (Confluent v3)" },
  peer: "kafka",
  settings: (url) => ({
    url,
    cluster: "lkc-1",
    topic: "email.events",
    username: "API-KEY",
    password: PASSWORD,
  }),
  secrets: [PASSWORD],
  wrong: {
    "another password": { password: "wrong" },
    "no password": { username: undefined, password: undefined },
    "another topic": { topic: "others" },
    "another cluster": { cluster: "lkc-2" },
  },
  errors: [
    ["a coded 403", { status: 403, body: '{"error_code":40301,"message":"ann@example.com"}' }, "denied"],
    ["a coded 422", { status: 422, body: '{"error_code":42206,"message":"ann@example.com"}' }, "refused"],
    ["an answer for other things", { status: 200, body: '{"kind":"KafkaTopic"}' }, "unavailable"],
  ],
  items: [
    ["400", "refused"],
    ["42206", "refused"],
    ["413", "refused"],
    ["429", "slow_down"],
    ["40101", "denied"],
    ["40301", "denied"],
    ["40403", "denied"],
    ["50002", "unavailable"],
    ["50302", "unavailable"],
    ["202", "unavailable"],
  ],
  arrived: (event, attempt) => ({
    id: event.id,
    type: event.type,
    attempt: attempt.id,
    order: orderKey(event),
    text: event.text,
  }),
  largest: null,
};

const redpanda: typeof confluent = {
  ...confluent,
  kind: { ...kafka, id: "kafka (Redpanda, v2)" },
  settings: (url) => ({
    flavour: "redpanda",
    url: `${url}/proxy/`,
    topic: "email.events",
    token: "token-of-the-peer",
  }),
  secrets: ["token-of-the-peer"],
  wrong: { "another token": { token: "wrong" }, "another topic": { topic: "others" } },
  errors: [
    ["an unknown topic", { status: 404, body: '{"error_code":40401,"message":"Topic not found"}' }, "denied"],
    ["a retriable error", { status: 500, body: '{"error_code":50003,"message":"Kafka"}' }, "unavailable"],
    ["an answer without offsets", { status: 200, body: '{"offsets":[{"partition":0},{}]}' }, "unavailable"],
  ],
  items: [
    ["1", "refused"],
    ["10", "refused"],
    ["87", "refused"],
    ["89", "slow_down"],
    ["3", "denied"],
    ["29", "denied"],
    ["2", "unavailable"],
    ["7", "unavailable"],
    ["19", "unavailable"],
  ],
  arrived: (event, attempt) => ({ ...confluent.arrived(event, attempt), id: null, type: null }),
};

describeHttpKind(confluent);
describeHttpKind(redpanda);

describe.each([
  ["confluent", confluent],
  ["redpanda", redpanda],
] as const)("kafka, flavour %s", (_, subject) => {
  it("leaves it to the broker whether a large record is too large, and takes its neighbours along", async () => {
    await peer.seen();
    const given = kafka.settings.parse(subject.settings(peer.url));
    const batch = [outgoing(), outgoing({}, 1_040_000), outgoing({}, 1_100_000), outgoing()];
    const outcome = await kafka.deliver(batch, given, attemptWith().attempt);
    expect(outcome.verdict).toBe("delivered");
    expect(failures(outcome)).toEqual({ 2: "refused" });
    const { requests, arrived } = await peer.seen();
    expect(requests).toBe(4);
    expect(arrived).toHaveLength(3);
  });

  it.each(["contact", "event", "none"] as const)("takes the %s for the key", async (key) => {
    await peer.seen();
    const event = outgoing();
    const given = kafka.settings.parse({ ...subject.settings(peer.url), key });
    await kafka.deliver([event], given, attemptWith().attempt);
    const order = { contact: orderKey(event), event: event.id, none: null }[key];
    expect((await peer.seen()).arrived).toMatchObject([{ order }]);
  });

  it("counts what an answer that breaks off does not name as unknown", async () => {
    const given = kafka.settings.parse(subject.settings(peer.url));
    const body =
      subject === confluent ? '{"error_code":200,"offset":1}{"error_code":20' : '{"offsets":[{"offset":1}]}';
    await peer.tell({ status: 200, body });
    const outcome = await kafka.deliver([outgoing(), outgoing(), outgoing()], given, attemptWith().attempt);
    expect(failures(outcome)).toEqual({ 1: "unavailable", 2: "unavailable" });
  });
});

describe("kafka's answers and settings", () => {
  it("finds the objects of a stream, whatever is in them and between them", () => {
    const space = fc.stringMatching(/^[ \r\n\t]{0,3}$/);
    const values = fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), space));
    fc.assert(
      fc.property(values, fc.nat(), (parts, at) => {
        const texts = parts.map(([value, between]) => JSON.stringify(value) + between);
        const text = texts.join("");
        const wanted = parts.map(([value]) => JSON.parse(JSON.stringify(value)) as unknown);
        expect(objectsOf(text)).toEqual(wanted);
        // Broken off anywhere: those that were whole.
        const cut = objectsOf(text.slice(0, at % (text.length + 1)));
        expect(cut).toEqual(wanted.slice(0, cut.length));
      }),
    );
  });

  it.each([
    [{ cluster: undefined }, "cluster"],
    [{ flavour: "redpanda" }, "cluster"],
    [{ flavour: "strimzi" }, "flavour"],
    [{ password: undefined }, "password"],
    [{ username: undefined }, "password"],
    [{ username: "a:b" }, "username"],
    [{ token: "both" }, "token"],
    [{ topic: ".." }, "topic"],
    [{ topic: "a/b" }, "topic"],
    [{ key: "address" }, "key"],
    [{ url: "http://kafka.example.com" }, "url"],
    [{ url: "https://kafka.example.com/?a" }, "url"],
    [{ url: "https://192.168.0.1" }, "url"],
  ])("refuses %j", (changes, field) => {
    const given = confluent.settings("https://pkc-1.eu-central-1.aws.confluent.cloud:443");
    expect(kafka.settings.safeParse(given).success).toBe(true);
    const result = kafka.settings.safeParse({ ...given, ...changes });
    expect(result.error?.issues[0]).toMatchObject({
      path: [field],
      message: expect.stringMatching(/^must be/),
    });
  });
});
