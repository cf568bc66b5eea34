// A pipe while it is changed, paused or deleted, and when that breaks off half-way.

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { envWith, rows, runScheduled } from "../support/support.ts";
import {
  ask,
  ids,
  make,
  pass,
  people,
  receivers,
  show,
  status,
  store,
  taken,
  withReceivers,
} from "./receivers.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(() => expectLogs(/a pipe was paused/, /a request met an outage/));

withReceivers();

describe("a pipe", () => {
  it("heeds a pause and a change before its next page, however far behind it is", async () => {
    const pipe = await make("far");
    const events = await store(people(2_200));
    const tell: Record<number, () => Promise<Response>> = {
      10: async () => await ask("POST", `/pipes/${pipe}/pause`),
      1_100: async () => await ask("PATCH", `/pipes/${pipe}`, { filter: 'type != "opened"' }),
    };
    let calls = 0;
    receivers.set("far", async () => {
      const answer = await tell[(calls += 1)]?.();
      return status(answer?.ok === false ? 500 : 200);
    });
    await pass();
    expect(ids("far").toSorted()).toEqual(events.slice(0, 1_000).toSorted());
    await ask("POST", `/pipes/${pipe}/resume`);
    await pass();
    expect(ids("far").toSorted()).toEqual(events.slice(0, 2_000).toSorted());
    expect((await show(pipe)).health).toMatchObject({ behind: 0, delivered: 2_000, filtered: 200 });
  });

  it("pauses itself once when its filter fails for every event, and passes none of them over", async () => {
    await make("well");
    const pipe = await make("wrong", { filter: "int(contact) > 0" });
    await store(people(1_100));
    await pass();
    await pass();
    expect((await show(pipe)).paused?.reason).toMatch(/^the filter fails for every event/);
    expect((await show(pipe)).health).toMatchObject({ behind: 1_100, filtered: 0 });
    expect((taken.get("well") ?? []).filter(({ type }) => type === "pipe.paused")).toHaveLength(1);
  });

  it("leaves nothing behind when it is deleted while it delivers", async () => {
    const pipe = await make("cut");
    receivers.set("cut", async () => {
      await ask("DELETE", `/pipes/${pipe}`);
      return status(503);
    });
    const said = vi.spyOn(console, "error");
    const stub = env.PIPES.getByName(pipe);
    await store(people(2));
    await stub.wake();
    await runDurableObjectAlarm(stub);
    const left = await runInDurableObject(stub, async (_, { storage }) => ({
      alarm: await storage.getAlarm(),
      tables: storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'retries'").toArray(),
    }));
    expect(left).toEqual({ alarm: null, tables: [] });
    expect(await rows("SELECT * FROM attempts")).toEqual([]);
    expect(said.mock.calls).toEqual([]);
  });

  it("is gone at once when it is deleted, and the next scheduled run clears away what a crash left", async () => {
    const pipe = await make("half");
    receivers.set("half", () => status(503));
    await store(people(2));
    await pass();
    const unreachable = {
      getByName: () => ({ destroy: async () => await Promise.reject(new Error("gone")) }),
    };
    const broken = envWith({ PIPES: unreachable as unknown as Env["PIPES"] });
    expect((await ask("DELETE", `/pipes/${pipe}`, undefined, broken)).status).toBe(503);
    expect((await ask("GET", `/pipes/${pipe}`)).status).toBe(404);
    const again = await make("half");
    await pass();
    await runScheduled();
    expect(await rows("SELECT id FROM pipes")).toEqual([{ id: again }]);
    expect(await rows(`SELECT * FROM attempts WHERE id < '${again}'`)).toEqual([]);
    expect(await env.PIPES.getByName(pipe).health()).toBe(null);
  });

  it("starts with the next scheduled run when creating it was cut off", async () => {
    const pipe = await make("late");
    await env.PIPES.getByName(pipe).destroy();
    const events = await store(people(3));
    await pass();
    expect(ids("late")).toEqual([]);
    await runScheduled();
    await pass();
    expect(ids("late").toSorted()).toEqual(events.toSorted());
  });
});
