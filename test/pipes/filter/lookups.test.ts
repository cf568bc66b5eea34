// Filters that ask for more than the event holds: the message's times, the contact's suppression.

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { decidingEvent } from "../../../src/model/message.ts";
import { readLookups } from "../../../src/pipes/filter/lookups.ts";
import { evaluate } from "../../../src/pipes/filter/filter.ts";
import { hashOf } from "../../../src/store/erasure/erased.ts";
import { listEvents } from "../../../src/store/events/events.ts";
import { checkContacts } from "../../../src/store/suppressions/suppressions.ts";
import {
  deliver,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
} from "../../support/support.ts";
import { compiled, type Fields } from "./samples.ts";

describe("with what is stored", () => {
  beforeEach(freshStorage);
  const NOW = 1_790_000_000;

  const store = async (...events: Fields[]) => {
    const posts = events.map((one) => mailjetPost(JSON.stringify([mailjetEvent(one)])));
    await deliver(await messagesOf(...posts));
    const answer = await read("/v1/events?limit=1000");
    return (await answer.json<{ events: Fields[] }>()).events;
  };

  /** The database, with what is asked of it noted. */
  function watched() {
    const asked: string[] = [];
    const trips: number[] = [];
    const db = {
      prepare: (sql: string) => (asked.push(sql), env.DB.prepare(sql)),
      batch: async <T>(statements: D1PreparedStatement[]) => {
        trips.push(statements.length);
        return await env.DB.batch<T>(statements);
      },
    };
    return { db, asked, trips };
  }

  it("selects the opens within a day of sending, for the discount", async () => {
    const mail = (email: string, MessageID: number) => ({ email, MessageID });
    const events = await store(
      { ...mail("soon@example.com", 1), event: "sent", time: NOW },
      { ...mail("late@example.com", 2), event: "sent", time: NOW },
      { ...mail("both@example.com", 3), event: "sent", time: NOW },
      { ...mail("both@example.com", 4), event: "sent", time: NOW + 40 * 3600 },
      { ...mail("soon@example.com", 1), event: "open", time: NOW + 3600 },
      { ...mail("late@example.com", 2), event: "open", time: NOW + 25 * 3600 },
      { ...mail("both@example.com", 3), event: "open", time: NOW + 41 * 3600 },
      { ...mail("both@example.com", 4), event: "open", time: NOW + 41 * 3600 },
      { ...mail("soon@example.com", 1), event: "click", time: NOW + 3600 },
    );
    expect(events).toHaveLength(9);
    const filter = compiled('type in ["opened"] && occurred_at - message.sent_at < duration("24h")');
    const facts = await readLookups(env.DB, env.BUCKET, events, filter.needs);
    const chosen = events.filter((one, i) => {
      const answer = evaluate(filter, one, facts[i]);
      return answer.ok && answer.value;
    });
    expect(
      chosen.map(({ contact, message_id }) => `${String(contact)} ${String(message_id)}`).sort(),
    ).toEqual(["both@example.com 4", "soon@example.com 1"]);
  });

  it("finds each message's times and status as its events have them, in one round trip", async () => {
    const types = ["sent", "open", "click", "bounce", "spam", "blocked", "unsub"];
    const draw = fc.sample(
      fc.record({
        event: fc.constantFrom(...types),
        email: fc.constantFrom("a@example.com", "b@example.com", "c@gmail.com"),
        MessageID: fc.constantFrom(1, 2, 3, 4),
        time: fc.integer({ min: NOW, max: NOW + 5 }),
        hard_bounce: fc.boolean(),
        blocked: fc.constant(false),
      }),
      { numRuns: 120, seed: 6 },
    );
    const events = await store(...draw);
    const stored = (await listEvents(env.DB, { order: "asc", limit: 1000 })).events;
    expect(stored.length).toBeGreaterThan(60);
    const { db, asked, trips } = watched();
    const facts = await readLookups(
      db,
      env.BUCKET,
      [...events, { contact: "a@example.com", message_id: null }],
      {
        message: true,
        suppression: true,
      },
    );
    expect(trips).toHaveLength(1); // with a statement more once anybody was ever erased
    expect(asked).toHaveLength(trips[0] ?? 0);
    expect(facts.at(-1)?.message).toEqual({ sent_at: null, delivered_at: null, status: "unknown" });
    for (const [i, one] of events.entries()) {
      const own = stored.filter(
        ({ contact, message_id }) => contact === one["contact"] && message_id === one["message_id"],
      );
      const first = (some: typeof own) =>
        some.length > 0 ? Math.min(...some.map(({ occurred_at }) => occurred_at)) : null;
      const sent = own.filter(({ type }) => type === "sent" || type === "queued");
      expect(facts[i]?.message).toEqual({
        sent_at: first(sent) ?? first(own),
        delivered_at: first(own.filter(({ type }) => type === "delivered")),
        status: decidingEvent(own)?.type,
      });
    }
    const contacts = [...new Set(stored.map(({ contact }) => contact))];
    const checked = await checkContacts(env.DB, env.BUCKET, contacts, { scope: "" });
    expect(checked.size).toBeGreaterThan(0);
    for (const [i, one] of events.entries())
      expect(facts[i]?.suppression).toEqual(checked.get(String(one["contact"])) ?? null);
  });

  it("knows who is suppressed now, also who was erased, and asks for nothing that no filter needs", async () => {
    const events = await store(
      { event: "unsub", email: "gone@example.com", time: NOW },
      { event: "open", email: "stays@example.com", time: NOW },
      { event: "open", email: "erased@example.com", time: NOW },
    );
    const hash = await hashOf(env.BUCKET, "erased@example.com");
    await env.DB.prepare("INSERT INTO erased (hash, reason, since) VALUES (?1, 'complaint', ?2)")
      .bind(hash, NOW * 1000)
      .run();
    const { db, asked, trips } = watched();
    const about = [...events, { contact: null, type: "pipe.paused" }];
    expect(await readLookups(db, env.BUCKET, about, { message: false, suppression: false })).toEqual(
      about.map(() => ({})),
    );
    expect(
      await readLookups(db, env.BUCKET, [{}, { contact: null }], { message: true, suppression: true }),
    ).toHaveLength(2);
    expect(asked).toEqual([]);
    const filter = compiled(
      'suppressed && suppression.reason in ["unsubscribed", "complaint"] && suppression.since <= occurred_at',
    );
    const facts = await readLookups(db, env.BUCKET, about, filter.needs);
    expect(trips).toEqual([4]);
    const answers = about.map((one, i) => evaluate(filter, { occurred_at: NOW * 1000, ...one }, facts[i]));
    expect(about.map(({ contact }, i) => [contact, answers[i]])).toEqual([
      ["gone@example.com", { ok: true, value: true }],
      ["stays@example.com", { ok: true, value: false }],
      ["erased@example.com", { ok: true, value: true }],
      [null, { ok: true, value: false }],
    ]);
    await expect(
      readLookups(
        db,
        env.BUCKET,
        Array.from({ length: 1_001 }, () => ({})),
        filter.needs,
      ),
    ).rejects.toThrow("more than 1000");
  });

  it("reads contacts' own parts of the indexes alone, however full the tables are", async () => {
    await hashOf(env.BUCKET, "a@example.com");
    const { db, asked } = watched();
    const slice = Array.from({ length: 1_000 }, (_, i) => ({
      contact: `c${i}@example.com`,
      message_id: `m${i}`,
    }));
    await readLookups(db, env.BUCKET, slice, { message: true, suppression: true });
    expect(asked).toHaveLength(5);
    for (const sql of asked) {
      const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
      const steps = plan.map(({ detail }) => detail);
      expect(steps.join("\n"), sql).toMatch(/SEARCH (e|r|s) USING|suppressions_former/);
      // The few suppressions under former spellings are read whole, and only until they have moved.
      for (const detail of steps.filter(
        (step) => !/VIRTUAL TABLE|suppressions_former|respelling|any_domain/.test(step),
      ))
        expect(detail, sql).not.toMatch(/^SCAN/);
    }
  });
});
