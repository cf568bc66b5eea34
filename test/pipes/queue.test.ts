// `queue`, with real local queues of the test's own (test/vitest.config.ts) and with a captured one that fails when told to.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Exchange } from "../../src/pipes/http.ts";
import type { Outcome, Outgoing } from "../../src/pipes/kinds/kind.ts";
import { queue } from "../../src/pipes/kinds/queue.ts";
import { attemptWith, failures, outgoing } from "./http-kinds.ts";

const settings = queue.settings.parse({ binding: "CRM_EVENTS" });
const LARGEST = 127_900;

type Sent = { body: unknown; contentType?: string };

/** A queue's binding that keeps its batches, after the platform's own checks; or does what it is told. */
function captured(instead?: () => Promise<never>): { binding: object; batches: Sent[][] } {
  const batches: Sent[][] = [];
  const sendBatch = async (messages: Iterable<Sent>): Promise<void> => {
    if (instead !== undefined) await instead();
    const batch = [...messages];
    const sizes = batch.map(({ body }) => new TextEncoder().encode(JSON.stringify(body)).byteLength + 100);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (batch.length > 100 || total > 256_000 || sizes.some((size) => size > 128_000)) {
      throw new Error("Queue sendBatch failed: Payload Too Large");
    }
    batches.push(batch);
  };
  return { binding: { sendBatch }, batches };
}

async function deliver(
  batch: readonly Outgoing[],
  binding: unknown,
  signal = new AbortController().signal,
): Promise<Outcome & { notes: Exchange[] }> {
  const { attempt, notes } = attemptWith({ signal, bindings: { CRM_EVENTS: binding } });
  const outcome = await queue.deliver(batch, settings, attempt);
  expect(JSON.stringify([outcome.reason, outcome.failed])).not.toMatch(/@/);
  return { ...outcome, notes };
}

const bodies = (batches: Sent[][]): unknown[] => batches.flat().map(({ body }) => body);
const payloads = (batch: readonly Outgoing[]): unknown[] => batch.map(({ text }) => JSON.parse(text));

describe("queue", () => {
  it("puts each payload as an object into a real local queue", async () => {
    const batch = [outgoing(), outgoing({ type: "contact.suppressed" }), outgoing({ contact: null })];
    const { attempt, notes } = attemptWith();
    const outcome = await queue.deliver(batch, queue.settings.parse({ binding: "TEST_PIPE" }), attempt);
    expect(outcome).toEqual({ verdict: "delivered", reason: null, status: null, retryAfter: null });
    expect(notes).toMatchObject([
      { request: { url: "queue:TEST_PIPE" }, response: { status: 200 }, error: null },
    ]);
    // Its consumer, a Worker of its own, keeps what it reads.
    await expect
      .poll(async () => await (await env.TEST_PIPE_CONSUMER.fetch("http://consumer/")).json(), {
        timeout: 10_000,
      })
      .toEqual(payloads(batch));
  });

  it("takes the largest batch and the largest message of the real local queue", async () => {
    const real = queue.settings.parse({ binding: "TEST_PIPE_LIMITS" });
    const { events, bytes } = queue.batch;
    const many = Array.from({ length: events }, () => outgoing({}, Math.floor(bytes / events)));
    for (const batch of [many, [outgoing({}, LARGEST)]]) {
      expect(await queue.deliver(batch, real, attemptWith().attempt)).toMatchObject({ verdict: "delivered" });
    }
  });

  it("sends objects as JSON, a batch at its limit in one call", async () => {
    const { binding, batches } = captured();
    const batch = Array.from({ length: 100 }, () => outgoing({}, 2400));
    expect((await deliver(batch, binding)).verdict).toBe("delivered");
    expect(batches).toHaveLength(1);
    expect(bodies(batches)).toEqual(payloads(batch));
    expect(new Set(batches.flat().map(({ contentType }) => contentType))).toEqual(new Set(["json"]));
  });

  it("refuses a message that is too large, and takes its neighbours along", async () => {
    const { binding, batches } = captured();
    const batch = [
      outgoing({}, LARGEST),
      outgoing({}, LARGEST + 1),
      outgoing({}, LARGEST),
      outgoing({}, 5000),
    ];
    const outcome = await deliver(batch, binding);
    expect(outcome.verdict).toBe("delivered");
    expect(failures(outcome)).toEqual({ 1: "refused" });
    expect(batches.map((one) => one.length)).toEqual([2, 1]);
    expect((await deliver([outgoing({}, LARGEST + 1)], binding)).verdict).toBe("refused");
  });

  it("keeps what got through when a later call fails", async () => {
    let calls = 0;
    const { binding, batches } = captured(async () => {
      if (++calls === 2) throw new Error("Queue sendBatch failed: Too Many Requests");
      return undefined as never;
    });
    const outcome = await deliver(
      [outgoing({}, 120_000), outgoing({}, 120_000), outgoing({}, 120_000)],
      binding,
    );
    expect(failures(outcome)).toEqual({ 2: "slow_down" });
    expect(bodies(batches)).toHaveLength(2);
  });

  it.each([
    ["Queue sendBatch failed: Too Many Requests", "slow_down"],
    ["Queue sendBatch failed: Payload Too Large", "refused"],
    ["Queue sendBatch failed: Bad Request", "refused"],
    ["Queue sendBatch failed: Not Found", "denied"],
    ["Queue sendBatch failed: Internal Server Error", "unavailable"],
    ["Network connection lost.", "unavailable"],
  ])("understands %s", async (words, verdict) => {
    const { binding } = captured(() => Promise.reject(new Error(words)));
    const outcome = await deliver([outgoing(), outgoing()], binding);
    expect(outcome).toMatchObject({ verdict, reason: `not taken: ${words}` });
    expect(outcome.notes).toMatchObject([{ error: words, response: null }]);
  });

  it("stops waiting when its time is up", async () => {
    const time = new AbortController();
    const { binding } = captured(() => new Promise<never>(() => undefined));
    const delivering = deliver([outgoing()], binding, time.signal);
    time.abort();
    expect(await delivering).toMatchObject({
      verdict: "unavailable",
      reason: expect.stringMatching(/15 seconds/),
    });
    expect((await deliver([outgoing()], binding, time.signal)).verdict).toBe("unavailable");
  });

  it.each([
    ["nothing", undefined],
    ["a text", "queue"],
    ["a database", env.DB],
    ["a bucket", env.BUCKET],
    ["a service", env.ASSETS],
    ["a namespace", env.CONTACTS],
  ])("is denied where %s is bound", async (_, binding) => {
    expect(await deliver([outgoing()], binding)).toMatchObject({ verdict: "denied" });
  });

  it.each(["QUEUE", "DEAD_QUEUE", "EMAIL_EVENTS"])("never puts into our own %s", async (binding) => {
    expect(queue.settings.safeParse({ binding }).error?.issues).toMatchObject([
      { path: ["binding"], message: "must not be one of Tidings' own queues" },
    ]);
    expect((await queue.deliver([outgoing()], { binding }, attemptWith().attempt)).verdict).toBe("denied");
  });

  it.each([undefined, "crm", "CRM-EVENTS", "", 7])("refuses %s as a binding's name", (binding) => {
    const issues = queue.settings.safeParse({ binding }).error?.issues;
    expect(issues).toMatchObject([{ path: ["binding"], message: expect.stringMatching(/^must be/) }]);
  });
});
