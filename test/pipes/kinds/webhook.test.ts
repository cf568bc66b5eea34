// Webhooks: the shared suite in each form, the signatures as two libraries verify them, and receivers that fail below
// HTTP.

import { beforeEach, describe, expect, test } from "vitest";
import { webhook } from "../../../src/pipes/kinds/webhook.ts";
import { newSigningSecret, publicKeyOf, sign } from "../../../src/pipes/transport/signing.ts";
import type { WebhookSettings } from "../../../src/pipes/kinds/webhook.ts";
import { attemptOf, eventually, outgoingOf } from "../attempts.ts";
import { cases, OTHER_SECRET, webhookCase } from "./cases/webhook.ts";
import { KNOWN_SECRET } from "../peers/known.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const particular = await webhookCase("particular");
const room = particular.control;

describe("webhook requests", () => {
  const settingsOf = (changes: Record<string, unknown> = {}): WebhookSettings =>
    webhook.settings.parse(particular.settings(changes));
  beforeEach(() => room.forget());

  test("while secrets change, a receiver that knows any of them is content", async () => {
    const newest = await newSigningSecret("v1");
    const rotated = settingsOf({ signing_secrets: [newest, KNOWN_SECRET, OTHER_SECRET] });
    const { attempt, notes } = attemptOf();
    for (const secret of [newest, KNOWN_SECRET, OTHER_SECRET]) {
      await room.behave({ secret });
      expect(await webhook.deliver([outgoingOf(0)], rotated, attempt)).toMatchObject({
        result: "delivered",
      });
    }
    expect(notes[0]?.request.headers["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44} v1,\S{44}$/);
    await room.behave({ secret: await newSigningSecret("v1") });
    expect(await webhook.deliver([outgoingOf(0)], rotated, attempt)).toMatchObject({ result: "denied" });
  });

  test("each private key has the public key that receivers verify with, the older one too", async () => {
    const [newer, older] = [await newSigningSecret("v1a"), await newSigningSecret("v1a")];
    const rotated = settingsOf({ signing: "v1a", signing_secrets: [newer, older] });
    for (const secret of [newer, older]) {
      await room.behave({ public_key: await publicKeyOf(secret) });
      expect(await webhook.deliver([outgoingOf(0)], rotated, attemptOf().attempt)).toMatchObject({
        result: "delivered",
      });
    }
    await room.behave({ public_key: await publicKeyOf(await newSigningSecret("v1a")) });
    expect(await webhook.deliver([outgoingOf(0)], rotated, attemptOf().attempt)).toMatchObject({
      result: "denied",
    });
  });

  test("a batch has the same webhook-id with each attempt, and another one with other events", async () => {
    const idOf = async (...indexes: number[]): Promise<string | undefined> => {
      const { attempt, notes } = attemptOf();
      await webhook.deliver(
        indexes.map((index) => outgoingOf(index)),
        settingsOf({ batch: true }),
        attempt,
      );
      return notes[0]?.request.headers["webhook-id"];
    };
    const first = await idOf(0, 1);
    expect(first).toMatch(/^batch_[0-9a-f]{32}$/);
    expect(await idOf(0, 1)).toBe(first);
    expect(new Set([first, await idOf(0), await idOf(1), await idOf(1, 0), await idOf(0, 1, 2)]).size).toBe(
      5,
    );
  });

  test("the timestamp is the attempt's, so that receivers refuse what is played back to them", async () => {
    const deliverAt = async (now: number): Promise<string> =>
      (await webhook.deliver([outgoingOf(0)], settingsOf(), attemptOf({ now }).attempt)).result;
    expect(await deliverAt(Date.now())).toBe("delivered");
    expect(await deliverAt(Date.now() - 600_000)).toBe("denied");
  });

  test("a note shows the compressed body as text, and the whole exchange", async () => {
    await room.behave({ gzip: true });
    const { attempt, notes } = attemptOf();
    await webhook.deliver([outgoingOf(0)], settingsOf({ gzip: true }), attempt);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatchObject({
      request: {
        method: "POST",
        body: outgoingOf(0).text,
        headers: {
          "content-encoding": "gzip",
          "tidings-attempt": attempt.id,
          Authorization: "(hidden)",
          "X-Tenant": "(hidden)",
        },
      },
      response: { status: 200 },
      error: null,
    });
  });

  test("a URL that moved is not followed", async () => {
    await room.behave({
      answer: { status: 308, headers: { location: `/elsewhere` } },
    });
    const outcome = await webhook.deliver([outgoingOf(0)], settingsOf(), attemptOf().attempt);
    expect(outcome).toMatchObject({
      result: "denied",
      status: 308,
      reason: expect.stringContaining("moved"),
    });
    expect((await room.tell()).requests).toBe(1);
  });

  test("a flood is cut off", async () => {
    await room.behave({ fault: "flood" });
    const { attempt, notes } = attemptOf();
    const outcome = await webhook.deliver([outgoingOf(0)], settingsOf(), attempt);
    expect(outcome).toMatchObject({ result: "delivered", status: 200 });
    expect(notes[0]?.response?.body).toHaveLength(64 * 1024);
    await eventually(async () => (await room.tell()).open === 0);
    expect((await room.tell()).flooded).toBeLessThan(16 * 1024 * 1024); // the sockets' buffers
  });

  test("an answer that begins and never ends counts for what it said when the time is up", async () => {
    await room.behave({ fault: "hang_body" });
    for (let run = 0; run < 10; run++) {
      const abort = new AbortController();
      const { attempt, notes } = attemptOf({ signal: abort.signal });
      const delivering = webhook.deliver([outgoingOf(0)], settingsOf(), attempt);
      await eventually(async () => (await room.tell()).open > 0);
      await scheduler.wait(20);
      abort.abort();
      expect(await delivering).toMatchObject({ result: "delivered", status: 200 });
      expect(notes[0]?.response?.body).toBe("begun");
      await eventually(async () => (await room.tell()).open === 0);
    }
  });

  test("several events for a pipe of one event a request are a mistake, and none is sent", async () => {
    const delivering = webhook.deliver([outgoingOf(0), outgoingOf(1)], settingsOf(), attemptOf().attempt);
    await expect(delivering).rejects.toThrow("several events");
    expect((await room.tell()).requests).toBe(0);
  });
});

describe("webhook settings", () => {
  const pathsOf = (changes: Record<string, unknown>): string[] => {
    const given = { url: "https://example.com/hooks", signing_secrets: [KNOWN_SECRET], ...changes };
    return (webhook.settings.safeParse(given).error?.issues ?? []).map(({ path }) => path.join("."));
  };

  test("defaults: one event a request, as it is, signed by v1", () => {
    const given = { url: "https://example.com/hooks", signing_secrets: [KNOWN_SECRET] };
    const settings = webhook.settings.parse(given);
    expect(settings).toEqual({
      ...given,
      payload: "event",
      batch: false,
      gzip: false,
      headers: {},
      signing: "v1",
    });
    expect(webhook.batchOf?.(settings)).toEqual({ events: 1, bytes: 1_000_000 });
    expect(webhook.batchOf?.({ ...settings, batch: true })).toEqual(webhook.batch);
  });

  test.each([
    ["host", "a"],
    ["Content-Type", "a"],
    ["content-length", "1"],
    ["Content-Encoding", "br"],
    ["connection", "close"],
    ["Keep-Alive", "a"],
    ["TE", "a"],
    ["trailer", "a"],
    ["Transfer-Encoding", "chunked"],
    ["upgrade", "h2c"],
    ["Expect", "a"],
    ["proxy-authorization", "a"],
    ["Webhook-Id", "a"],
    ["webhook-signature", "a"],
    ["svix-id", "a"],
    ["Tidings-Attempt", "a"],
    ["CF-Worker", "a"],
    ["X-Forwarded-For", "a"],
    ["", "a"],
    ["a b", "a"],
    ["a:", "a"],
    ["a\r\nb", "a"],
    ["ä", "a"],
    ["x", ""],
    ["x", " a"],
    ["x", "a "],
    ["x", "a\r\nhost: b"],
    ["x", "a\nb"],
    ["x", "a\u0000"],
    ["x", "a\u007f"],
    ["x", "ü"],
    ["x", "a".repeat(4097)],
    ["x".repeat(101), "a"],
  ])("the header %j: %j is refused by its name", (name, value) => {
    expect(pathsOf({ headers: { ok: "1", [name]: value } })).toEqual([`headers.${name}`]);
  });

  test("headers may be up to 20 tokens, each given once", () => {
    const headers = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "Bearer a\tb"]));
    expect(pathsOf({ headers: headers(20) })).toEqual([]);
    expect(pathsOf({ headers: headers(21) })).toEqual(["headers"]);
    expect(pathsOf({ headers: { "X-A": "1", "x-a": "2" } })).toEqual(["headers.x-a"]);
  });

  test("secrets fit the way of signing, and are one to three", async () => {
    const ofSize = (prefix: string, size: number): string => prefix + btoa("k".repeat(size));
    const refused = (signing: string, ...secrets: string[]): boolean =>
      pathsOf({ signing, signing_secrets: secrets }).join() === "signing_secrets.0";
    for (const size of [24, 32, 64])
      expect(pathsOf({ signing_secrets: [ofSize("whsec_", size)] })).toEqual([]);
    for (const size of [1, 23, 65]) expect(refused("v1", ofSize("whsec_", size))).toBe(true);
    for (const size of [32, 64]) {
      expect(pathsOf({ signing: "v1a", signing_secrets: [ofSize("whsk_", size)] })).toEqual([]);
    }
    for (const size of [31, 33, 63]) expect(refused("v1a", ofSize("whsk_", size))).toBe(true);
    expect(refused("v1a", KNOWN_SECRET)).toBe(true);
    expect(refused("v1", await newSigningSecret("v1a"))).toBe(true);
    for (const text of ["", "whsec_", "whsec_!!!!", "secret", "whpk_AAAA"])
      expect(refused("v1", text)).toBe(true);
    expect(pathsOf({ signing_secrets: [] })).toEqual(["signing_secrets"]);
    expect(pathsOf({ signing_secrets: Array.from({ length: 4 }, () => KNOWN_SECRET) })).toEqual([
      "signing_secrets",
    ]);
  });

  test.each([
    "",
    "example.com",
    "http://example.com/",
    "https://10.0.0.1/",
    "https://u:p@example.com/",
    `https://example.com/${"a".repeat(2048)}`,
  ])("the URL %j is refused", (url) => expect(pathsOf({ url })).toEqual(["url"]));
});

// The examples of the specification's libraries, so that both sides of a signature are not wrong in the same way.
describe("signatures", () => {
  const signed = {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestamp: 1_614_265_330,
    body: '{"test": 2432232314}',
  };

  test("v1", async () => {
    expect(await sign(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "v1", signed)).toBe(
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
  });

  test("v1a, from the whole private key or its seed alone", async () => {
    const whole =
      "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const seed = `whsk_${btoa(atob(whole.slice(5)).slice(0, 32))}`;
    const signature =
      "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    expect(await sign([whole, seed], "v1a", signed)).toBe(`${signature} ${signature}`);
    for (const secret of [whole, seed]) {
      expect(await publicKeyOf(secret)).toBe("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    }
    expect(await publicKeyOf(KNOWN_SECRET)).toBeNull();
  });
});
