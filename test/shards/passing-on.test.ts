// Pipes and lists in a deployment with several databases, through the doors that people and receivers use. A run with one
// database skips this suite.

import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { feedOf } from "../../src/store/feed-position.ts";
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
} from "../pipes/receivers.ts";
import { expectLogs } from "../support/log.ts";
import { rows } from "../support/support.ts";

const second = Reflect.get(env, "DB_1") as D1Database | undefined;
const HOUR = 3_600_000;
const sorted = (some: readonly string[]): string[] => some.toSorted();

interface Listed {
  id: string;
  seq: number;
  contact: string;
  received_at: string;
}
const page = async (query: string): Promise<{ events: Listed[]; next: string | null; resume: string }> =>
  await (await ask("GET", `/events?${query}`)).json();

describe.skipIf(second === undefined)("with several databases", () => {
  withReceivers();

  it("a pipe gets every event once, and an ordered one each contact's in order, over pauses and failures", async () => {
    const [all, ordered] = [await make("all"), await make("ordered", { ordered: true })];
    const stored: string[] = [];
    const refused = new Set(["p3@example.com", "p11@example.com"]);
    receivers.set("ordered", ({ contact }) => (refused.has(contact) ? status(422) : status(200)));
    for (let round = 0; round < 4; round++) {
      stored.push(...(await store(people(20 + round))));
      if (round === 1) await ask("POST", `/pipes/${all}/pause`);
      await pass(HOUR / 60);
    }
    const feeds = await rows<{ seq: number }>("SELECT seq FROM events");
    expect(new Set(feeds.map(({ seq }) => feedOf(seq))).size).toBeGreaterThan(1);
    expect((await show(all)).health.behind).toBeGreaterThan(0);
    expect((await show(ordered)).health.waiting).toBe(8);
    await ask("POST", `/pipes/${all}/resume`);
    refused.clear();
    for (let i = 0; i < 5; i++) await pass(24 * HOUR);
    for (const name of ["all", "ordered"]) expect(sorted(ids(name))).toEqual(sorted(stored));
    for (const own of Map.groupBy(taken.get("ordered") ?? [], ({ contact }) => contact).values()) {
      const times = own.map(({ body }) => String(/"occurred_at":"([^"]+)"/.exec(body)?.[1]));
      expect(times).toEqual(sorted(times));
    }
    for (const id of [all, ordered])
      expect((await show(id)).health).toMatchObject({ behind: 0, waiting: 0, delivered: stored.length });
  });

  it("a pipe starts in all feeds where it is told to", async () => {
    const first = await store(people(12));
    vi.setSystemTime(Date.now() + HOUR);
    const then = new Date().toISOString();
    const later = await store(people(12));
    const { events, next } = await page("limit=9");
    const { seq } = events.find((event) => feedOf(event.seq) > 0) ?? { seq: 0 };
    await make("whole", { start: "beginning" });
    await make("behind", { start: { after: next } });
    await make("since", { start: { time: then } });
    await make("now");
    await make("numbered", { start: { seq } });
    await pass();
    expect(sorted(ids("whole"))).toEqual(sorted([...first, ...later]));
    const shown = new Set(events.map(({ id }) => id));
    expect(sorted(ids("behind"))).toEqual(sorted([...first, ...later].filter((id) => !shown.has(id))));
    expect(sorted(ids("since"))).toEqual(sorted(later));
    expect(ids("now")).toEqual([]);
    const listed = await rows<{ id: string; seq: number }>("SELECT id, seq FROM events");
    const expected = listed.filter((event) => feedOf(event.seq) !== feedOf(seq) || event.seq > seq);
    expect(sorted(ids("numbered"))).toEqual(sorted(expected.map(({ id }) => id)));
  });

  it("events of all feeds are sent once more, by time and by id", async () => {
    await store(people(10));
    vi.setSystemTime(Date.now() + HOUR);
    const from = new Date().toISOString();
    const stored = await store(people(15));
    const id = await make("again");
    const whole = { pipes: [id], from };
    const counted = await ask("POST", "/redeliveries", whole);
    expect(await counted.json()).toMatchObject({ pipes: [{ count: 15, complete: true }] });
    await ask("POST", "/redeliveries", { ...whole, dry_run: false });
    await pass();
    expect(sorted(ids("again"))).toEqual(sorted(stored));
    await ask("POST", "/redeliveries", { pipes: [id], events: stored.slice(4, 9), dry_run: false });
    await pass();
    expect(sorted(ids("again"))).toEqual(sorted([...stored, ...stored.slice(4, 9)]));
  });

  it("what waits is let go in all feeds, as far as it was received before a time", async () => {
    const id = await make("crm");
    receivers.set("crm", () => status(422));
    await store(people(9));
    await pass();
    vi.setSystemTime(Date.now() + HOUR);
    const then = new Date().toISOString();
    await store(people(5));
    await pass();
    const before = (await show(id)).health.waiting;
    expect(before).toBe(14);
    const answer = await ask("DELETE", `/pipes/${id}/waiting?before=${then}`);
    expect(await answer.json()).toMatchObject({ discarded: 9 });
    expect((await show(id)).health.waiting).toBe(5);
  });

  it("a database that does not answer holds up its own feed alone, and then that one goes on", async () => {
    await make("open");
    const stored = await store(people(12));
    await second?.prepare("ALTER TABLE feed RENAME TO away").run();
    expectLogs(/a pipe waits/);
    await pass();
    const there = await second?.prepare("SELECT id FROM events").all<{ id: string }>();
    const late = new Set(there?.results.map(({ id }) => id));
    expect(late.size).toBeGreaterThan(0);
    expect(sorted(ids("open"))).toEqual(sorted(stored.filter((id) => !late.has(id))));
    await second?.prepare("ALTER TABLE away RENAME TO feed").run();
    await pass(HOUR);
    expect(sorted(ids("open"))).toEqual(sorted(stored));
  });

  it("a list and an export have the events of all databases once, in the order of receipt", async () => {
    const stored: string[] = [];
    for (let i = 0; i < 3; i++) stored.push(...(await store(people(25))));
    for (const order of ["asc", "desc"]) {
      const events: Listed[] = [];
      for (let after = ""; ;) {
        const part = await page(`order=${order}&limit=10${after}`);
        events.push(...part.events);
        if (part.next === null) break;
        after = `&after=${part.next}`;
      }
      expect(sorted(events.map(({ id }) => id))).toEqual(sorted(stored));
      const times = events.map(({ received_at }) => received_at);
      expect(times).toEqual(order === "asc" ? sorted(times) : sorted(times).toReversed());
    }
    const { resume } = await page("limit=1000");
    const more = await store(people(4));
    expect(sorted((await page(`after=${resume}`)).events.map(({ id }) => id))).toEqual(sorted(more));
  });
});
