// Handshakes with providers, and certificates that must be fetched before a signature can be verified.

import { beforeEach, describe, expect, it, vi } from "vitest";
import { providers, type Handshake } from "../../src/providers/index.ts";
import { capture, envWith, freshStorage, mailjetPost, send } from "../support/support.ts";
import { answerOf } from "./requests.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(freshStorage);

describe("handshakes", () => {
  const bodies: Uint8Array[] = [];
  const ask = async (handshake: Handshake | null): Promise<Response> => {
    const { mailjet } = providers;
    if (mailjet === undefined) throw new Error("mailjet is gone");
    providers["shaking"] = { ...mailjet, id: "shaking", handshake: () => handshake };
    try {
      const { queue, bodies: sent } = capture();
      const bindings = envWith({
        QUEUE: queue,
        SOURCE_CREDENTIALS: '{"shaking":"user:secret-of-the-tests"}',
        SOURCES: {},
      });
      const response = await send(mailjetPost("[]", "/webhooks/shaking"), bindings);
      bodies.splice(0, bodies.length, ...sent);
      return response;
    } finally {
      delete providers["shaking"];
    }
  };

  it("are answered with the body that the provider expects, and not queued", async () => {
    const response = await ask({ respond: '{"validationResponse":"x"}', contentType: "application/json" });
    expect([response.status, await response.json()]).toEqual([200, { validationResponse: "x" }]);
    expect(bodies).toHaveLength(0);
    expect((await ask(null)).status).toBe(200);
    expect(bodies).toHaveLength(1);
  });

  it("are confirmed at the provider's URL by https without redirects, and answer 503 if that fails", async () => {
    expectLogs(/a subscription could not be confirmed/);
    const fetched = vi.spyOn(globalThis, "fetch");
    fetched.mockImplementation(async () => new Response("ok"));
    expect((await ask({ confirm: "https://sns.eu-west-1.amazonaws.com/?Token=x" })).status).toBe(200);
    expect(fetched.mock.calls[0]?.[1]).toMatchObject({ redirect: "manual" });
    for (const status of [302, 404, 500]) {
      fetched.mockImplementation(async () => new Response(null, { status }));
      expect((await ask({ confirm: "https://sns.eu-west-1.amazonaws.com/" })).status).toBe(503);
    }
    fetched.mockClear();
    for (const confirm of ["http://sns.eu-west-1.amazonaws.com/", "nonsense", "file:///etc/passwd"]) {
      expect((await ask({ confirm })).status).toBe(503);
    }
    expect(fetched).not.toHaveBeenCalled();
    fetched.mockRestore();
    expect(bodies).toHaveLength(0);
  });
});

describe("certificates", () => {
  it("that cannot be fetched now answer 503, so that the provider retries; missing or foreign ones answer 401", async () => {
    expectLogs(
      /the certificate('s URL answered| could not be fetched)/,
      /another topic/,
      /SigningCertURL is not/,
    );
    const topic = "arn:aws:sns:eu-west-1:123456789012:tidings";
    const message = {
      Type: "Notification",
      MessageId: "m",
      TopicArn: topic,
      Message: "{}",
      Timestamp: "2026-11-20T10:00:00.000Z",
      SignatureVersion: "2",
      Signature: "AAAA",
      SigningCertURL: "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-unavailable.pem",
    };
    const bindings = (): Env => envWith({ SOURCES: {}, SOURCE_CREDENTIALS: JSON.stringify({ ses: topic }) });
    const post = (changes = {}): Request =>
      mailjetPost(JSON.stringify({ ...message, ...changes }), "/webhooks/ses");
    const fetched = vi.spyOn(globalThis, "fetch");
    fetched.mockImplementation(async () => await Promise.reject(new Error("no route")));
    expect((await answerOf(post(), bindings())).status).toBe(503);
    fetched.mockImplementation(async () => new Response("busy", { status: 500 }));
    expect((await answerOf(post(), bindings())).status).toBe(503);
    fetched.mockImplementation(async () => new Response("none", { status: 404 }));
    expect((await answerOf(post(), bindings())).status).toBe(401);
    fetched.mockClear();
    expect((await answerOf(post({ TopicArn: `${topic}x` }), bindings())).status).toBe(401);
    expect((await answerOf(post({ SigningCertURL: "https://evil.test/x.pem" }), bindings())).status).toBe(
      401,
    );
    expect(fetched).not.toHaveBeenCalled();
    fetched.mockRestore();
  });
});
