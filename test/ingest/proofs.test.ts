// What authenticates a request is not kept with it: neither what is stored nor what the API shows proves anything again.

import { createHash, createHmac } from "node:crypto";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { encodeFrame, type Envelope } from "../../src/model/envelope.ts";
import { newId } from "../../src/lib/time-id.ts";
import { getEnvelope } from "../../src/store/bucket/archive.ts";
import { expectLogs } from "../support/log.ts";
import { capture, deliver, envWith, freshStorage, read, rows, send } from "../support/support.ts";
import { batchOf } from "../../src/store/feed-rows.ts";

beforeEach(freshStorage);
beforeEach(() => expectLogs(/a request was refused/));

const KEY = "a-signing-key-of-many-letters";
const PASSWORD = "hook:a-password-of-many-letters";
const bindings = (changes: Record<string, unknown> = {}): Env =>
  envWith({
    SOURCES: {},
    SOURCE_CREDENTIALS: JSON.stringify({ mailgun: KEY, unisender: KEY, ses: PASSWORD, scaleway: PASSWORD }),
    ...changes,
  });

const TOKEN = "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0";
function signed() {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", KEY)
    .update(timestamp + TOKEN)
    .digest("hex");
  return { timestamp, token: TOKEN, signature };
}

const EVENT = { event: "delivered", timestamp: 1_790_000_000.5, id: "e1", recipient: "ann@example.com" };
const parts = (fields: Record<string, string>): string =>
  `${Object.entries(fields)
    .map(([name, value]) => `--limit\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join("")}--limit--\r\n`;

function unisender(events: unknown[]): string {
  const bodyWith = (auth: string): string => JSON.stringify({ auth, events_by_user: [{ events }] });
  return bodyWith(createHash("md5").update(bodyWith(KEY)).digest("hex"));
}

const sns = (message: string): string =>
  JSON.stringify({
    Type: "Notification",
    MessageId: "m1",
    TopicArn: "arn:aws:sns:eu-west-1:123456789012:tidings",
    Message: message,
    Timestamp: "2026-11-20T10:00:00.000Z",
    Signature: "SECRETsignature==",
    UnsubscribeURL: "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=SECRETarn",
  });
const SES_REPORT = JSON.stringify({
  eventType: "Delivery",
  mail: { messageId: "m", timestamp: "2026-11-20T10:00:00.000Z", destination: ["ann@example.com"] },
  delivery: { timestamp: "2026-11-20T10:00:01.000Z", recipients: ["ann@example.com"] },
});

interface Sent {
  name: string;
  source: string;
  body: (readable: boolean) => string;
  /** What in a body would prove another request, or acts by itself. */
  secrets: (body: string) => string[];
}

const digits = (body: string): string[] => body.match(/(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])/g) ?? [];
const SENT: Sent[] = [
  {
    name: "Mailgun's signature",
    source: "mailgun",
    body: (readable) =>
      JSON.stringify({ signature: signed(), "event-data": readable ? EVENT : { ...EVENT, event: null } }),
    secrets: digits,
  },
  {
    name: "Mailgun's signature in a form",
    source: "mailgun",
    body: (readable) =>
      String(
        new URLSearchParams({
          ...signed(),
          recipient: EVENT.recipient,
          ...(readable ? { event: "opened" } : {}),
        }),
      ),
    secrets: digits,
  },
  {
    name: "Mailgun's signature in parts",
    source: "mailgun",
    body: (readable) =>
      parts({ ...signed(), recipient: EVENT.recipient, ...(readable ? { event: "opened" } : {}) }),
    secrets: digits,
  },
  {
    name: "Unisender's MD5",
    source: "unisender",
    body: (readable) =>
      unisender([
        {
          event_name: "transactional_email_status",
          event_data: {
            job_id: "j",
            email: readable ? "ann@example.com" : 7,
            status: "delivered",
            event_time: "2026-11-20 10:00:00",
          },
        },
      ]),
    secrets: digits,
  },
  {
    name: "SNS's signature and links",
    source: "ses",
    body: (readable) => sns(readable ? SES_REPORT : "{"),
    secrets: () => ["SECRET"],
  },
  {
    name: "the same of Scaleway's copy",
    source: "scaleway",
    body: (readable) =>
      sns(
        readable
          ? JSON.stringify({
              type: "email_delivered",
              email_to: "ann@example.com",
              created_at: "2026-11-20T10:00:01Z",
              id: "i",
            })
          : "{",
      ),
    secrets: () => ["SECRET"],
  },
];

async function messagesOf(source: string, body: string): Promise<Uint8Array[]> {
  const { queue, bodies } = capture();
  const headers = /ses|scaleway/.test(source) ? { authorization: `Basic ${btoa(PASSWORD)}` } : {};
  const request = new Request(`https://edge.example/webhooks/${source}`, { method: "POST", body, headers });
  expect((await send(request, bindings({ QUEUE: queue }))).status).toBe(200);
  return bodies;
}

/** The same as an envelope of a version that did not cut proofs. */
function uncut(source: string, body: string): Uint8Array {
  const envelope: Envelope = {
    id: newId(Date.now()),
    source,
    provider: source,
    receivedAt: Date.now(),
    method: "POST",
    url: `https://edge.example/webhooks/${source}`,
    headers: [],
    body: new TextEncoder().encode(body),
  };
  return encodeFrame(envelope);
}

const shown = async (path: string): Promise<string> => {
  const response = await read(path);
  expect(response.status).toBe(200);
  return JSON.stringify(await response.text());
};

describe.each(SENT)("$name", ({ source, body, secrets }) => {
  const bodies = { whole: body(true), broken: body(false) };
  const expectNone = (text: string): void => {
    for (const sent of Object.values(bodies)) {
      expect(secrets(sent)).not.toEqual([]);
      for (const secret of secrets(sent)) expect(text).not.toContain(secret);
    }
  };

  it("is not in the queue, the archive, an event's raw element, or a dead letter; the event is read nevertheless", async () => {
    const messages = [
      ...(await messagesOf(source, bodies.whole)),
      ...(await messagesOf(source, bodies.broken)),
    ];
    for (const message of messages) expectNone(new TextDecoder().decode(message));
    expect((await deliver(messages, bindings())).acked).toHaveLength(2);
    const [event] = await rows<{ id: string; batch: string; line: number }>(
      `SELECT id, ${batchOf("events")} AS batch, line FROM events`,
    );
    const kept = await getEnvelope(env.BUCKET, event?.batch ?? "", event?.line ?? 0);
    expectNone(new TextDecoder().decode(kept?.body));
    expectNone(await shown(`/v1/events/${event?.id}`));
    const [letter] = await rows<{ id: string; raw: string }>("SELECT id, raw FROM dead_letters");
    expectNone(letter?.raw ?? "no letter");
    expectNone(await shown(`/v1/dead-letters/${letter?.id}`));
    expectNone(await shown("/v1/dead-letters"));
  });

  it("is not shown either where an older version kept it, and such requests are read and replayed", async () => {
    await deliver([uncut(source, bodies.whole), uncut(source, bodies.broken)], bindings());
    const [event] = await rows<{ id: string }>("SELECT id FROM events");
    expectNone(await shown(`/v1/events/${event?.id}`));
    const [letter] = await rows<{ id: string }>("SELECT id FROM dead_letters");
    expectNone(await shown(`/v1/dead-letters/${letter?.id}`));
    expectNone(await shown("/v1/dead-letters"));
    expect((await read(`/v1/dead-letters/${letter?.id}/replay`, { method: "POST" })).status).toBe(202);
  });
});
