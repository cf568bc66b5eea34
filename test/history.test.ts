// Reading stored deliveries anew: what an older parser made of them is imitated by changing the rows; applying must lead to
// the state that the present parser would have made at once.

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import {
  deliver,
  envWith,
  finalState,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
  send,
} from "./support.ts";

interface Step {
  applied: boolean;
  objects: number;
  deliveries: number;
  events: number;
  rejects: number;
  changed: number;
  appeared: number;
  vanished: number;
  samples: { kind: string; id: string; before: { type: string } | null; after: { type: string } | null }[];
  next: string | null;
}

const YEAR = {
  from: new Date(Date.now() - 30 * 86_400_000).toISOString(),
  to: new Date(Date.now() + 86_400_000).toISOString(),
};

const ask = async (body: Record<string, unknown>, bindings = envWith()): Promise<Response> =>
  await send(
    new Request("https://edge.example/v1/history/renormalise", {
      method: "POST",
      headers: { authorization: "Bearer api-token", "content-type": "application/json" },
      body: JSON.stringify({ ...YEAR, ...body }),
    }),
    bindings,
  );

/** All steps of a walk, added up. */
async function walk(
  body: Record<string, unknown> = {},
  bindings = envWith(),
): Promise<Omit<Step, "next" | "applied">> {
  const sum = { objects: 0, deliveries: 0, events: 0, rejects: 0, changed: 0, appeared: 0, vanished: 0 };
  const samples: Step["samples"] = [];
  for (let after: string | undefined; ;) {
    const response = await ask({ ...body, ...(after === undefined ? {} : { after }) }, bindings);
    expect(response.status).toBe(200);
    const step = await response.json<Step>();
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += step[key];
    samples.push(...step.samples);
    if (step.next === null) return { ...sum, samples };
    after = step.next;
  }
}

const KINDS = ["sent", "open", "click", "bounce", "spam", "unsub"];

/** Three archive objects of several deliveries, with repeats between them. */
async function fillHistory(): Promise<void> {
  const event = (i: number) =>
    mailjetEvent({
      event: KINDS[i % KINDS.length],
      MessageID: 1000 + Math.floor(i / 3),
      email: `p${i % 11}@example.com`,
      time: 1_790_000_000 + i * 400,
      mj_campaign_id: i % 4,
      url: "https://example.com/a",
      hard_bounce: i % 4 === 1,
    });
  const all = Array.from({ length: 90 }, (_, i) => event(i));
  const post = (from: number, to: number) => mailjetPost(JSON.stringify(all.slice(from, to)));
  await deliver(await messagesOf(post(0, 20), post(20, 30)));
  await deliver(await messagesOf(post(25, 60), post(0, 5)));
  await deliver(await messagesOf(post(60, 90), mailjetPost('[{"event":"sent","email":5}]')));
}

beforeEach(async () => {
  await freshStorage();
  await fillHistory();
});

describe("reading history anew", () => {
  it("finds nothing where the parser is what it was, step by step or at once", async () => {
    for (const limit of [1, 50]) {
      expect(await walk({ limit })).toEqual({
        objects: 3,
        deliveries: 6,
        events: 100,
        rejects: 1,
        changed: 0,
        appeared: 0,
        vanished: 0,
        samples: [],
      });
    }
  });

  it("shows what would change, appear and vanish, and changes nothing", async () => {
    await imitateOldParser();
    const before = await everything();
    const found = await walk();
    expect(found).toMatchObject({ changed: 3, appeared: 1, vanished: 1 });
    expect(found.samples.map(({ kind }) => kind).toSorted()).toEqual([
      "appeared",
      "changed",
      "changed",
      "changed",
      "vanished",
    ]);
    const type = found.samples.find(({ before: was }) => was?.type === "unknown");
    expect(type?.after?.type).toBe("complained");
    expect(await everything()).toEqual(before);
    expect(await walk({ source: "jangomail" })).toMatchObject({
      deliveries: 0,
      changed: 0,
      appeared: 0,
      vanished: 0,
    });
  });

  it("says what is wrong with a request", async () => {
    for (const [body, parameter] of [
      [{ from: "yesterday" }, "from"],
      [{ to: YEAR.from }, "to"],
      [{ from: "2020-01-01" }, "to"],
      [{ after: "x" }, "after"],
      [{ limit: 0 }, "limit"],
      [{ aply: true }, "aply"],
    ] as const) {
      const response = await ask(body);
      expect(response.status).toBe(400);
      expect((await response.json<{ detail: string }>()).detail).toMatch(new RegExp(`^${parameter}: `));
    }
  });
});

/** As if an older parser had not known complaints, had told one time wrongly, had lost one event and invented another. */
async function imitateOldParser(): Promise<void> {
  const of = async (type: string) =>
    (await rows<{ id: string }>(`SELECT id FROM events WHERE type = '${type}' ORDER BY seq`)).map(
      ({ id }) => id,
    );
  const [complaint, other] = await of("complained");
  const [late, lost, doubled] = await of("opened");
  const run = async (sql: string, ...values: unknown[]) =>
    await env.DB.prepare(sql)
      .bind(...values)
      .run();
  await run("UPDATE events SET type = 'unknown' WHERE id = ?1", complaint);
  // Another identity, and so another id: kept, though what is read now would give another one.
  await run(
    "UPDATE events SET id = substr(id, 1, 18) || '0000000000000000', type = 'sent' WHERE id = ?1",
    other,
  );
  await run("UPDATE events SET at = at + 86400000 WHERE id = ?1", late);
  await run("DELETE FROM events WHERE id = ?1", lost);
  await run(
    `INSERT INTO events (id, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id,
       campaign, batch, line, element, details)
     SELECT substr(id, 1, 18) || '1111111111111111', contact, at, received_at, source, provider, type, bounce, destination,
       machine, message_id, campaign, batch, line, 999, details FROM events WHERE id = ?1`,
    doubled,
  );
  await env.DB.exec("UPDATE batches SET last_seq = last_seq + 1000");
}

async function everything(): Promise<unknown> {
  const events = await rows("SELECT * FROM events ORDER BY seq");
  return { ...(await finalState()), events };
}

// A source whose customer chose the parameters' names, wrongly told to Tidings at first: to correct that is to mend the
// parser, by a public door.
const NAMES = {
  contact: "who",
  event: "what",
  message_id: "mail",
  occurred_at: "when",
  bounce: "class",
  campaign: "job",
  tags: "label",
  custom_id: "mine",
  url: "target",
} as const;
type Field = keyof typeof NAMES;

const withNames = (wrong: readonly Field[]): Env =>
  envWith({
    SOURCES: {
      observed: { provider: "mailjet" },
      enforced: { provider: "mailjet" },
      jangomail: {
        provider: "jangomail",
        parameters: { ...NAMES, ...Object.fromEntries(wrong.map((field) => [field, "none"])) },
      },
    },
  });

const report = fc.record({
  who: fc.integer({ min: 1, max: 4 }).map((n) => `p${n}@example.com`),
  what: fc.constantFrom("open", "click", "bounce", "bounce", "complaint", "unsubscribe", "sent", "block"),
  mail: fc.integer({ min: 1, max: 6 }).map((n) => `m${n}`),
  class: fc.constantFrom("hard", "soft", ""),
  job: fc.constantFrom("a", "b", ""),
  label: fc.constantFrom("x", "x,y", ""),
  target: fc.constantFrom("https://example.com/1", "https://example.com/2"),
});

/** What is stored, but for what tells when and by whom it was stored, and for the part of an id that names the identity. */
async function outcome(): Promise<unknown> {
  const state = await finalState();
  const contacts = (state["contacts"] as { suppressed: string | null }[]).filter(
    ({ suppressed }) => suppressed !== null,
  );
  const text = JSON.stringify({ ...state, contacts });
  const cut: Record<string, unknown> = JSON.parse(
    text.replaceAll(/[0-9a-hjkmnp-tv-z]{34}/g, (id) => id.slice(0, 18)),
  );
  return Object.fromEntries(
    Object.entries(cut).map(([name, list]) => [
      name,
      (list as unknown[]).map((one) => JSON.stringify(one)).toSorted(),
    ]),
  );
}

it("walks no table: what it asks and changes is found by keys", async () => {
  await imitateOldParser();
  const asked = new Set<string>();
  const DB = {
    prepare: (sql: string) => (asked.add(sql), env.DB.prepare(sql)),
    batch: async (statements: D1PreparedStatement[]) => await env.DB.batch(statements),
    withSession: () => DB,
    getBookmark: () => null,
  };
  expect((await ask({ apply: true }, envWith({ DB }))).status).toBe(200);
  const own = [...asked].filter((sql) => /batches|json_each/.test(sql));
  expect(own.length).toBeGreaterThan(20);
  for (const sql of own) {
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
    for (const { detail } of plan.filter((step) => !step.detail.includes("VIRTUAL TABLE")))
      expect(detail, sql).not.toMatch(
        /SCAN (events|e|messages|contacts|c|suppressions|s|\w*rollups|batches|b)\b/,
      );
  }
});

describe("applying", () => {
  it("leads to what the mended parser makes at once, whatever was wrong; and a second time changes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(report, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(fc.constantFrom(...(Object.keys(NAMES) as Field[])), { minLength: 1, maxLength: 3 }),
        async (deliveries, wrong) => {
          await freshStorage();
          let minute = 0;
          const bodies = deliveries.map((elements) =>
            JSON.stringify(
              elements.map((element) => ({
                ...element,
                mine: `c-${element.mail}`,
                when: 1_790_000_000 + 40_000 * minute++,
              })),
            ),
          );
          const messages = await messagesOf(...bodies.map(jangoPost));
          for (const message of messages) await deliver([message], withNames(wrong));
          await walk({ apply: true }, withNames([]));
          const mended = await outcome();
          expect(await walk({ apply: true }, withNames([]))).toMatchObject({
            changed: 0,
            appeared: 0,
            vanished: 0,
          });
          expect(await outcome()).toEqual(mended);
          await freshStorage();
          for (const message of messages) await deliver([message], withNames([]));
          expect(mended).toEqual(await outcome());
        },
      ),
      { numRuns: 20 },
    );
  });

  it("survives a failure of any call half-way: asked again, it completes what was begun", async () => {
    const bodies = [0, 1, 2].map((n) =>
      JSON.stringify(
        ["bounce", "open", "unsubscribe", "click"].map((what, i) => ({
          who: `p${n}@example.com`,
          what,
          mail: `m${n}`,
          class: "hard",
          job: "a",
          label: "x",
          mine: "c",
          when: 1_790_000_000 + 100 * n + 10 * i,
        })),
      ),
    );
    const messages = await messagesOf(...bodies.map(jangoPost));
    const run = async (broken: (env: Env) => Env): Promise<unknown> => {
      await freshStorage();
      await deliver(messages, withNames(["message_id", "bounce", "campaign"]));
      await ask({ apply: true }, broken(withNames([])));
      await walk({ apply: true }, withNames([]));
      return await outcome();
    };
    const wanted = await run((env) => env);
    let failures = 0;
    for (let nth = 0; nth < 40; nth++) {
      const state = { calls: 0, failed: false };
      expect(await run((env) => failingAt(env, nth, state)), `call ${nth}`).toEqual(wanted);
      failures += state.failed ? 1 : 0;
      if (!state.failed) break;
    }
    expect(failures).toBeGreaterThan(6);
  });
});

describe("a delivery that was claimed by one reading and is stored by another", () => {
  /** The database takes nothing more, or answers no more although it took it. */
  const down = (bindings: Env, took: boolean): Env => {
    const DB = {
      prepare: (sql: string) => bindings.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        if (took) await bindings.DB.batch(statements);
        throw new Error("D1_ERROR: it went away");
      },
      withSession: () => DB,
      getBookmark: () => null,
    };
    return { ...bindings, DB } as unknown as Env;
  };

  it("counts for its contacts as it was read last, and once", async () => {
    // Without the others there would be no event but a dead letter, which stays until it is replayed.
    const names = ["message_id", "bounce", "campaign", "tags", "custom_id", "url"] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(report, { minLength: 1, maxLength: 6 }), fc.boolean()), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.boolean(),
        async (deliveries, wrong, took, early) => {
          await freshStorage();
          let half = 0;
          const bodies = deliveries.map(([elements]) =>
            JSON.stringify(elements.map((one) => ({ ...one, when: 1_790_000_000 + 40_000 * half++ }))),
          );
          const messages = await messagesOf(...bodies.map(jangoPost));
          const stays = (_: unknown, i: number): boolean => deliveries[i]?.[1] === true;
          // A database that answered no more leaves rows of the first reading, which reading anew then mends.
          await deliver(messages.filter(stays), down(withNames(wrong), took));
          // Such rows may also be mended first, and then their own delivery is no repeat of them.
          if (took && early) await walk({ apply: true }, withNames([]));
          await deliver(messages, withNames([]));
          if (took) await walk({ apply: true }, withNames([]));
          const found = await outcome();
          await freshStorage();
          await deliver(messages, withNames([]));
          expect(found).toEqual(await outcome());
        },
      ),
      { numRuns: 30 },
    );
  });

  it("does so where a contact's events are stored in several parts", async () => {
    await freshStorage();
    const bodies = Array.from({ length: 2 }, (_, n) =>
      JSON.stringify(
        Array.from({ length: 700 }, (__, i) => ({
          who: "p1@example.com",
          what: n === 1 && i % 300 > 290 ? "bounce" : "block",
          class: "soft",
          mail: `m${n}-${i}`,
          target: "https://example.com/1",
          when: 1_790_000_000 + n * 1_000_000 + i * 1_000,
        })),
      ),
    );
    const messages = await messagesOf(...bodies.map(jangoPost));
    await deliver(messages, down(withNames(["message_id"]), false));
    await deliver(messages, withNames([]));
    // Three soft bounces on two days: the first day's in one part, the second day's in the next.
    expect(await rows("SELECT contact, reason FROM suppressions")).toEqual([
      { contact: "p1@example.com", reason: "soft_bounces" },
    ]);
    const found = await outcome();
    await freshStorage();
    await deliver(messages, withNames([]));
    expect(found).toEqual(await outcome());
  });
});

const jangoPost = (body: string): Request =>
  new Request("https://edge.example/webhooks/jangomail?token=jango-token", {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });

/** Bindings whose `nth` call of the database's batch or of a contact fails: before it takes effect, or after. */
function failingAt(bindings: Env, nth: number, state: { calls: number; failed: boolean }): Env {
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    const now = state.calls++;
    if (now !== nth >> 1) return await work();
    state.failed = true;
    if (nth % 2 === 1) await work();
    throw new Error("D1_ERROR: it went away");
  };
  const DB = {
    prepare: (sql: string) => bindings.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) =>
      await call(async () => await bindings.DB.batch(statements)),
    withSession: () => DB,
    getBookmark: () => null,
  };
  const CONTACTS = {
    getByName: (name: string) => ({
      correct: async (correction: never) =>
        await call(async () => await bindings.CONTACTS.getByName(name).correct(correction)),
    }),
  };
  return { ...bindings, DB, CONTACTS } as unknown as Env;
}
