// Events that a destination will never take: people let them go, or narrow the filter, and nothing else is lost.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { ask, ids, make, pass, people, receivers, show, status, store, withReceivers } from "./receivers.ts";

withReceivers();

const HOUR = 3_600_000;

async function discard(query = ""): Promise<unknown> {
  const response = await ask("DELETE", `/pipes/crm/waiting${query}`);
  expect(response.status).toBe(200);
  return await response.json();
}

/** Refuses the events of these contacts, one by one. */
const refuse = (contacts: readonly string[]): void =>
  void receivers.set("crm", ({ contact }) => (contacts.includes(contact) ? status(422) : status(200)));

describe("what waits", () => {
  it("is let go when a person says so, once, and never sent again", async () => {
    const id = await make("crm");
    refuse(["p1@example.com", "p3@example.com"]);
    const events = await store(people(5));
    await pass();
    expect(await discard("?dry_run=true")).toEqual({ discarded: 2, behind: 0, dry_run: true });
    expect((await show(id)).health.waiting).toBe(2);
    expect(await discard()).toEqual({ discarded: 2, behind: 0, dry_run: false });
    expect(await discard()).toEqual({ discarded: 0, behind: 0, dry_run: false });
    expect((await show(id)).health).toMatchObject({ waiting: 0, delivered: 3, discarded: 2, given_up: 0 });
    receivers.clear();
    await pass(80 * HOUR);
    expect(new Set(ids("crm"))).toEqual(new Set([events[0], events[2], events[4]]));
    await ask("POST", "/redeliveries", { pipes: [id], events: [events[1]], dry_run: false });
    await pass();
    expect(ids("crm")).toHaveLength(4);
  });

  it("goes only as far as it was received before a time", async () => {
    const id = await make("crm");
    refuse(people(9));
    await store(people(2));
    await pass();
    await env.DB.prepare("UPDATE events SET received_at = received_at - ?1").bind(HOUR).run();
    await store(people(3));
    await pass();
    const half = new Date(Date.now() - HOUR / 2).toISOString();
    expect(await discard(`?before=${half}`)).toMatchObject({ discarded: 2 });
    expect((await show(id)).health.waiting).toBe(3);
  });

  it("goes together with what the pipe has not looked at, if that is asked for", async () => {
    const id = await make("crm");
    receivers.set("crm", () => status(503));
    await store(people(7));
    await pass();
    expect((await show(id)).health.behind).toBe(7);
    expect(await discard()).toMatchObject({ behind: 0 });
    expect((await show(id)).health.behind).toBe(7);
    expect(await discard("?behind=true")).toMatchObject({ behind: 7 });
    receivers.clear();
    const [next = ""] = await store(people(1));
    await ask("POST", "/pipes/crm/resume");
    await pass();
    expect(ids("crm")).toEqual([next]);
  });

  it("stays let go if the pipe was sending it at that moment", async () => {
    const id = await make("crm");
    refuse(people(1));
    await store(people(1));
    await pass();
    receivers.set("crm", async () => {
      await discard();
      return status(422);
    });
    await pass(HOUR);
    expect((await show(id)).health).toMatchObject({ waiting: 0, discarded: 1 });
    receivers.set("crm", async () => {
      await discard("?behind=true");
      return status(503);
    });
    await store(people(40));
    await pass();
    expect((await show(id)).health.behind).toBe(0);
  });
});

it("a changed filter lets go of what waits and does not pass it, however much that is", async () => {
  const id = await make("crm");
  receivers.set("crm", ({ type }) => (type === "clicked" ? status(422) : status(200)));
  for (let n = 0; n < 3; n++) {
    await store(people(80), "click");
    await store(["up@example.com"]);
    await pass();
  }
  const asked = await store(["asked@example.com"], "click");
  await pass();
  await ask("POST", "/redeliveries", { pipes: [id], events: asked, dry_run: false });
  await ask("POST", "/pipes/crm/pause");
  const before = (await show(id)).health.waiting;
  expect(before).toBe(241);
  await ask("PATCH", "/pipes/crm", { filter: 'contact == "p7@example.com" || type == "opened"' });
  await ask("POST", "/pipes/crm/resume");
  await pass();
  const after = (await show(id)).health;
  // Three of p7 pass the new filter, and one was asked for; nothing is refused but these.
  expect(after).toMatchObject({ waiting: 4, discarded: 237 });
  receivers.clear();
  const opened = await store(people(2));
  await pass(10 * HOUR);
  expect(ids("crm")).toEqual(expect.arrayContaining(opened));
  expect((await show(id)).health.waiting).toBe(0);
});
