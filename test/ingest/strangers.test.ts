// What a stranger can make Tidings do before his credentials are known to be wrong: as little as possible.

import { createHmac } from "node:crypto";
import { roomInMinute } from "../support/minute.ts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { readBody } from "../../src/ingest/body.ts";
import { capture, envWith, freshStorage, mailjetPost, objects, rows, send } from "../support/support.ts";
import { answerOf } from "./requests.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(() => expectLogs(/a request (was refused|could not be served)/));
beforeEach(freshStorage);

const TOPIC = "arn:aws:sns:eu-west-1:123456789012:tidings";
const KEY = "a-signing-key-of-many-letters";
const CREDENTIALS = {
  mailjet: "user:secret-of-the-tests",
  enforced: "user:secret-of-the-tests",
  ses: TOPIC,
  mailgun: KEY,
  mailersend: KEY,
  mandrill: KEY,
  sendgrid:
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
  generic: `hmac:${KEY}`,
  lettermint: KEY,
  unisender: KEY,
};

const bindings = (changes: Record<string, unknown> = {}): Env =>
  envWith({
    QUEUE: capture().queue,
    SOURCE_CREDENTIALS: JSON.stringify(CREDENTIALS),
    SOURCES: { enforced: { provider: "mailjet", ip_policy: "enforce", ips: ["203.0.113.0/24"] } },
    ...changes,
  });

/** A body that gives chunks as long as anybody reads, or `stallsAt` so many bytes; `given` counts them. */
function endless({ chunk = 50_000, stallsAt = Infinity } = {}) {
  const told = { given: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (told.given >= stallsAt) return await new Promise(() => {});
        told.given += chunk;
        return controller.enqueue(new Uint8Array(chunk).fill(0x20));
      },
      cancel() {
        told.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, told };
}

const post = (source: string, body: BodyInit, headers: Record<string, string> = {}): Request =>
  new Request(`https://edge.example/webhooks/${source}`, { method: "POST", body, headers });

describe("before a byte of the body is read", () => {
  it.each([
    ["a wrong password", "mailjet", { authorization: `Basic ${btoa("user:wrong")}` }, 401],
    ["no password", "mailjet", {}, 401],
    ["a closed source", "brevo", {}, 401],
    ["an address outside of the list", "enforced", { "cf-connecting-ip": "198.51.100.1" }, 403],
    ["no signature", "sendgrid", {}, 401],
    ["no signature", "mailersend", {}, 401],
    ["no signature", "mandrill", {}, 401],
    ["no signature", "generic", {}, 401],
    ["an old signature", "lettermint", { "x-lettermint-signature": "t=1000000000,v1=00" }, 401],
    ["another topic", "ses", { "x-amz-sns-topic-arn": `${TOPIC}-not` }, 401],
  ])("%s is refused at %s", async (_what, source, headers, status) => {
    const { body, told } = endless();
    expect((await answerOf(post(source, body, headers), bindings())).status).toBe(status);
    expect(told.given).toBe(0);
  });

  it("a declared length over the limit is refused", async () => {
    const { body, told } = endless();
    expect((await answerOf(post("ses", body, { "content-length": "5000001" }), bindings())).status).toBe(413);
    expect(told.given).toBe(0);
  });
});

describe("a body that has to prove itself", () => {
  it.each([
    ["ses", 532_480, {}],
    ["mailgun", 524_288, {}],
    ["mailersend", 1_000_000, { signature: "00" }],
    [
      "sendgrid",
      1_000_000,
      {
        "x-twilio-email-event-webhook-signature": "AA==",
        "x-twilio-email-event-webhook-timestamp": "1790000000",
      },
    ],
  ])("is read for %s no further than %i bytes", async (source, most, headers: Record<string, string>) => {
    const { body, told } = endless();
    expect((await answerOf(post(source, body, headers), bindings())).status).toBe(413);
    expect(told.given).toBeLessThanOrEqual(most + 50_000);
    expect(told.cancelled).toBe(true);
  });

  it("is refused by another topic or a missing signature, however hard it is to parse", async () => {
    const long = `[${"1234567890123456,".repeat(30_000)}1]`;
    const bodies = [
      ["ses", `{"TopicArn":"${TOPIC}-not","x":${long}}`],
      ["mailgun", `{"x":${long}}`],
      ["unisender", `{"auth":"${"0".repeat(32)}","x":${long}}`],
    ] as const;
    const parse = vi.spyOn(JSON, "parse");
    for (const [source, body] of bodies)
      expect((await answerOf(post(source, body), bindings())).status).toBe(401);
    const longest = Math.max(0, ...parse.mock.calls.map(([text]) => text.length));
    parse.mockRestore();
    expect(longest).toBeLessThan(10_000);
  });

  it("shares 16 MB with all others in the isolate: the next one gets 503, a known sender gets 200", async () => {
    const signed = { "x-signature": "0".repeat(64) };
    const stalled = Array.from({ length: 4 }, () => endless({ stallsAt: 4_000_000 }));
    const waiting = stalled.map(({ body }) => {
      const controller = new AbortController();
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const piped = body.pipeTo(writable, { signal: controller.signal }).catch(() => {});
      return { controller, piped, answered: answerOf(post("generic", readable, signed), bindings()) };
    });
    await vi.waitFor(() => expect(stalled.every(({ told }) => told.given >= 4_000_000)).toBe(true), 20_000);
    const next = await send(post("generic", endless().body, signed), bindings());
    expect([next.status, next.headers.get("retry-after")]).toEqual([503, "30"]);
    const known = mailjetPost(new Uint8Array(4_000_000).fill(0x20));
    expect((await answerOf(known, bindings())).status).toBe(200);
    for (const { controller, piped, answered } of waiting) {
      controller.abort();
      await piped;
      expect((await answered).status).toBe(503);
    }
    expect((await answerOf(post("generic", "[]", signed), bindings())).status).toBe(401);
  });

  it("has a deadline, after which it is read no further", async () => {
    for (const budget of [null, { take: () => true, giveBack: () => {} }]) {
      const { body, told } = endless({ stallsAt: 100_000 });
      const limits = { most: 1_000_000, deadline: 50, budget };
      expect((await readBody(post("generic", body), limits)).body).toBe("too slow");
      await vi.waitFor(() => expect(told.cancelled).toBe(true));
    }
  });
});

describe("a test that is signed with a public key", () => {
  const mailersend = (body: string): Request =>
    post("mailersend", body, {
      signature: createHmac("sha256", "test_Am3L1GuOIc4blLUuHqAPxxwkZaJyEk8G").update(body).digest("hex"),
    });
  const mandrill = (body: string): Request => {
    const url = "https://edge.example/webhooks/mandrill";
    const fields = [...new URLSearchParams(body)]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .flat()
      .join("");
    return post("mandrill", body, {
      "x-mandrill-signature": createHmac("sha1", "test-webhook")
        .update(url + fields)
        .digest("base64"),
    });
  };

  it("is answered with 200, and nothing of it is kept", async () => {
    const { queue, bodies } = capture();
    for (const request of [
      mailersend('{"type":"webhook.test","data":{}}'),
      mandrill("mandrill_events=%5B%5D"),
    ])
      expect((await answerOf(request, bindings({ QUEUE: queue }))).status).toBe(200);
    expect(bodies).toEqual([]);
    expect(await objects("")).toEqual([]);
    expect(await rows("SELECT source FROM sources")).toEqual([]);
  });

  it("is refused if it is longer than any test, or contains more than one", async () => {
    const { queue, bodies } = capture();
    const requests = [
      mailersend(`{"type":"webhook.test","x":"${"\\\\".repeat(2_100)}"}`),
      mailersend('{"type":"activity.sent","data":{}}'),
      mandrill(`mandrill_events=%5B%5D&x=${"a".repeat(100)}`),
      mandrill(`mandrill_events=%5B%5D${"+".repeat(5_000)}`),
      mandrill("mandrill_events=%5B%7B%7D%5D"),
    ];
    for (const request of requests)
      expect((await answerOf(request, bindings({ QUEUE: queue }))).status).toBe(401);
    expect(bodies).toEqual([]);
  });
});

describe("wrong credentials", () => {
  beforeEach(roomInMinute);

  const from = (address: string, password: string | null, source = "mailjet"): Request =>
    post(source, "[]", {
      "cf-connecting-ip": address,
      ...(password === null ? {} : { authorization: `Basic ${btoa(`user:${password}`)}` }),
    });
  const broken = {
    prepare: () => {
      throw new Error("the database was asked");
    },
  };
  const statusOf = async (request: Request): Promise<number> =>
    (await answerOf(request, bindings({ DB: broken }))).status;

  it("are limited for each address and source, and right ones never are", async () => {
    const answers: number[] = [];
    for (let i = 0; i < 70; i++) answers.push(await statusOf(from("192.0.2.1", `wrong-${i}`)));
    expect(answers.slice(0, 60).every((status) => status === 401)).toBe(true);
    expect(answers.at(-1)).toBe(429);
    const limited = await send(from("192.0.2.1", "wrong"), bindings());
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(await statusOf(from("192.0.2.1", "secret-of-the-tests"))).toBe(200);
    expect(await statusOf(from("192.0.2.1", null))).toBe(401);
    expect(await statusOf(from("192.0.2.2", "wrong"))).toBe(401);
    expect(await statusOf(from("192.0.2.1", "wrong", "generic"))).toBe(401);
  });

  it("count for the whole network of an IPv6 address", async () => {
    const answers: number[] = [];
    for (let i = 0; i < 70; i++)
      answers.push(await statusOf(from(`2001:db8:1:2::${i.toString(16)}`, "wrong")));
    expect(answers.at(-1)).toBe(429);
    expect(await statusOf(from("2001:db8:1:3::1", "wrong"))).toBe(401);
  });

  it("are limited for signatures, too", async () => {
    const sign = (): Request =>
      post("generic", "[]", { "cf-connecting-ip": "192.0.2.3", "x-signature": "0".repeat(64) });
    const answers: number[] = [];
    for (let i = 0; i < 70; i++) answers.push(await statusOf(sign()));
    expect(answers.at(-1)).toBe(429);
  });

  it("are answered with 401 if they cannot be counted", async () => {
    const failing = { limit: async () => await Promise.reject(new Error("down")) };
    for (const WRONG_CREDENTIALS of [failing, undefined])
      expect((await answerOf(from("192.0.2.4", "wrong"), bindings({ WRONG_CREDENTIALS }))).status).toBe(401);
  });
});
