// Passing events on again.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { ask, ids, make, pass, people, store, taken, withReceivers } from "./receivers.ts";

withReceivers();

describe("a redelivery", () => {
  it("starts a pipe that has not started yet", async () => {
    const pipe = await make("unbegun");
    const began = new Date().toISOString();
    await env.PIPES.getByName(pipe).destroy();
    const events = await store(people(3));
    const body = { pipes: [pipe], from: began, dry_run: false };
    expect((await ask("POST", "/redeliveries", body)).status).toBe(200);
    await pass();
    expect(ids("unbegun").toSorted()).toEqual([...events, ...events].toSorted());
  });

  it("counts in a dry run, keeps the event id and gives each attempt a new one", async () => {
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
});
