// A report that comes again while a source's data are being removed: in the end it is stored, as if its first copy had
// never been there, whatever the consumer, the removal and its process were doing at the time.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FAULT, faulty, interrupted } from "../support/faults.ts";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  deliver,
  envWith,
  figure,
  finalState,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  runScheduled,
} from "../support/support.ts";
import { recount } from "../api/stats/told.ts";
import { freshWithKey, MINUTE, pass, withStandingClock } from "./asking.ts";

withStandingClock();
beforeEach(() => expectLogs(/data of a source|a job did its work/));

const TOKEN = { headers: { authorization: "Bearer observed-token-of-the-tests" } };
const test = (...events: Record<string, unknown>[]): Request =>
  mailjetPost(JSON.stringify(events), "/webhooks/observed", TOKEN);
const real = (...events: Record<string, unknown>[]): Request => mailjetPost(JSON.stringify(events));

const at = (minutes: number): number => 1_790_000_000 + 60 * minutes;
const spam = (): Record<string, unknown> =>
  mailjetEvent({ event: "spam", email: "both@example.com", MessageID: 3, time: at(3) });
const click = (): Record<string, unknown> =>
  mailjetEvent({
    event: "click",
    customcampaign: "spring",
    MessageID: 1,
    time: at(4),
    url: "https://a.example/",
  });

/** What the source sends before the removal. */
const trial = (): Request[] => [
  test(mailjetEvent({ customcampaign: "spring", MessageID: 1, time: at(1) }), spam()),
  test(click()),
];
/** What another source says of the same people. */
const others = (): Request =>
  real(mailjetEvent({ event: "unsub", email: "both@example.com", MessageID: 12, time: at(6) }));

const remove = async (bindings = envWith()): Promise<Response> =>
  await askApi("DELETE", "/v1/sources/observed/data?confirm=observed", undefined, bindings);

/** Sends the reports, a moment later than everything before. */
async function sendAgain(...requests: Request[]): Promise<void> {
  pass(1);
  await deliver(await messagesOf(...requests));
}

/** Lets all passes run; expects the removals to be done. */
async function settle(): Promise<void> {
  for (let passes = 0; passes < 3; passes++) {
    pass(21 * MINUTE);
    await runScheduled();
  }
  expect(await figure("SELECT count(*) AS n FROM removals WHERE finished_at IS NULL")).toBe(0);
}

/** The state if only these requests had ever come. */
async function stateOf(...requests: Request[]): Promise<Record<string, unknown>> {
  await freshWithKey();
  await deliver(await messagesOf(...requests));
  return await finalState();
}

/** Makes a case for every call of what it interrupts; `play` returns the number of calls that there were. */
async function atEveryCall(play: (k: number) => Promise<number>): Promise<void> {
  let calls = Infinity;
  for (let k = 1; k <= calls; k++) {
    await freshWithKey();
    const made = await play(k);
    if (made < k) calls = made;
  }
  expect(calls).toBeGreaterThan(5);
}

describe("a report that comes again while its source's data are removed", () => {
  it.each([
    ["the source itself", test],
    ["another source of the same provider", real],
  ])("is stored in the end if %s sends it at any moment of the first pass", async (_, from) => {
    const right = await stateOf(others(), from(spam(), click()));
    await atEveryCall(async (k) => {
      await deliver(await messagesOf(...trial(), others()));
      const world = interrupted(envWith(), k, async () => await sendAgain(from(spam(), click())));
      await remove(world.bindings);
      if (world.calls() < k) return world.calls();
      await settle();
      expect(await finalState(), `at call ${k}`).toEqual(right);
      return Infinity;
    });
    expect(await recount({ from: "2026-09-01", to: "2026-09-30" })).toMatchObject({ differing: 0 });
  });

  it("is stored in the end if a consumer had the first copy at any moment of its work", async () => {
    const right = await stateOf(test(spam(), click()));
    await atEveryCall(async (k) => {
      const first = await messagesOf(test(click(), spam()));
      const world = interrupted(envWith(), k, async () => {
        await remove();
        await sendAgain(test(spam(), click()));
      });
      await deliver(first, world.bindings);
      if (world.calls() < k) return world.calls();
      await settle();
      expect(await finalState(), `at call ${k}`).toEqual(right);
      return Infinity;
    });
  });

  it("is stored in the end if the consumer of the first copy died at any moment and nobody has it any more", async () => {
    expectLogs(FAULT);
    const right = await stateOf(test(spam(), click()));
    await atEveryCall(async (k) => {
      const first = await messagesOf(test(click(), spam()));
      const world = faulty(envWith(), k, "death");
      await Promise.race([deliver(first, world.bindings), untilDead(world)]);
      if (world.calls() < k) return world.calls();
      await env.DB.prepare(
        "INSERT INTO sources (source, provider, last_received_at) VALUES ('observed', 'mailjet', 1) ON CONFLICT DO NOTHING",
      ).run();
      await remove();
      await sendAgain(test(spam(), click()));
      await settle();
      expect(await finalState(), `at call ${k}`).toEqual(right);
      return Infinity;
    });
  });

  it("stays if the removal's process died at any moment and another goes on after it came", async () => {
    expectLogs(FAULT);
    const right = await stateOf(others(), test(spam(), click()));
    await atEveryCall(async (k) => {
      await deliver(await messagesOf(...trial(), others()));
      const world = faulty(envWith(), k, "death");
      await Promise.race([remove(world.bindings), untilDead(world)]);
      if (world.calls() < k) return world.calls();
      if ((await figure("SELECT count(*) AS n FROM removals")) === 0) return Infinity; // it never began
      await sendAgain(test(spam(), click()));
      await settle();
      expect(await finalState(), `at call ${k}`).toEqual(right);
      return Infinity;
    });
  });

  it("is stored once if it comes several times, and the others count as repeats", async () => {
    const right = await stateOf(test(spam()), test(spam()), test(spam(), click()));
    await freshWithKey();
    await deliver(await messagesOf(...trial()));
    const world = interrupted(envWith(), 4, async () => {
      await sendAgain(test(spam()), test(spam()));
      await sendAgain(test(spam(), click()));
    });
    await remove(world.bindings);
    expect(world.calls()).toBeGreaterThan(4);
    await settle();
    expect(await finalState()).toEqual(right);
  });

  it("goes if the removal is asked for once more after it came", async () => {
    await deliver(await messagesOf(...trial()));
    const world = interrupted(envWith(), 4, async () => await sendAgain(test(spam())));
    await remove(world.bindings);
    await remove();
    await settle();
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(0);
    expect(await figure("SELECT count(*) AS n FROM suppressions")).toBe(0);
    await sendAgain(test(spam()));
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
  });
});

describe("the third pass of a removal", () => {
  it("waits for twenty minutes after the second one, and the receipt says so", async () => {
    await deliver(await messagesOf(...trial()));
    const { id, settles_at: first } = await (await remove()).json<Receipt>();
    const begins = Date.now();
    expect(Date.parse(first ?? "")).toBe(begins + 20 * MINUTE);
    pass(21 * MINUTE);
    await runScheduled();
    const between = await receipt(id);
    expect(between).toMatchObject({ status: "running" });
    expect(Date.parse(between.settles_at ?? "")).toBeGreaterThanOrEqual(begins + 41 * MINUTE);
    await runScheduled();
    expect(await receipt(id)).toMatchObject({ status: "running" });
    pass(21 * MINUTE);
    await runScheduled();
    expect(await receipt(id)).toMatchObject({ status: "done", settles_at: null });
  });

  it("passes over an object of the archive that nobody can read, and leaves dead letters as they are", async () => {
    expectLogs(/cannot be read/);
    await deliver(await messagesOf(...trial()));
    const world = interrupted(envWith(), 4, async () => {
      await sendAgain(test(spam(), mailjetEvent({ event: "", email: "bob@example.com" })));
    });
    await remove(world.bindings);
    const { dead_letters: letters } = await (
      await read("/v1/dead-letters")
    ).json<{ dead_letters: { id: string }[] }>();
    expect(letters).toHaveLength(1);
    expect((await askApi("DELETE", `/v1/dead-letters/${letters[0]?.id}`)).status).toBe(204);
    const { objects } = await env.BUCKET.list({ prefix: "archive/" });
    const last = objects.at(-1)?.key ?? "";
    await env.BUCKET.put(last.replace(/\w\.ndjson/, "z.ndjson"), "no gzip");
    await settle();
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(0);
  });
});

interface Receipt {
  id: string;
  status: string;
  settles_at: string | null;
}

async function receipt(id: string): Promise<Receipt> {
  return await (await read(`/v1/removals/${id}`)).json<Receipt>();
}

async function untilDead(world: { dead(): boolean }): Promise<void> {
  await vi.waitUntil(() => world.dead(), { timeout: 60_000, interval: 5 });
}
