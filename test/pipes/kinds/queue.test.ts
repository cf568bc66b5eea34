// `queue`: the shared suite, and real local queues of the test's own (test/vitest.config.ts).

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Outcome, Outgoing } from "../../../src/pipes/kinds/kind.ts";
import { queue } from "../../../src/pipes/kinds/queue.ts";
import { attemptOf, failures, outgoing, outgoingOfSize } from "../attempts.ts";
import { binding, cases } from "./cases/queue.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const settings = queue.settings.parse({ binding: "CRM_EVENTS" });
const LARGEST = 127_900;

async function deliver(batch: readonly Outgoing[], binding: unknown): Promise<Outcome> {
  const { attempt } = attemptOf({ env: { ...env, CRM_EVENTS: binding } as Env });
  return await queue.deliver(batch, settings, attempt);
}

const payloads = (batch: readonly Outgoing[]): unknown[] => batch.map(({ text }) => JSON.parse(text));

describe("queue", () => {
  it("puts each payload as an object into a real local queue", async () => {
    const batch = [outgoing(), outgoing({ type: "contact.suppressed" }), outgoing({ contact: null })];
    const { attempt, notes } = attemptOf();
    const outcome = await queue.deliver(batch, queue.settings.parse({ binding: "TEST_PIPE" }), attempt);
    expect(outcome).toEqual({ result: "delivered", reason: null, status: null, retryAfter: null });
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
    const many = Array.from({ length: events }, () => outgoingOfSize(0, Math.floor(bytes / events)));
    for (const batch of [many, [outgoingOfSize(0, LARGEST)]]) {
      expect(await queue.deliver(batch, real, attemptOf().attempt)).toMatchObject({ result: "delivered" });
    }
  });

  it("sends objects as JSON", async () => {
    const { bound, control } = binding();
    const batch = [outgoing(), outgoing()];
    expect((await deliver(batch, bound)).result).toBe("delivered");
    expect(control.batches()).toEqual([payloads(batch).map((body) => ({ body, contentType: "json" }))]);
  });

  it("makes several calls of what is too much for one, around what is too large", async () => {
    const { bound, control } = binding();
    const sizes = [LARGEST, LARGEST + 1, LARGEST, 5000];
    const outcome = await deliver(
      sizes.map((size, index) => outgoingOfSize(index, size)),
      bound,
    );
    expect(outcome.result).toBe("delivered");
    expect(failures(outcome)).toEqual({ 1: "refused" });
    expect(control.batches().map((one) => one.length)).toEqual([2, 1]);
  });

  it("keeps what got through when a later call fails", async () => {
    const { bound, control } = binding();
    await control.behave({ error: "Queue sendBatch failed: Too Many Requests", from: 2 });
    const outcome = await deliver(
      [0, 1, 2].map((index) => outgoingOfSize(index, 120_000)),
      bound,
    );
    expect(failures(outcome)).toEqual({ 2: "slow_down" });
    expect(control.batches().flat()).toHaveLength(2);
  });

  it.each([
    ["nothing", undefined],
    ["a text", "queue"],
    ["a database", env.DB],
    ["a bucket", env.BUCKET],
    ["a service", env.ASSETS],
    ["a namespace", env.CONTACTS],
  ])("is denied where %s is bound", async (_, binding) => {
    expect(await deliver([outgoing()], binding)).toMatchObject({ result: "denied" });
  });

  it.each(["QUEUE", "DEAD_QUEUE", "EMAIL_EVENTS"])("never puts into our own %s", async (binding) => {
    expect(queue.settings.safeParse({ binding }).error?.issues).toMatchObject([
      { path: ["binding"], message: "must not be one of Tidings' own queues" },
    ]);
    expect((await queue.deliver([outgoing()], { binding }, attemptOf().attempt)).result).toBe("denied");
  });

  it.each([undefined, "crm", "CRM-EVENTS", "", 7])("refuses %s as a binding's name", (binding) => {
    const issues = queue.settings.safeParse({ binding }).error?.issues;
    expect(issues).toMatchObject([{ path: ["binding"], message: expect.stringMatching(/^must be/) }]);
  });
});
