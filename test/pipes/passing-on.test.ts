// What pipes promise, seen by a receiver: every stored event that matches reaches it at least once, whatever it does to us.

import { env } from "cloudflare:workers";
import {
  createExecutionContext,
  createScheduledController,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import worker from "../../src/index.ts";
import { forgetSystemEvents } from "../../src/store/pipes/system-events.ts";
import {
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
} from "../support/support.ts";
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

withReceivers();

describe("a pipe", () => {
  it("passes on what is stored from when it was made, once and signed; and what a filter lets through", async () => {
    await store(people(3));
    const all = await make("all");
    const clicks = await make("clicks", { filter: 'type in ["clicked"]' });
    const opened = await store(people(40));
    const clicked = await store(people(20), "click");
    await pass();
    expect(ids("all").toSorted()).toEqual([...opened, ...clicked].toSorted());
    expect(ids("clicks").toSorted()).toEqual(clicked.toSorted());
    expect((await show(all)).health).toMatchObject({ behind: 0, waiting: 0, delivered: 60, filtered: 0 });
    expect((await show(clicks)).health).toMatchObject({ behind: 0, delivered: 20, filtered: 40 });
    await pass(60_000);
    expect(ids("all")).toHaveLength(60);
  });

  it("begins where it is told to: at the beginning, behind a place, at a time", async () => {
    const first = await store(people(5));
    vi.setSystemTime(Date.now() + 3_600_000);
    const then = new Date().toISOString();
    const second = await store(people(5));
    await make("whole", { start: "beginning" });
    await make("behind", { start: { seq: 7 } });
    await make("since", { start: { time: then } });
    await pass();
    expect(ids("whole").toSorted()).toEqual([...first, ...second].toSorted());
    expect(ids("behind").toSorted()).toEqual(second.slice(2).toSorted());
    expect(ids("since").toSorted()).toEqual(second.toSorted());
  });

  it("waits for a destination that is down, at little cost, and catches up from where it stopped; nobody else waits", async () => {
    const down = await make("down");
    await make("well");
    let calls = 0;
    receivers.set("down", () => ((calls += 1), status(503)));
    const events: string[] = [];
    for (let hour = 0; hour < 30; hour++) {
      events.push(...(await store(people(20))));
      await pass(3_600_000);
    }
    expect(ids("well").toSorted()).toEqual(events.toSorted());
    expect(ids("down")).toEqual([]);
    expect(calls).toBeLessThan(200);
    expect(await show(down)).toMatchObject({
      status: "failing",
      health: { down: { reason: "answered 503" } },
    });
    receivers.delete("down");
    for (let i = 0; i < 4; i++) await pass(3_600_000);
    expect([...new Set(ids("down"))].toSorted()).toEqual(events.toSorted());
    expect(await show(down)).toMatchObject({
      status: "running",
      health: { behind: 0, waiting: 0, down: null },
    });
  });

  it("pauses after 75 hours, says so to the others, and loses nothing until it is resumed", async () => {
    const down = await make("down");
    await make("well");
    receivers.set("down", () => status(500));
    const events = await store(people(30));
    for (let hour = 0; hour < 80; hour++) await pass(3_600_000);
    expect((await show(down)).paused?.reason).toMatch(/nothing got through for 75 hours: answered 500/);
    expect((taken.get("well") ?? []).map(({ type }) => type)).toContain("pipe.paused");
    receivers.delete("down");
    await pass(3_600_000);
    expect(ids("down")).toEqual([]);
    expect((await ask("POST", `/pipes/${down}/resume`)).status).toBe(200);
    for (let i = 0; i < 3; i++) await pass(3_600_000);
    expect([...new Set(ids("down").filter((id) => !id.includes("-paused-")))].toSorted()).toEqual(
      events.toSorted(),
    );
  });

  it("heeds a pause and a change before its next slice, however far behind it is", async () => {
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

  it("is paused at once, and once, when its filter fails for every event; they stay for it", async () => {
    await make("well");
    const pipe = await make("wrong", { filter: "int(contact) > 0" });
    await store(people(1_100));
    await pass();
    await pass();
    expect((await show(pipe)).paused?.reason).toMatch(/^the filter fails for every event/);
    expect((await show(pipe)).health).toMatchObject({ behind: 1_100, filtered: 0 });
    expect((taken.get("well") ?? []).filter(({ type }) => type === "pipe.paused")).toHaveLength(1);
  });

  it("sets one event aside that its destination cannot digest, and tries it for 75 hours", async () => {
    const pipe = await make("picky");
    const [first = ""] = await store(people(1));
    await pass();
    const poison = await store(["poison@example.com"]);
    receivers.set("picky", ({ contact }) => status(contact === "poison@example.com" ? 500 : 200));
    const events = await store(people(50));
    await pass();
    await pass(6_000);
    expect(ids("picky").toSorted()).toEqual([first, ...events].toSorted());
    expect((await show(pipe)).health).toMatchObject({ behind: 0, waiting: 1, down: null });
    const waiting = await (
      await ask("GET", `/pipes/${pipe}/waiting`)
    ).json<{ waiting: { event: string }[] }>();
    expect(waiting.waiting.map(({ event }) => event)).toEqual(poison);
    for (let hour = 0; hour < 100; hour++) {
      await store(people(1));
      await pass(3_600_000);
    }
    expect((await show(pipe)).health).toMatchObject({ waiting: 0, given_up: 1, down: null });
    const log = await (
      await ask("GET", `/attempts?event=${poison[0]}`)
    ).json<{ attempts: { outcome: string; try: number }[] }>();
    expect(log.attempts.map(({ outcome }) => outcome)).toContain("given_up");
    expect(log.attempts.filter(({ outcome }) => outcome === "unavailable")).toHaveLength(10);
  });

  it("waits for a destination that was away for a moment, however many events met with that", async () => {
    let up = false;
    receivers.set("blip", () => status(up ? 200 : 503));
    const settings = { url: "https://blip.example.com/hook", batch: true };
    const pipe = await make("blip", { settings });
    const events = await store(people(300));
    await pass();
    expect(await show(pipe)).toMatchObject({ paused: null });
    up = true;
    await pass(10_000);
    expect((await show(pipe)).health).toMatchObject({ behind: 0, waiting: 0, delivered: 300 });
    const bodies = (taken.get("blip") ?? []).flatMap(
      ({ body }) => JSON.parse(body) as { data: { id: string } }[],
    );
    expect(bodies.map(({ data }) => data.id).toSorted()).toEqual(events.toSorted());
  });

  it("leaves nothing behind where it is deleted while it delivers", async () => {
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

  it("is gone for everybody where deleting it broke off, and the next scheduled run clears away what is left", async () => {
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
    await worker.scheduled(createScheduledController(), envWith(), createExecutionContext());
    expect(await rows("SELECT id FROM pipes")).toEqual([{ id: again }]);
    expect(await rows(`SELECT * FROM attempts WHERE id < '${again}'`)).toEqual([]);
    expect(await env.PIPES.getByName(pipe).health()).toBe(null);
  });

  it("does not give up one by one what its destination refuses altogether: it pauses, and has all of it later", async () => {
    const pipe = await make("never");
    receivers.set("never", () => status(400));
    const events = await store(people(400));
    await pass();
    for (let hour = 0; hour < 100; hour++) await pass(3_600_000);
    expect(await show(pipe)).toMatchObject({ status: "paused", health: { given_up: 0 } });
    expect((await show(pipe)).paused?.reason).toMatch(/refused \d+ events one after the other: answered 400/);
    receivers.delete("never");
    await ask("POST", `/pipes/${pipe}/resume`);
    for (let i = 0; i < 12; i++) await pass(3_600_000);
    expect(new Set(ids("never").filter((id) => !id.includes("-paused-")))).toEqual(new Set(events));
  });

  it("keeps the pace that was set, over all slices", async () => {
    await make("paced", { rate: 20, concurrency: 4 });
    await pass();
    const began = performance.now();
    for (let i = 0; i < 10; i++) {
      await store(people(1));
      await pass();
    }
    expect(ids("paced")).toHaveLength(10);
    expect(performance.now() - began).toBeGreaterThan(9 * 50 - 60);
  });

  it("begins although who made it broke off", async () => {
    const pipe = await make("late");
    await env.PIPES.getByName(pipe).destroy();
    const events = await store(people(3));
    await pass();
    expect(ids("late")).toEqual([]);
    await worker.scheduled(createScheduledController(), envWith(), createExecutionContext());
    await pass();
    expect(ids("late").toSorted()).toEqual(events.toSorted());
  });

  it("looks once more by itself when everybody knows of it, for whoever stored something may not have", async () => {
    const stub = env.PIPES.getByName(await make("new"));
    await pass();
    const deaf = { getByName: () => ({ wake: async () => await Promise.resolve(true) }) };
    const post = mailjetPost(JSON.stringify([mailjetEvent()]));
    await deliver(await messagesOf(post), envWith({ PIPES: deaf }));
    vi.setSystemTime((await stub.health())?.next_at ?? 0);
    await runDurableObjectAlarm(stub);
    expect(ids("new")).toHaveLength(1);
    expect((await stub.health())?.next_at).toBe(null);
  });

  it("passes on once more what it is asked for, also where it has not begun", async () => {
    const pipe = await make("unbegun");
    const began = new Date().toISOString();
    await env.PIPES.getByName(pipe).destroy();
    const events = await store(people(3));
    const body = { pipes: [pipe], from: began, dry_run: false };
    expect((await ask("POST", "/redeliveries", body)).status).toBe(200);
    await pass();
    expect(ids("unbegun").toSorted()).toEqual([...events, ...events].toSorted());
  });

  it("does as it is asked: Retry-After, 410, a wrong credential", async () => {
    const slow = await make("slow");
    const gone = await make("gone");
    const denied = await make("denied");
    let calls = 0;
    receivers.set("slow", () => ((calls += 1), status(429, { "retry-after": "600" })));
    receivers.set("gone", () => status(410));
    receivers.set("denied", () => status(401));
    const events = await store(people(10));
    await pass();
    expect(await show(slow)).toMatchObject({ status: "failing" });
    expect((await show(gone)).paused?.reason).toMatch(/410/);
    expect(await show(denied)).toMatchObject({
      status: "failing",
      health: { down: { reason: "answered 401" } },
    });
    const before = calls;
    await pass(300_000);
    expect(calls).toBe(before);
    receivers.clear();
    await pass(400_000);
    await pass(3_600_000);
    for (const name of ["slow", "denied"])
      expect([...new Set(ids(name).filter((id) => !id.includes("-paused-")))].toSorted()).toEqual(
        events.toSorted(),
      );
    expect(ids("gone")).toEqual([]);
  });

  it("lists what its filter could not be evaluated for, and lets none of it through", async () => {
    const pipe = await make("strict", { filter: "occurred_at - message.delivered_at < duration('1h')" });
    const events = await store(people(3));
    await pass();
    expect(ids("strict")).toEqual([]);
    const log = await (
      await ask("GET", `/attempts?pipe=${pipe}&outcome=not_evaluated`)
    ).json<{
      attempts: { events: string[]; reason: string }[];
    }>();
    expect(log.attempts.flatMap((one) => one.events).toSorted()).toEqual(events.toSorted());
    for (const { reason } of log.attempts) expect(reason).not.toMatch(/@/);
  });

  it("passes on once more what it is asked for: a dry run counts, the event's id stays, the attempt's does not", async () => {
    const pipe = await make("twice", { filter: 'type in ["opened"]' });
    const began = new Date().toISOString();
    const opened = await store(people(30));
    const [click = ""] = await store(people(1), "click");
    await pass();
    const body = { pipes: [pipe], from: began };
    const counted = await (await ask("POST", "/redeliveries", body)).json<{ id: null; pipes: unknown[] }>();
    expect(counted).toEqual({ id: null, pipes: [{ pipe, count: 30, complete: true }] });
    await pass();
    expect(ids("twice")).toHaveLength(30);
    expect((await ask("POST", "/redeliveries", { ...body, dry_run: false })).status).toBe(200);
    await pass();
    const heard = taken.get("twice") ?? [];
    expect(heard.map(({ id }) => id).toSorted()).toEqual([...opened, ...opened].toSorted());
    expect(new Set(heard.map(({ attempt }) => attempt)).size).toBe(60);
    expect(
      (await ask("POST", "/redeliveries", { pipes: [pipe], events: [click], dry_run: false })).status,
    ).toBe(200);
    await pass();
    expect(ids("twice").filter((id) => id === click)).toHaveLength(1);
  });

  it("tells of suppressions, lifts and erasures, once each", async () => {
    await make("told", { filter: 'type in ["contact.suppressed", "contact.lifted", "contact.erased"]' });
    await store(["ann@example.com"], "spam");
    await ask("DELETE", "/suppressions/ann@example.com", {});
    expect((await ask("PUT", "/suppressions/bob@example.com", {})).status).toBe(200);
    expect((await ask("PUT", "/suppressions/bob@example.com", {})).status).toBe(200);
    await pass();
    await ask("DELETE", "/contacts/ann@example.com");
    await pass();
    const heard = (taken.get("told") ?? []).map(({ type, contact }) => `${type} ${contact}`);
    expect(heard).toEqual([
      "contact.suppressed ann@example.com",
      "contact.lifted ann@example.com",
      "contact.suppressed bob@example.com",
      "contact.erased ann@example.com",
    ]);
    await worker.scheduled(createScheduledController(), envWith(), createExecutionContext());
    expect(await rows("SELECT contact, data FROM notices")).toEqual([{ contact: null, data: "{}" }]);
  });

  it("tells of a suppression whose evidence is months old, also where the clock's run comes first", async () => {
    await make("told", { filter: 'type in ["contact.suppressed"]' });
    await store(["ann@example.com"], "spam");
    vi.setSystemTime(Date.now() + 60 * 86_400_000);
    await store(["bob@example.com"], "spam");
    await worker.scheduled(createScheduledController(), envWith(), createExecutionContext());
    await pass();
    expect((taken.get("told") ?? []).map(({ contact }) => contact)).toContain("bob@example.com");
  });

  it("keeps what a pipe has not seen that was made while the others were asked", async () => {
    const early = await make("early");
    await make("late");
    await store(["ann@example.com"], "spam");
    await forgetSystemEvents(env.DB, Number.MAX_SAFE_INTEGER, [early], Date.now());
    await pass();
    expect((taken.get("late") ?? []).map(({ type }) => type)).toContain("contact.suppressed");
  });

  it("writes no row of the database for what it passes on, and at most one in fifty of the log's sample", async () => {
    await make("cheap");
    await store(people(1_000));
    await pass();
    expect(ids("cheap")).toHaveLength(1_000);
    const [{ n } = { n: 0 }] = await rows<{ n: number }>("SELECT count(*) AS n FROM attempts");
    expect(2 * n).toBeLessThanOrEqual(1_000 / 50 + 10);
  });
});

describe("whatever a receiver does", () => {
  it("gets every event at least once in the end; in order for each contact, where that is asked for", async () => {
    const answers = fc.constantFrom(200, 200, 200, 200, 400, 408, 413, 429, 500, 503, "cut", "garbage");
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 30 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.array(answers, { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 4 }),
        async (ordered, groups, script, concurrency) => {
          await freshStorage();
          taken.clear();
          let step = 0;
          receivers.set("any", () => {
            const answer = script[step++] ?? 200;
            if (answer === "cut") throw new TypeError("Network connection lost.");
            return typeof answer === "string" ? new Response("<<<\u0000") : status(answer);
          });
          await make("any", { ordered, concurrency });
          const events: string[] = [];
          for (const group of groups) {
            events.push(...(await store(group.map((n) => `c${n}@example.com`))));
            await pass(10_000);
          }
          for (let i = 0; i < 120 && new Set(ids("any")).size < events.length; i++) await pass(3_600_000);
          expect([...new Set(ids("any"))].toSorted()).toEqual(events.toSorted());
          if (!ordered) return;
          const firsts = [...new Set(ids("any"))];
          for (const own of Map.groupBy(firsts, (id) => id.slice(0, 8)).values())
            expect(own).toEqual(events.filter((id) => own.includes(id)));
        },
      ),
      { numRuns: 15 },
    );
  });
});
