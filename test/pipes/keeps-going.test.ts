// A pipe whose destination refuses some events, whatever it says to them, goes on with all others: it is neither paused
// nor held up, and each refused event has tries of its own.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { openRetries } from "../../src/pipes/retries.ts";
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

/** Known to the receivers below, which refuse everybody else. */
const KNOWN = /^p\d*0@/;
const knows = ({ contact }: { contact: string }): boolean => KNOWN.test(contact);

const HOUR = 3_600_000;

describe("a destination that refuses single events", () => {
  it.each([400, 401, 403, 404, 405, 422])(
    "by %i nine times of ten is sent all others at once",
    async (code) => {
      const pipe = await make("some");
      receivers.set("some", (heard) => status(knows(heard) ? 200 : code));
      await store(people(300));
      await pass();
      await pass(6_000);
      expect(await show(pipe)).toMatchObject({
        status: "running",
        paused: null,
        health: { behind: 0, waiting: 270, delivered: 30, down: null },
      });
      await ask("POST", `/pipes/${pipe}/resume`);
      await pass(6_000);
      const { condition, health } = await show(pipe);
      expect(health).toMatchObject({ waiting: 270, delivered: 30, given_up: 0, down: null });
      expect(condition).toBe(`It passes events on. 270 events wait for another try: answered ${code}.`);
    },
  );

  it("is sent everything else also where one of them fails by a 404 between any others", async () => {
    const pipe = await make("routes");
    receivers.set("routes", ({ contact }) => status(contact === "p1@example.com" ? 404 : 200));
    await store(people(4));
    await pass();
    await store(["p1@example.com"]);
    await pass(10 * 60_000);
    const [late] = await store(["late@example.com"]);
    await pass();
    expect(ids("routes")).toContain(late);
    expect(await show(pipe)).toMatchObject({ status: "running", health: { waiting: 2, down: null } });
  });

  it("is never counted as down for a day, and each refused event is tried by its own schedule", async () => {
    const pipe = await make("day");
    const tried = new Map<string, number>();
    receivers.set("day", ({ id, contact }) => {
      if (knows({ contact })) return status(200);
      tried.set(id, (tried.get(id) ?? 0) + 1);
      return status(422);
    });
    const first = await store(people(50));
    for (let hour = 0; hour < 24; hour++) {
      await pass(HOUR);
      expect(await show(pipe)).toMatchObject({ status: "running", health: { behind: 0, down: null } });
      await store(people(20));
    }
    const refused = first.filter((id) => tried.has(id));
    expect(refused).toHaveLength(45);
    // After 5 s, 5 min, 30 min, 2 h, 5 h and 10 h, up to a fifth more or less, and as often as an hour passes.
    for (const id of refused) expect([6, 7]).toContain(tried.get(id));
  });

  it("may break down over single events one after the other: those behind them arrive", async () => {
    const pipe = await make("breaks");
    receivers.set("breaks", ({ contact }) => status(contact.startsWith("bad") ? 500 : 200));
    await store(Array.from({ length: 12 }, (_, n) => `bad${n}@example.com`));
    await pass();
    expect(await show(pipe)).toMatchObject({ status: "failing" });
    const good = await store(people(20));
    for (let i = 0; i < 16; i++) await pass(HOUR);
    expect(ids("breaks").toSorted()).toEqual(good.toSorted());
    for (let i = 0; i < 5; i++) {
      const [next] = await store(["good@example.com"]);
      await pass(10 * 60_000);
      expect(ids("breaks")).toContain(next);
      expect(await show(pipe)).toMatchObject({ status: "running", health: { behind: 0, waiting: 12 } });
    }
  });

  it("is told apart from one that denies everything, which is left alone until it lets events in again", async () => {
    const pipe = await make("denies");
    let calls = 0;
    receivers.set("denies", () => ((calls += 1), status(403)));
    const events = await store(people(500));
    await pass();
    expect(await show(pipe)).toMatchObject({
      status: "failing",
      health: { down: { reason: "answered 403" } },
    });
    for (let hour = 0; hour < 10; hour++) await pass(HOUR);
    expect(calls).toBeLessThan(250);
    receivers.delete("denies");
    await pass(HOUR);
    expect(ids("denies").toSorted()).toEqual(events.toSorted());
    expect(await show(pipe)).toMatchObject({ status: "running", health: { waiting: 0, given_up: 0 } });
  });
});

/** Puts so many events among those that wait, as if they had failed alone; they are due. */
async function letWait(pipe: string, events: readonly { id: string; seq: number }[]): Promise<void> {
  await runInDurableObject(env.PIPES.getByName(pipe), (_, { storage }) => {
    const retries = openRetries(storage);
    const some = {
      feed: "events",
      grp: "",
      tries: 3,
      due: Date.now(),
      reason: "answered 422",
      asked: 0,
    } as const;
    for (const { id, seq } of events) retries.put({ ...some, id, seq });
  });
}

describe("many waiting events", () => {
  it("are no wall: a pipe reads on, and both they and new events get their share of each round", async () => {
    const pipe = await make("busy");
    await ask("POST", `/pipes/${pipe}/pause`);
    await store(people(1_500));
    const { results } = await env.DB.prepare("SELECT id, seq FROM events ORDER BY seq").all<{
      id: string;
      seq: number;
    }>();
    await letWait(pipe, results);
    const order: boolean[] = [];
    const waited = new Map<string, number>();
    receivers.set("busy", ({ id }) => {
      waited.set(id, (waited.get(id) ?? 0) + 1);
      order.push(waited.get(id) === 2);
      return status(200);
    });
    await ask("POST", `/pipes/${pipe}/resume`);
    await pass();
    expect((await show(pipe)).health).toMatchObject({ behind: 0, waiting: 0 });
    // The first 100 requests are tries of those that wait; then comes a page of new ones, then 100 more, and so on.
    expect([...waited.values()].every((times) => times === 2)).toBe(true);
    expect(order).toHaveLength(3_000);
    expect(order.slice(0, 1_300).filter(Boolean).length).toBeGreaterThan(50);
    expect(order.slice(0, 1_300).filter((again) => !again).length).toBeGreaterThan(500);
  });

  it("of an ordered pipe hold up their own contacts alone, and keep their order", async () => {
    const pipe = await make("inorder", { ordered: true });
    let refuses = true;
    receivers.set("inorder", ({ contact }) => status(refuses && contact === "p1@example.com" ? 422 : 200));
    await store([...people(3), ...people(3), ...people(3)]);
    await pass();
    expect((await show(pipe)).health).toMatchObject({ waiting: 3, delivered: 6 });
    await store(people(2));
    await pass(60_000);
    expect((await show(pipe)).health).toMatchObject({ waiting: 4, delivered: 7 });
    refuses = false;
    await pass(HOUR);
    expect((await show(pipe)).health).toMatchObject({ waiting: 0, delivered: 11 });
    const own = (taken.get("inorder") ?? []).filter(({ contact }) => contact === "p1@example.com");
    const { results } = await env.DB.prepare(
      "SELECT id FROM events WHERE contact = 'p1@example.com' ORDER BY seq",
    ).all<{ id: string }>();
    expect(own.map(({ id }) => id)).toEqual(results.map(({ id }) => id));
  });
});

describe("the table of waiting events", () => {
  it("finds the first of each group by an index, however many wait behind them", async () => {
    const pipe = await make("table");
    await runInDurableObject(env.PIPES.getByName(pipe), (_, { storage }) => {
      const retries = openRetries(storage);
      const put = (seq: number, grp: string, due: number): void =>
        retries.put({
          feed: "events",
          seq,
          id: `${grp}${seq}`,
          grp,
          tries: 1,
          due,
          reason: "no",
          asked: 0,
        });
      for (let seq = 1; seq <= 3_000; seq++) put(seq, `g${seq % 3}`, seq <= 3 ? 500 : 10);
      expect(retries.due(100, 50, true)).toEqual([]);
      for (let looks = 0; looks < 4; looks++) retries.due(100, 50, true);
      expect(retries.nextDue()).toBe(500);
      expect(retries.due(500, 50, true).map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(retries.due(500, 50, false)).toHaveLength(50);
      retries.drop({ feed: "events", seq: 1 });
      expect(retries.due(500, 50, true).map(({ seq }) => seq)).toEqual([2, 3, 4]);
      expect(retries.waitingGroups(["g1", "g7", ""])).toEqual(new Set(["g1"]));
      const plan = storage.sql
        .exec("EXPLAIN QUERY PLAN SELECT 1 FROM retries WHERE due <= 5 ORDER BY due, seq LIMIT 3")
        .toArray();
      expect(JSON.stringify(plan)).toMatch(/INDEX retries_due/);
    });
  });
});
