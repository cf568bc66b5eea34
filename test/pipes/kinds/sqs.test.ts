// `sqs`: the shared suite, and what is its own: real queues of fauxqs, and settings.

import { describe, expect, inject, it } from "vitest";
import { sqs } from "../../../src/pipes/kinds/sqs.ts";
import { orderKey } from "../../../src/pipes/transport/batches.ts";
import { attemptOf, failures, outgoing, outgoingOfSize } from "../attempts.ts";
import { cases, sqsSettings } from "./cases/sqs.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

describe("sqs at fauxqs", () => {
  const url = `http://127.0.0.1:${inject("peers")["fauxqs"]}`;

  interface Message {
    MessageId: string;
    ReceiptHandle: string;
    Body: string;
    MessageAttributes: Record<string, { StringValue: string }>;
    Attributes: Record<string, string>;
  }

  async function call<T>(action: string, body: object): Promise<T> {
    const headers = {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `AmazonSQS.${action}`,
      authorization:
        "AWS4-HMAC-SHA256 Credential=a/20261101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
    };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    return JSON.parse((await response.text()) || "{}") as T;
  }

  /** Takes all messages out of a queue. */
  async function received(queue: string): Promise<Message[]> {
    const QueueUrl = `${url}/000000000000/${queue}`;
    const all: Message[] = [];
    for (;;) {
      const asked = { MaxNumberOfMessages: 10, MessageAttributeNames: ["All"], AttributeNames: ["All"] };
      const { Messages = [] } = await call<{ Messages?: Message[] }>("ReceiveMessage", {
        QueueUrl,
        ...asked,
      });
      if (Messages.length === 0) return all;
      all.push(...Messages);
      for (const { ReceiptHandle } of Messages) await call("DeleteMessage", { QueueUrl, ReceiptHandle });
    }
  }

  const settings = (queue: string): ReturnType<typeof sqs.settings.parse> =>
    sqs.settings.parse(sqsSettings(`${url}/000000000000/${queue}`));

  it("puts messages into a standard queue", async () => {
    const batch = Array.from({ length: 10 }, () => outgoing());
    const { attempt } = attemptOf();
    expect(await sqs.deliver(batch, settings("events"), attempt)).toMatchObject({
      result: "delivered",
      status: 200,
    });
    const messages = await received("events");
    const found = messages.map(
      ({ Body, MessageAttributes: { "tidings-event": id, "tidings-attempt": by } }) => {
        return [id?.StringValue, by?.StringValue, JSON.stringify(JSON.parse(Body))].join(" ");
      },
    );
    const sent = batch.map(({ id, text }) => [id, attempt.id, JSON.stringify(JSON.parse(text))].join(" "));
    expect(new Set(found)).toEqual(new Set(sent));
    expect(found).toHaveLength(10);
  });

  it("puts messages into a FIFO queue, in each contact's order, repeats once", async () => {
    const batch = [
      outgoing({ contact: "eve@example.com" }),
      outgoing({ contact: "bob@example.com" }),
      outgoing({ contact: "eve@example.com" }),
    ];
    for (let time = 0; time < 2; time++) {
      const { attempt } = attemptOf();
      expect(await sqs.deliver(batch, settings("events.fifo"), attempt)).toMatchObject({
        result: "delivered",
      });
    }
    const messages = await received("events.fifo");
    expect(messages).toHaveLength(3);
    const ids = messages
      .filter(
        ({ Attributes }) => Attributes["MessageGroupId"] === orderKey({ contact: "eve@example.com", id: "" }),
      )
      .map(({ MessageAttributes }) => MessageAttributes["tidings-event"]?.StringValue);
    expect(ids).toEqual([batch[0]?.id, batch[2]?.id]);
  });

  it("says which messages a queue with a lower limit does not take", async () => {
    const batch = [outgoing(), outgoingOfSize(900, 3000), outgoing()];
    const outcome = await sqs.deliver(batch, settings("small"), attemptOf().attempt);
    expect(outcome.result).toBe("delivered");
    expect(failures(outcome)).toEqual({ 1: "refused" });
    expect(await received("small")).toHaveLength(2);
  });

  it("is denied by a queue that is not there", async () => {
    const outcome = await sqs.deliver([outgoing()], settings("nowhere"), attemptOf().attempt);
    expect(outcome).toMatchObject({
      result: "denied",
      reason: expect.stringMatching(/QueueDoesNotExist|NonExistent/),
    });
  });
});

describe("sqs settings", () => {
  it.each([
    ["https://sqs.eu-central-1.amazonaws.com/123456789012/q", true],
    ["https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", true],
    ["https://sqs.us-gov-west-1.api.aws/123456789012/q", true],
    ["https://queue.amazonaws.com/123456789012/q", true],
    ["https://sqs.example.com/123456789012/q", false],
  ])("finds the region in %s", (queue_url, found) => {
    const { region: _, ...rest } = sqsSettings("http://127.0.0.1/1/q");
    const result = sqs.settings.safeParse({ ...rest, queue_url });
    expect(result.success).toBe(found);
    if (!found) expect(result.error?.issues[0]?.path).toEqual(["region"]);
  });

  it.each([
    "http://sqs.eu-west-1.amazonaws.com/1/q",
    "https://10.0.0.1/1/q",
    "https://sqs.eu-west-1.amazonaws.com/",
    "q",
  ])("refuses %s as a queue's URL", (queue_url) => {
    const result = sqs.settings.safeParse({ ...sqsSettings("http://127.0.0.1/1/q"), queue_url });
    expect(result.error?.issues[0]).toMatchObject({
      path: ["queue_url"],
      message: expect.stringMatching(/^must be/),
    });
  });
});

describe("a temporary key", () => {
  const temporary = { ...sqsSettings("https://sqs.eu-west-1.amazonaws.com/123456789012/events") };
  const asia = { ...temporary, access_key_id: "ASIAIOSFODNN7EXAMPLE" };

  it("is taken with its session token alone", () => {
    const [issue] = sqs.settings.safeParse(asia).error?.issues ?? [];
    expect(issue?.path).toEqual(["session_token"]);
    expect(issue?.message).toContain("temporary key");
    const token = { session_token: "FwoGZXIvYXdzEXAMPLE" };
    expect(sqs.settings.safeParse({ ...asia, ...token }).success).toBe(true);
    expect(sqs.settings.safeParse({ ...temporary, ...token }).error?.issues[0]?.path).toEqual([
      "session_token",
    ]);
  });

  it("signs its token, shows it nowhere, and says what to do once it has ended", async () => {
    const { attempt, notes } = attemptOf();
    let sent: Record<string, string> = {};
    const fetch: typeof attempt.fetch = async ({ headers }) => {
      sent = headers;
      const text = JSON.stringify({ __type: "com.amazonaws.sqs#ExpiredTokenException" });
      return await Promise.resolve({ status: 403, headers: new Headers(), text });
    };
    const given = sqs.settings.parse({ ...asia, session_token: "FwoGZXIvYXdzEXAMPLE" });
    const outcome = await sqs.deliver([outgoing()], given, { ...attempt, fetch });
    expect(sent["x-amz-security-token"]).toBe("FwoGZXIvYXdzEXAMPLE");
    expect(sent["authorization"]).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
    expect(outcome).toMatchObject({ result: "denied" });
    expect(outcome.reason).toContain("pass a new one");
    expect(sqs.secrets).toContain("session_token");
    expect(notes).toEqual([]);
  });
});
