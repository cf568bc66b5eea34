// What pipes promise, seen by a receiver: every stored event that matches arrives at least once.

import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
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
  it("passes on each event stored since it was created, once and signed, if its filter lets it through", async () => {
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

  it("starts where it is told to: at the beginning, behind a cursor, at a time", async () => {
    const first = await store(people(5));
    vi.setSystemTime(Date.now() + 3_600_000);
    const then = new Date().toISOString();
    const second = await store(people(5));
    await make("whole", { start: "beginning" });
    const page = await (await ask("GET", "/events?limit=7")).json<{ next: string }>();
    await make("behind", { start: { after: page.next } });
    await make("numbered", { start: { after: "7" } });
    await make("older", { start: { seq: 7 } });
    await make("since", { start: { time: then } });
    await pass();
    expect(ids("whole").toSorted()).toEqual([...first, ...second].toSorted());
    for (const name of ["behind", "numbered", "older"])
      expect(ids(name).toSorted()).toEqual(second.slice(2).toSorted());
    expect(ids("since").toSorted()).toEqual(second.toSorted());
  });

  it("keeps its pace over all pages", async () => {
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

  it("looks once more by itself when every isolate knows it, in case one stored events without waking it", async () => {
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

  it("logs the events for which its filter failed, and passes none of them on", async () => {
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

  it("writes no database row for what it passes on, and at most one in fifty for its log", async () => {
    await make("cheap");
    await store(people(1_000));
    await pass();
    expect(ids("cheap")).toHaveLength(1_000);
    const [{ n } = { n: 0 }] = await rows<{ n: number }>("SELECT count(*) AS n FROM attempts");
    expect(2 * n).toBeLessThanOrEqual(1_000 / 50 + 10);
  });
});

describe("whatever a receiver does", () => {
  it("it receives every event at least once in the end, and in order for each contact if that is asked for", async () => {
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
