// What a pipe does when its destination fails: it waits, tries again, pauses, and loses nothing.

import { beforeEach, describe, expect, it } from "vitest";
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

beforeEach(() => expectLogs(/a pipe was paused/));

withReceivers();

describe("a pipe whose destination fails", () => {
  it("waits at little cost while the destination is down, then catches up; other pipes do not wait", async () => {
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
    const { findings } = await (
      await ask("GET", "/status")
    ).json<{ findings: { about: string; name: string; finding: string }[] }>();
    expect(findings.find(({ about }) => about === "pipe")).toMatchObject({
      name: "down",
      finding: expect.stringMatching(/^The pipe down is failing\. Nothing is sent until .*answered 503\.$/),
    });
    receivers.delete("down");
    for (let i = 0; i < 4; i++) await pass(3_600_000);
    expect([...new Set(ids("down"))].toSorted()).toEqual(events.toSorted());
    expect(await show(down)).toMatchObject({
      status: "running",
      health: { behind: 0, waiting: 0, down: null },
    });
  });

  it("pauses after 75 hours, reports it to other pipes, and loses nothing until it is resumed", async () => {
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
    expect([...new Set(ids("down").filter((id) => !/-(paused|resumed)-/.test(id)))].toSorted()).toEqual(
      events.toSorted(),
    );
  });

  it("sets aside an event that the destination cannot digest, and tries it for 75 hours", async () => {
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

  it("blames no event when the destination was down for a moment", async () => {
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

  it("pauses after 75 hours in which everything was refused, and passes all of it on later", async () => {
    const pipe = await make("never");
    receivers.set("never", () => status(400));
    const events = await store(people(400));
    await pass();
    expect(await show(pipe)).toMatchObject({
      status: "failing",
      paused: null,
      condition: expect.stringContaining("the destination refused 400 events: answered 400") as string,
      health: { behind: 0, waiting: 400, down: null },
    });
    for (let hour = 0; hour < 70; hour++) await pass(3_600_000);
    expect(await show(pipe)).toMatchObject({ paused: null, health: { given_up: 0 } });
    for (let hour = 0; hour < 30; hour++) await pass(3_600_000);
    expect(await show(pipe)).toMatchObject({ status: "paused", health: { given_up: 0 } });
    receivers.delete("never");
    await ask("POST", `/pipes/${pipe}/resume`);
    for (let i = 0; i < 12; i++) await pass(3_600_000);
    expect(new Set(ids("never").filter((id) => !/-(paused|resumed)-/.test(id)))).toEqual(new Set(events));
  });

  it("heeds Retry-After and 410, and waits when its credential is wrong", async () => {
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
      expect([...new Set(ids(name).filter((id) => !/-(paused|resumed)-/.test(id)))].toSorted()).toEqual(
        events.toSorted(),
      );
    expect(ids("gone")).toEqual([]);
  });
});
