// Ingest: which requests are refused, and that all others are kept byte for byte.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { withoutDatabase } from "../support/faults.ts";
import {
  capture,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  rows,
  send,
} from "../support/support.ts";
import { answerOf } from "./requests.ts";
import { randomBytes, seeded } from "../support/random.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(freshStorage);

describe("refusals", () => {
  it("answer 404 for an unknown source, also for names such as constructor and __proto__", async () => {
    for (const name of ["nobody", "constructor", "__proto__", "hasOwnProperty"]) {
      expect((await answerOf(mailjetPost("{}", `/webhooks/${name}`))).status).toBe(404);
    }
  });

  it("answer 405 with Allow to methods other than POST, GET and HEAD; probes by GET and HEAD get 200", async () => {
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await send(
        new Request("https://edge.example/webhooks/mailjet", { method }),
        envWith(),
      );
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("POST, GET, HEAD");
    }
    for (const method of ["GET", "HEAD"]) {
      const { queue, bodies } = capture();
      for (const path of [
        "/webhooks/mailjet",
        "/webhooks/jangomail",
        "/webhooks/mailjet/open?event=open&token=x",
      ]) {
        const probe = new Request(`https://edge.example${path}`, { method });
        expect((await answerOf(probe, envWith({ QUEUE: queue }))).status).toBe(200);
      }
      expect(bodies).toHaveLength(0);
    }
  });

  it("answer 413 to 5 MB and a byte, declared or not, and keep nothing", async () => {
    expectLogs(/the body is too large/);
    const { queue, bodies } = capture();
    const bindings = envWith({ QUEUE: queue });
    const tooLarge = new Uint8Array(5_000_001).fill(0x20);
    const declared = mailjetPost(tooLarge, undefined, { headers: { "content-length": "5000001" } });
    expect((await answerOf(declared, bindings)).status).toBe(413);
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 51; i++) controller.enqueue(new Uint8Array(100_000));
        controller.close();
      },
    });
    expect((await answerOf(mailjetPost(chunks), bindings)).status).toBe(413);
    expect(bodies).toHaveLength(0);
    expect(await objects("")).toEqual([]);
  });

  it("answer 503 with Retry-After to a body that ended early, keep nothing of it, and log no error", async () => {
    expectLogs(/the body did not come whole/);
    const errors = vi.spyOn(console, "error");
    const { queue, bodies } = capture();
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('[{"event":'));
        controller.error(new Error("Network connection lost."));
      },
    });
    const response = await send(mailjetPost(broken), envWith({ QUEUE: queue }));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "30"]);
    expect(bodies).toHaveLength(0);
    expect(errors).not.toHaveBeenCalled();
    errors.mockRestore();
  });

  it("do not include a body of exactly 5 MB: it travels through the archive, and its event is stored", async () => {
    const event = JSON.stringify([mailjetEvent({ email: "big@example.com" })]);
    const random = seeded("blanks");
    const body = event.padStart(5_000_000, " ").replaceAll(" ", () => (random.chance(0.5) ? " " : "\n"));
    const messages = await messagesOf(mailjetPost(body));
    expect(messages[0]?.length).toBeLessThan(127_000);
    expect(await deliver(messages)).toEqual({ acked: [0], retried: [] });
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
  });

  it("answer the same 401 for missing, wrong or malformed credentials, in any encoding", async () => {
    expectLogs(/the credentials are (missing|wrong)/);
    const headers = [
      "",
      "Basic",
      "Basic ",
      "Basic !!!!",
      "Basic dXNlcg==",
      `Basic ${btoa("user:wrong")}`,
      `Basic ${btoa(":")}`,
      `Basic ${btoa("user:secre")}`,
      `Basic ${btoa("\xff\xfe:\xfd")}`,
      `bearer ${"x".repeat(8000)}`,
      "Digest username=user",
      "Negotiate \xe9\xe9",
    ];
    const answers = await Promise.all(
      headers.map(
        async (authorization) => await answerOf(mailjetPost("{}", undefined, { headers: { authorization } })),
      ),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set(["401 The credentials are missing or wrong.\n"]),
    );
    expect(
      (await answerOf(mailjetPost("{}", "/webhooks/mailjet?token=wrong", { headers: { authorization: "" } })))
        .status,
    ).toBe(401);
  });

  it("log no credential and no address", async () => {
    const spies = (["log", "warn", "error"] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation(() => {}),
    );
    const body = JSON.stringify([mailjetEvent({ email: "private@example.com" }), "private@example.com"]);
    await answerOf(
      mailjetPost(body, "/webhooks/mailjet?token=hush", {
        headers: { authorization: `Basic ${btoa("who:hush")}` },
      }),
    );
    const failing = {
      send: async () => await Promise.reject(new Error("no")),
      sendBatch: async () => await Promise.reject(new Error("no")),
    };
    await answerOf(mailjetPost(body), envWith({ QUEUE: failing }));
    await deliver(await messagesOf(mailjetPost(body)), withoutDatabase(envWith()));
    const written = JSON.stringify(spies.flatMap((spy) => spy.mock.calls));
    for (const spy of spies) spy.mockRestore();
    expect(written).toContain("refused");
    expect(written).toContain("could not be processed");
    expect(written).not.toMatch(/hush|secret|private@/);
  });

  it("close a source without configured credentials, even to empty ones", async () => {
    expectLogs(/the source is closed/, /the configuration has problems/);
    for (const SOURCE_CREDENTIALS of [
      "{}",
      '{"mailjet":""}',
      '{"mailjet":[]}',
      '{"mailjet":["user:secret-of-the-tests",""]}',
      "nonsense",
    ]) {
      for (const authorization of [
        "",
        `Basic ${btoa(":")}`,
        `Basic ${btoa("user:secret-of-the-tests")}`,
        "Bearer ",
      ]) {
        const request = mailjetPost("{}", undefined, { headers: { authorization } });
        expect((await answerOf(request, envWith({ SOURCE_CREDENTIALS }))).status).toBe(401);
      }
    }
  });
});

describe("accepted requests", () => {
  it("may use any credential of a rotation, by basic auth, bearer token or query", async () => {
    const accepted = [
      mailjetPost("[]"),
      mailjetPost("[]", undefined, {
        headers: { authorization: `Basic ${btoa("next:secret-of-the-tests")}` },
      }),
      mailjetPost("[]", "/webhooks/generic", {
        headers: { authorization: "Bearer generic-token-of-the-tests" },
      }),
      mailjetPost("[]", "/webhooks/generic?token=generic-token-of-the-tests", {
        headers: { authorization: "" },
      }),
    ];
    for (const request of accepted) expect((await answerOf(request)).status).toBe(200);
  });

  it("leave no token in the queue message, and so none in the archive", async () => {
    const path =
      "/webhooks/jangomail/open?a=%E9&token=jango-token-of-the-tests&EmailAddress=ann%40example.com&Timestamp=1790000000";
    const messages = await messagesOf(new Request(`https://edge.example${path}`));
    expect(new TextDecoder().decode(messages[0])).not.toContain("jango-token-of-the-tests");
    expect(new TextDecoder().decode(messages[0])).toContain("a=%E9");
    expect((await deliver(messages)).acked).toEqual([0]);
    expect(await rows("SELECT contact, type FROM events")).toEqual([
      { contact: "ann@example.com", type: "opened" },
    ]);
  });

  it("may use per-event URLs and the backup path", async () => {
    for (const path of [
      "/webhooks/mailjet/open",
      "/webhooks/mailjet/batch",
      "/webhooks/mailjet/a/b",
      "/backup/webhooks/mailjet/open",
    ]) {
      expect((await answerOf(mailjetPost("[]", path))).status).toBe(200);
    }
  });

  it("are filtered by IP address if the source enforces a list, and counted as outside if it observes one", async () => {
    expectLogs(/outside of the list/);
    const from = (ip: string | null, name: string): Request =>
      mailjetPost("[]", `/webhooks/${name}?token=${name}-token-of-the-tests`, {
        headers: { authorization: "", ...(ip === null ? {} : { "cf-connecting-ip": ip }) },
      });
    const inside = ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "2001:DB8:0:0::2"];
    for (const ip of inside) expect((await answerOf(from(ip, "enforced"))).status, ip).toBe(200);
    for (const ip of ["203.0.114.1", "2001:db9::1", "::1", "garbage", "", null, "203.0.113.9, 10.0.0.1"]) {
      expect((await answerOf(from(ip, "enforced"))).status, String(ip)).toBe(403);
    }
    const wrongToken = from("203.0.114.1", "enforced");
    expect((await answerOf(wrongToken)).status).toBe(403);
    await deliver(await messagesOf(from("203.0.113.9", "observed"), from("198.51.100.1", "observed")));
    expect(await rows("SELECT source, outside FROM sources")).toEqual([{ source: "observed", outside: 1 }]);
  });

  it("keep their body byte for byte, whatever its size and bytes", async () => {
    const random = seeded("bytes");
    const bodies = [
      new Uint8Array(0),
      new TextEncoder().encode("\uFEFF[]\r\n"),
      Uint8Array.from({ length: 256 }, (_, i) => i),
      randomBytes(60_000, random),
      new Uint8Array(100_000).fill(0x41),
      randomBytes(400_000, random),
    ];
    const messages = await messagesOf(...bodies.map((body) => mailjetPost(body)));
    for (const message of messages) expect(message.length).toBeLessThan(127_000);
    expect((await deliver(messages)).acked).toHaveLength(bodies.length);
    const letters = await rows<{ envelope: string }>(
      "SELECT DISTINCT envelope FROM dead_letters ORDER BY envelope",
    );
    expect(letters).toHaveLength(4); // an empty body is a ping, [] is nothing
    const { getDeadEnvelope } = await import("../../src/store/dead-letters.ts");
    const kept = await Promise.all(
      letters.map(async ({ envelope }) => await getDeadEnvelope(env.BUCKET, envelope)),
    );
    const sizes = kept.map((envelope) => envelope?.body.length).sort((a = 0, b = 0) => a - b);
    expect(sizes).toEqual([256, 60_000, 100_000, 400_000]);
    for (const envelope of kept) {
      expect(bodies.some((body) => Buffer.from(body).equals(Buffer.from(envelope?.body ?? [])))).toBe(true);
    }
  });
});
