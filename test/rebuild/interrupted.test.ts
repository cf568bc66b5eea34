// A rebuild that fails at any call, or whose process ends there, goes on from there and comes to the same.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { faulty, FAULT, interrupted, type Fault } from "../support/faults.ts";
import { expectLogs } from "../support/log.ts";
import { askApi, envWith, freshStorage, objects, runScheduled } from "../support/support.ts";
import { ADDRESSES, answers, fill } from "./filled.ts";
import { answer, ask, checked, loseDatabase, rebuild, type Shown } from "./losing.ts";

const MINUTE = 60_000;

beforeEach(async () => {
  await freshStorage();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => void vi.useRealTimers());

/** A request for the rebuild whose k-th call fails; resolves to the number of calls, also if its process ended there. */
async function failing(k: number, fault: Fault): Promise<number> {
  const faulted = faulty(envWith(), k, fault);
  const died = async (): Promise<void> => {
    while (!faulted.dead()) await scheduler.wait(5);
  };
  await (fault === "death" && k < Infinity
    ? Promise.race([ask(faulted.bindings), died()])
    : ask(faulted.bindings));
  return faulted.calls();
}

it.each<Fault>(["before", "after", "death"])("goes on wherever a call fails (%s)", async (fault) => {
  expectLogs(FAULT);
  await fill();
  const before = await answers();
  await loseDatabase();
  const all = await failing(Infinity, fault);
  expect(all).toBeGreaterThan(30);
  for (let k = 1 + ["before", "after", "death"].indexOf(fault); k <= all; k += 4) {
    await loseDatabase();
    expect(await failing(k, fault)).toBeGreaterThanOrEqual(k);
    await rebuild();
    expect(await answers(), `after call ${k}`).toEqual(before);
  }
});

it("two runs at once restore everything once", async () => {
  await fill();
  const before = await answers();
  for (const k of [4, 9, 14, 19]) {
    await loseDatabase();
    const first = interrupted(envWith(), k, async () => await ask());
    await ask(first.bindings);
    await rebuild();
    expect(await answers(), `at call ${k}`).toEqual(before);
  }
});

it("stops when asked to, and scheduled runs go on once it may", async () => {
  await fill();
  const people = await checked(ADDRESSES);
  await loseDatabase();
  const stopping = interrupted(envWith(), 6, async () => await askApi("DELETE", "/v1/storage/rebuild"));
  const { status } = await (await ask(stopping.bindings)).json<Shown>();
  expect(status).toBe("stopped");
  await runScheduled();
  expect(await answer("/v1/storage/rebuild")).toMatchObject({ status: "stopped" });
  const again = interrupted(envWith(), 6, async () => void vi.setSystemTime(Date.now() + MINUTE));
  expect(await (await ask(again.bindings)).json<Shown>()).toMatchObject({ status: "running" });
  await runScheduled();
  expect(await answer("/v1/storage/rebuild")).toMatchObject({ status: "done" });
  expect(await checked(ADDRESSES)).toEqual(people);
});

it("passes over an object that cannot be read, and names it", async () => {
  expectLogs(/a rebuild (could not restore|passed over) an object/);
  await fill();
  const [first = ""] = await objects("archive/");
  await envWith().BUCKET.put(first, "no gzip");
  await loseDatabase();
  const done = await rebuild();
  expect(done).toMatchObject({ status: "done", skipped: 2, skipped_keys: [first, first] });
  expect(await checked(["entered@example.com", "bounced@example.com"])).toEqual(["manual", "hard_bounce"]);
});
