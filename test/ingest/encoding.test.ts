// Bodies that come gzipped, and the handshake by OPTIONS: what is stored, and what is refused.

import { gzipSync } from "node:zlib";
import { createHmac } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeFrame } from "../../src/model/envelope.ts";
import { expectLogs } from "../support/log.ts";
import { capture, envWith, freshStorage, mailjetEvent, mailjetPost, send } from "../support/support.ts";
import { answerOf } from "./requests.ts";

beforeEach(freshStorage);

const EVENTS = JSON.stringify([mailjetEvent({ email: "zoe@example.com" })]);
const GZIP = { "content-encoding": "gzip" };

/** The answer's status, and the bodies of the envelopes that were queued. */
async function storedOf(
  request: Request,
  changes: Record<string, unknown> = {},
): Promise<{ status: number; stored: string[] }> {
  const { queue, bodies } = capture();
  const { status } = await answerOf(request, envWith({ QUEUE: queue, ...changes }));
  const envelopes = await Promise.all(bodies.map(async (body) => await decodeFrame(body)));
  const textOf = ({ envelope }: Awaited<ReturnType<typeof decodeFrame>>): string =>
    Buffer.from("body" in envelope ? envelope.body : []).toString();
  return { status, stored: envelopes.map(textOf) };
}

describe("a gzipped body", () => {
  it("is stored unzipped, whichever provider it is for, and whatever the case of the word", async () => {
    for (const encoding of ["gzip", "GZIP", "x-gzip"]) {
      const headers = { "content-encoding": encoding };
      expect(await storedOf(mailjetPost(gzipSync(EVENTS), undefined, { headers }))).toEqual({
        status: 200,
        stored: [EVENTS],
      });
    }
  });

  it("proves itself by a signature over the bytes that were sent", async () => {
    const body = gzipSync('{"event":"open","email":"zoe@example.com"}');
    const post = (signed: Uint8Array | string): Request => {
      const signature = createHmac("sha256", "key-of-the-tests").update(signed).digest("hex");
      return mailjetPost(body, "/webhooks/generic", { headers: { ...GZIP, "x-signature": signature } });
    };
    const credentials = { SOURCE_CREDENTIALS: '{"generic":"hmac:key-of-the-tests"}' };
    expect(await storedOf(post(body), credentials)).toEqual({
      status: 200,
      stored: ['{"event":"open","email":"zoe@example.com"}'],
    });
    expectLogs(/the signature does not match/);
    expect((await storedOf(post('{"event":"open","email":"zoe@example.com"}'), credentials)).status).toBe(
      401,
    );
  });

  it("is taken as it is if a proxy has unzipped it already, or if it is broken", async () => {
    expect((await storedOf(mailjetPost(EVENTS, undefined, { headers: GZIP }))).stored).toEqual([EVENTS]);
    const broken = gzipSync(EVENTS).subarray(0, 40);
    const { status, stored } = await storedOf(mailjetPost(broken, undefined, { headers: GZIP }));
    expect([status, stored]).toEqual([200, [broken.toString()]]);
  });

  it("is refused with 413 if it holds more than 5 MB, however short it is", async () => {
    expectLogs(/too large when unzipped/);
    const bomb = gzipSync(new Uint8Array(5_000_001).fill(0x20));
    expect(bomb.length).toBeLessThan(10_000);
    expect(await storedOf(mailjetPost(bomb, undefined, { headers: GZIP }))).toEqual({
      status: 413,
      stored: [],
    });
    const largest = gzipSync(new Uint8Array(5_000_000).fill(0x20));
    expect((await storedOf(mailjetPost(largest, undefined, { headers: GZIP }))).status).toBe(200);
  });

  it("in another encoding is refused with 415, but only to those who know the credentials", async () => {
    expectLogs(/encoding is unknown|the credentials are wrong/);
    for (const encoding of ["br", "zstd", "gzip, gzip"]) {
      const headers = { "content-encoding": encoding };
      const { status, text } = await answerOf(mailjetPost("{}", undefined, { headers }));
      expect([status, text]).toEqual([415, expect.stringContaining("content-encoding: gzip")]);
      const stranger = { ...headers, authorization: `Basic ${btoa("user:wrong")}` };
      expect((await answerOf(mailjetPost("{}", undefined, { headers: stranger }))).status).toBe(401);
    }
  });
});

describe("Event Grid's handshake for CloudEvents", () => {
  const bindings = (settings: Record<string, unknown> = {}): Env =>
    envWith({
      SOURCES: { azure: { provider: "azure", ...settings } },
      SOURCE_CREDENTIALS: '{"azure":"azure-token-of-the-tests","mailjet":"user:secret-of-the-tests"}',
    });
  const ask = async (path: string, headers: Record<string, string>, env: Env): Promise<Response> =>
    await send(new Request(`https://edge.example${path}`, { method: "OPTIONS", headers }), env);
  const ORIGIN = { "webhook-request-origin": "eventgrid.azure.net" };

  it("is answered with the origin that asks, if the URL has the secret", async () => {
    const answer = await ask("/webhooks/azure?token=azure-token-of-the-tests", ORIGIN, bindings());
    expect([answer.status, answer.headers.get("webhook-allowed-origin")]).toEqual([
      200,
      "eventgrid.azure.net",
    ]);
    expect(answer.headers.get("webhook-allowed-rate")).toBe("*");
  });

  it("is refused without the secret, unless Event Grid sends it in a header", async () => {
    expectLogs(/the credentials are (missing|wrong)/);
    expect((await ask("/webhooks/azure", ORIGIN, bindings())).status).toBe(401);
    expect((await ask("/webhooks/azure?token=x", ORIGIN, bindings())).status).toBe(401);
    const named = bindings({ secret_header: "x-secret" });
    expect((await ask("/webhooks/azure", ORIGIN, named)).status).toBe(200);
    expect((await ask("/webhooks/azure", { ...ORIGIN, "x-secret": "wrong" }, named)).status).toBe(401);
    const post = new Request("https://edge.example/webhooks/azure", {
      method: "POST",
      body: "[]",
      headers: ORIGIN,
    });
    expect((await send(post, named)).status).toBe(401);
  });

  it("is no other OPTIONS request, and none to another provider", async () => {
    const path = "/webhooks/azure?token=azure-token-of-the-tests";
    expect((await ask(path, {}, bindings())).status).toBe(405);
    expect((await ask(path, { "webhook-request-origin": "a b" }, bindings())).status).toBe(405);
    expect((await ask("/webhooks/mailjet", ORIGIN, bindings())).status).toBe(405);
  });
});
