// `kafka`: the shared suite in both flavours, and what is its own.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { objectsOf } from "../../../src/pipes/kinds/kafka-answers.ts";
import { kafka } from "../../../src/pipes/kinds/kafka.ts";
import { orderKey } from "../../../src/pipes/transport/batches.ts";
import { attemptOf, failures, outgoing, outgoingOfSize } from "../attempts.ts";
import { cases, confluentCase, redpandaCase } from "./cases/kafka.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const confluent = await confluentCase();
const redpanda = await redpandaCase();

describe.each([
  ["confluent", confluent],
  ["redpanda", redpanda],
] as const)("kafka, flavour %s", (flavour, { control, settings }) => {
  it("leaves it to the broker whether a large record is too large, and takes its neighbours along", async () => {
    await control.forget();
    const given = kafka.settings.parse(settings());
    const batch = [outgoing(), outgoingOfSize(900, 1_040_000), outgoingOfSize(901, 1_100_000), outgoing()];
    const outcome = await kafka.deliver(batch, given, attemptOf().attempt);
    expect(outcome.result).toBe("delivered");
    expect(failures(outcome)).toEqual({ 2: "refused" });
    const { requests, taken } = await control.tell();
    expect(requests).toBe(4);
    expect(taken).toHaveLength(3);
  });

  it.each(["contact", "event", "none"] as const)("takes the %s for the key", async (key) => {
    await control.forget();
    const event = outgoing();
    const given = kafka.settings.parse(settings({ key }));
    await kafka.deliver([event], given, attemptOf().attempt);
    const order = { contact: orderKey(event), event: event.id, none: null }[key];
    expect((await control.tell()).taken).toMatchObject([{ order }]);
  });

  it("counts what an answer that breaks off does not name as unknown", async () => {
    const given = kafka.settings.parse(settings());
    const body =
      flavour === "confluent"
        ? '{"error_code":200,"offset":1}{"error_code":20'
        : '{"offsets":[{"offset":1}]}';
    await control.behave({ answer: { status: 200, body } });
    const outcome = await kafka.deliver([outgoing(), outgoing(), outgoing()], given, attemptOf().attempt);
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
    const given = confluent.settings({ url: "https://pkc-1.eu-central-1.aws.confluent.cloud:443" });
    expect(kafka.settings.safeParse(given).success).toBe(true);
    const result = kafka.settings.safeParse({ ...given, ...changes });
    expect(result.error?.issues[0]).toMatchObject({
      path: [field],
      message: expect.stringMatching(/^must be/),
    });
  });
});
