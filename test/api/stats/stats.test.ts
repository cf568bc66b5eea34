// Statistics: what the counters tell against an independent count of what was sent, whatever way it came; and that a
// recount finds what is wrong with them.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { newcombe, comparisonOf, wilson } from "../../../src/model/stats/proportion.ts";
import {
  endOf,
  alignToBuckets,
  rangesByTable,
  startOf,
  type Bucket,
} from "../../../src/model/stats/counts.ts";
import { goneFrom } from "../../../src/store/write/counters.ts";
import {
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
  send,
} from "../../support/support.ts";

const DAY = 86_400_000;
/** Four days before the end of a month, a Sunday. */
const BASE = Date.UTC(2026, 8, 27);
const SPAN = 9 * DAY;

/** An event as the test means it. */
interface Told {
  source: "mailjet" | "generic";
  type: string;
  bounce: "hard" | "soft" | "";
  machine: boolean | null;
  contact: string;
  campaign: string | null;
  tags: readonly string[];
  at: number;
}

const KINDS = [
  { type: "sent", bounce: "" },
  { type: "delivered", bounce: "" },
  { type: "bounced", bounce: "hard" },
  { type: "bounced", bounce: "soft" },
  { type: "blocked", bounce: "" },
  { type: "opened", bounce: "" },
  { type: "opened", bounce: "" },
  { type: "clicked", bounce: "" },
  { type: "complained", bounce: "" },
  { type: "unsubscribed", bounce: "" },
] as const;

const generic = fc.record({
  source: fc.constant("generic" as const),
  kind: fc.constantFrom(...KINDS),
  machine: fc.constantFrom(true, false, null),
  contact: fc.constantFrom("ann@gmail.com", "bob@outlook.com", "cy@example.com"),
  campaign: fc.constantFrom("spring", "autumn, late", null),
  tags: fc.array(fc.constantFrom("a", "b", 'c"d', "ü"), { maxLength: 3 }),
  at: fc.integer({ min: 0, max: SPAN / 1000 - 1 }),
});
/** Mailjet tells no machines and no tags. */
const mailjet = fc.record({
  source: fc.constant("mailjet" as const),
  kind: fc.constantFrom(KINDS[1], KINDS[5], KINDS[7]),
  machine: fc.constant(null),
  contact: fc.constantFrom("ann@gmail.com", "bob@outlook.com", "cy@example.com"),
  campaign: fc.constantFrom("spring", "winter"),
  tags: fc.constant([]),
  at: fc.integer({ min: 0, max: SPAN / 1000 - 1 }),
});

/** Distinct times, so that it is plain which event is first. */
const histories = fc
  .uniqueArray(fc.oneof(generic, mailjet), { selector: ({ at }) => at, minLength: 5, maxLength: 60 })
  .map((events) =>
    events.map(({ kind, at, ...event }): Told => ({ ...event, ...kind, at: BASE + at * 1000 })),
  );

function requestOf(events: readonly Told[], source: Told["source"]): Request[] {
  const own = events.filter((event) => event.source === source);
  if (own.length === 0) return [];
  if (source === "mailjet") {
    const words: Record<string, string> = { delivered: "sent", opened: "open", clicked: "click" };
    const told = own.map(({ type, contact, campaign, at }) =>
      mailjetEvent({
        event: words[type],
        email: contact,
        customcampaign: campaign,
        time: at / 1000,
        url: "https://example.com",
      }),
    );
    return [mailjetPost(JSON.stringify(told))];
  }
  const told = own.map(({ type, bounce, machine, contact, campaign, tags, at }) => ({
    event: type,
    ...(bounce === "" ? {} : { bounce }),
    ...(machine === null ? {} : { machine }),
    email: contact,
    campaign,
    tags,
    timestamp: new Date(at).toISOString(),
    event_id: `${at}`,
  }));
  const url = "https://edge.example/webhooks/generic?token=generic-token";
  return [new Request(url, { method: "POST", body: JSON.stringify(told) })];
}

/** Sends the events in deliveries of `size`, each of them `times` times: as new envelopes, and the last batch redelivered. */
async function tell(events: readonly Told[], size = 100, times = 1): Promise<void> {
  for (let first = 0; first < events.length; first += size) {
    const part = events.slice(first, first + size);
    for (let i = 0; i < times; i++) {
      const messages = await messagesOf(...requestOf(part, "mailjet"), ...requestOf(part, "generic"));
      await deliver(messages);
      if (i > 0) await deliver(messages, envWith(), { attempts: 2 });
    }
  }
}

type Stats = Record<string, number | string | null>;
interface Answer {
  stats: Stats[];
  next: string | null;
  from: string;
  to: string;
}

const RANGE = `from=${new Date(BASE).toISOString()}&to=${new Date(BASE + SPAN).toISOString()}`;

async function ask(query: string): Promise<Answer> {
  const answer = await read(`/v1/stats?${query}`);
  if (answer.status !== 200) throw new Error(await answer.text());
  return await answer.json<Answer>();
}

/** The same by hand: start and group -> counts. */
function countByHand(events: readonly Told[], bucket: Bucket, group: (event: Told) => (string | null)[]) {
  const counts = new Map<string, Record<string, number>>();
  const taken = new Set<string>();
  for (const event of events.toSorted((a, b) => a.at - b.at)) {
    const { type, bounce, machine, contact, campaign, at } = event;
    const titles: string[] = [];
    if (campaign !== null && (type === "opened" || type === "clicked")) {
      const who = machine === true ? [`unique_${type}`] : [`unique_${type}`, `unique_${type}_human`];
      for (const title of who) {
        const key = JSON.stringify([title, contact, campaign]);
        if (!taken.has(key)) titles.push(title);
        taken.add(key);
      }
    }
    const about = machine === null || !/opened|clicked/.test(type) ? [] : [machine ? "machine" : "human"];
    const names = [
      "events",
      type,
      ...(bounce === "" ? [] : [bounce]),
      ...about.map((who) => `${type}_${who}`),
    ];
    for (const label of new Set(group(event))) {
      const start = bucket === "none" ? null : new Date(startOf(bucket, at)).toISOString();
      const key = JSON.stringify([start, label]);
      const cell = counts.get(key) ?? {};
      for (const name of [...names, ...titles]) cell[name] = (cell[name] ?? 0) + 1;
      counts.set(key, cell);
    }
  }
  return counts;
}

/** What an answer counts, without zeros, in the same form. */
function counted({ stats }: Answer) {
  const derived = new Set(["attempted", "reached"]);
  return new Map(
    stats.map(({ start, group, end: _, ...numbers }) => {
      const told = Object.entries(numbers).filter(
        ([name, n]) => typeof n === "number" && n !== 0 && !derived.has(name) && !/_rate$|_per_/.test(name),
      );
      return [JSON.stringify([start, group]), Object.fromEntries(told)];
    }),
  );
}

const withoutUniques = (counts: Map<string, Record<string, number>>) =>
  new Map(
    [...counts].map(([key, cell]) => [
      key,
      Object.fromEntries(Object.entries(cell).filter(([name]) => !name.startsWith("unique"))),
    ]),
  );

interface Recount {
  recount: string;
  status: string;
  position: number;
  last: number;
  differences: {
    counter: string;
    label: string;
    events: { is: number; should_be: number };
    uniques: { is: number; should_be: number } | null;
  }[];
  differing: number;
}

async function recount(body: Record<string, unknown> = {}): Promise<Recount> {
  const range = { from: new Date(BASE).toISOString(), to: new Date(BASE + SPAN).toISOString() };
  const answer = await read("/v1/stats/recount", {
    method: "POST",
    body: JSON.stringify("recount" in body ? body : { ...range, ...body }),
    headers: { "content-type": "application/json" },
  });
  if (answer.status !== 200) throw new Error(await answer.text());
  return await answer.json<Recount>();
}

const TABLES = ["rollups", "day_rollups", "campaign_rollups", "tag_rollups"];
const counters = async () => await Promise.all(TABLES.map((table) => rows(`SELECT * FROM ${table}`)));

describe("statistics", () => {
  it("are what counting by hand gives, however the events came", async () => {
    const ways = fc.record({ size: fc.constantFrom(1, 7, 100), times: fc.constantFrom(1, 2) });
    await fc.assert(
      fc.asyncProperty(histories, ways, async (events, { size, times }) => {
        await freshStorage();
        await tell(events, size, times);
        for (const bucket of ["none", "day", "week", "month"] as const) {
          const campaigns = counted(await ask(`${RANGE}&bucket=${bucket}&by=campaign&limit=1000`));
          expect(campaigns).toEqual(countByHand(events, bucket, ({ campaign }) => [campaign]));
          const tags = counted(await ask(`${RANGE}&bucket=${bucket}&by=tag&limit=1000`));
          expect(tags).toEqual(withoutUniques(countByHand(events, bucket, ({ tags: own }) => [...own])));
        }
        const destinations: Record<string, string> = { "gmail.com": "gmail", "outlook.com": "microsoft" };
        const ofDestination = ({ contact }: Told) => [destinations[contact.split("@")[1] ?? ""] ?? "other"];
        for (const bucket of ["none", "5m", "hour", "day", "week", "month"] as const) {
          // A week by five minutes is the most that may be asked.
          const range = bucket === "5m" ? `from=2026-09-27&to=2026-10-04` : RANGE;
          const some = bucket === "5m" ? events.filter(({ at }) => at < Date.UTC(2026, 9, 4)) : events;
          for (const [by, group] of [
            ["none", () => [null]],
            ["source", ({ source }) => [source]],
            ["type", ({ type }) => [type]],
            ["destination", ofDestination],
          ] as [string, (event: Told) => (string | null)[]][]) {
            const told = counted(await ask(`${range}&bucket=${bucket}&by=${by}&limit=1000`));
            expect(told).toEqual(withoutUniques(countByHand(some, bucket, group)));
          }
        }
        const clean = await recount();
        expect(clean).toMatchObject({ status: "done", differing: 0, differences: [] });
      }),
      { numRuns: 15 },
    );
  }, 240_000);

  it("are cut where they are asked to be, to five minutes, out of all counters together", async () => {
    await freshStorage();
    const events = Array.from({ length: 400 }, (_, i): Told => ({
      source: "generic",
      type: "delivered",
      bounce: "",
      machine: null,
      contact: `c${i % 5}@gmail.com`,
      campaign: null,
      tags: [],
      at: BASE + Math.floor((i * SPAN) / 400 / 1000) * 1000,
    }));
    await tell(events, 200);
    const times = fc.integer({ min: 0, max: SPAN / 1000 });
    await fc.assert(
      fc.asyncProperty(times, times, async (a, b) => {
        fc.pre(a !== b);
        const [from, to] = [BASE + Math.min(a, b) * 1000, BASE + Math.max(a, b) * 1000];
        const answer = await ask(`from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`);
        const [start, end] = [Date.parse(answer.from), Date.parse(answer.to)];
        expect([start <= from, from - start < 300_000, end >= to, end - to < 300_000]).toEqual(
          Array<boolean>(4).fill(true),
        );
        const n = events.filter(({ at }) => at >= start && at < end).length;
        expect(answer.stats[0]?.["events"] ?? 0).toBe(n);
      }),
      { numRuns: 40 },
    );
  });

  it("filter by what the counters know, and refuse what they cannot tell exactly", async () => {
    await freshStorage();
    const one = { source: "generic", bounce: "", machine: null, tags: ["a"], campaign: "spring" } as const;
    await tell([
      { ...one, type: "delivered", contact: "ann@gmail.com", at: BASE },
      { ...one, type: "opened", contact: "ann@gmail.com", at: BASE + 1000 },
      { ...one, type: "opened", contact: "ann@gmail.com", at: BASE + 2000, machine: true },
      { ...one, type: "opened", contact: "bob@outlook.com", at: BASE + 3000, source: "mailjet", tags: [] },
    ]);
    const total = async (query: string) => (await ask(`${RANGE}&${query}`)).stats[0];
    expect(await total("source=generic")).toMatchObject({ events: 3, unique_opened: null, open_rate: null });
    expect(await total("destination=microsoft&type=opened")).toMatchObject({ events: 1, bounce_rate: null });
    expect(await total("tag=a")).toMatchObject({ events: 3, opened: 2, opened_machine: 1, reached: 1 });
    expect(await total("campaign=spring")).toMatchObject({ events: 4, opened: 3, unique_opened: 2 });
    expect(await total("campaign=spring&source=mailjet")).toMatchObject({ opened: 1, unique_opened: null });
    for (const [query, parameter] of [
      ["by=campaign&bucket=hour", "bucket"],
      ["campaign=x&destination=gmail", "destination"],
      ["by=destination&tag=a", "by"],
      ["by=campaign&tag=a", "tag"],
      ["by=tag&campaign=a", "campaign"],
      ["bucket=5m&from=2026-01-01", "from"],
      ["from=2026-10-02&to=2026-10-01", "from"],
      ["bucket=minute", "bucket"],
      ["by=contact", "by"],
      ["after=nothing", "after"],
      [`after=${btoa('[1,2,3,"x"]')}`, "after"],
      ["who=ann", "who"],
    ]) {
      const answer = await read(`/v1/stats?${query}`);
      expect(answer.status, query).toBe(400);
      const { errors } = await answer.json<{ errors: { parameter: string }[] }>();
      expect(
        errors.map((error) => error.parameter),
        query,
      ).toContain(parameter);
    }
  });

  it("come in pages, as CSV and NDJSON, with the same groups", async () => {
    await freshStorage();
    const events = Array.from({ length: 60 }, (_, i): Told => ({
      source: "generic",
      type: "opened",
      bounce: "",
      machine: null,
      tags: [],
      contact: "ann@gmail.com",
      campaign: `c${i % 20}`,
      at: BASE + i * 3_600_000,
    }));
    await tell(events);
    const whole = await ask(`${RANGE}&bucket=day&by=campaign&limit=1000`);
    expect(whole.stats).toHaveLength(52);
    const paged: Stats[] = [];
    for (let next: string | null = ""; next !== null;) {
      const part: Answer = await ask(
        `${RANGE}&bucket=day&by=campaign&limit=7${next === "" ? "" : `&after=${next}`}`,
      );
      paged.push(...part.stats);
      next = part.next;
    }
    expect(paged).toEqual(whole.stats);
    const get = async (accept: string) =>
      await (await read(`/v1/stats?${RANGE}&bucket=day&by=campaign`, { headers: { accept } })).text();
    const lines = (await get("application/x-ndjson")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(whole.stats);
    const [head, ...table] = (await get("text/csv")).trim().split("\r\n");
    expect(head).toMatch(/^start,end,group,events,queued,sent,/);
    expect(table).toHaveLength(52);
  });

  it("know rates, also of sources that report no deliveries", async () => {
    await freshStorage();
    const one = { source: "generic", bounce: "", machine: null, campaign: "spring", tags: [] } as const;
    const many = (n: number, type: string, more: Partial<Told> = {}): Told[] =>
      Array.from({ length: n }, (_, i) => ({
        ...one,
        type,
        contact: `p${i}@gmail.com`,
        at: BASE + (type.length * 1000 + i) * 1000,
        ...more,
      }));
    // generic: 10 sent, of which 2 bounced, hard, and 1 is blocked; mailjet: 4 delivered, 1 of them opened it twice.
    const twice = { source: "mailjet", contact: "m@gmail.com" } as const;
    await tell([
      ...many(10, "sent"),
      ...many(2, "bounced", { bounce: "hard" }),
      ...many(1, "blocked"),
      ...many(3, "opened"),
      ...many(4, "delivered", { source: "mailjet" }),
      ...many(1, "opened", { ...twice, at: BASE }),
      ...many(1, "opened", { ...twice, at: BASE + 60_000 }),
    ]);
    const [told] = (await ask(`${RANGE}&campaign=spring`)).stats;
    expect(told).toMatchObject({
      attempted: 14,
      reached: 11,
      delivery_rate: 11 / 14,
      unique_opened: 4,
      open_rate: 4 / 11,
      opens_per_delivered: 5 / 11,
      click_rate: 0,
      click_to_open_rate: 0,
      bounce_rate: 2 / 14,
      hard_bounce_rate: 2 / 14,
      block_rate: 1 / 14,
      complaint_rate: 0,
    });
    const silent = (await ask(`${RANGE}&by=type`)).stats;
    expect(silent.every((group) => group["delivery_rate"] === null)).toBe(true);
  });

  it("read stretches of their keys, never whole tables", async () => {
    const asked: { sql: string; values: unknown[] }[] = [];
    const session = {
      prepare: (sql: string) => ({
        bind: (...values: unknown[]) => (asked.push({ sql, values }), env.DB.prepare(sql).bind(...values)),
      }),
      getBookmark: () => null,
    };
    const bindings = envWith({ DB: { withSession: () => session } });
    const queries = [
      "",
      "bucket=hour&by=destination",
      "by=campaign",
      "campaign=x&bucket=week",
      "by=tag",
      "tag=x",
    ];
    const paths = [...queries.map((query) => `?${query}`), "/compare?a=x&b=y&metric=open"];
    const headers = { authorization: "Bearer api-token" };
    for (const path of paths)
      await send(new Request(`https://edge.example/v1/stats${path}`, { headers }), bindings);
    const used = asked.filter(({ sql }) => sql.includes("rollups"));
    expect(used.length).toBeGreaterThanOrEqual(8);
    for (const { sql, values } of used) {
      const plan = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...values);
      const details = (await plan.all<{ detail: string }>()).results.map(({ detail }) => detail).join("\n");
      expect(details).not.toMatch(/SCAN \w*rollups/);
      const key = /campaign = /.test(sql)
        ? "campaign_rollups_campaign"
        : /tag = /.test(sql)
          ? "tag_rollups_tag"
          : "PRIMARY KEY";
      expect(details, sql).toContain(key);
    }
  });
});

describe("unique opens and clicks", () => {
  it("go to the earliest event, in whatever order events come", async () => {
    const one = {
      source: "generic",
      bounce: "",
      contact: "ann@gmail.com",
      campaign: "spring",
      tags: [],
    } as const;
    const events: Told[] = [0, 1, 2, 3].map((day) => ({
      ...one,
      type: "opened",
      machine: day % 2 === 0,
      at: BASE + day * DAY + 1000,
    }));
    const orders = [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
      [2, 0, 3, 1],
    ];
    for (const order of orders) {
      await freshStorage();
      await tell(
        order.map((i) => events[i]).filter((event) => event !== undefined),
        1,
      );
      const { stats } = await ask(`${RANGE}&bucket=day&campaign=spring`);
      expect(stats.map((day) => [day["unique_opened"], day["unique_opened_human"]])).toEqual([
        [1, 0],
        [0, 1],
        [0, 0],
        [0, 0],
      ]);
    }
  });

  it("read no more of a contact's rows than since the campaign began", async () => {
    await freshStorage();
    const one = { source: "generic", bounce: "", machine: null, contact: "ann@gmail.com", tags: [] } as const;
    const old = Array.from({ length: 500 }, (_, i): Told => ({
      ...one,
      type: "opened",
      campaign: "old",
      at: BASE + i * 1000,
    }));
    await tell(old);
    let reads = 0;
    const counting = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        const results = await env.DB.batch(statements);
        reads += results.reduce((sum, { meta }) => sum + meta.rows_read, 0);
        return results;
      },
    };
    const fresh: Told = { ...one, type: "opened", campaign: "new", at: BASE + 3 * DAY };
    await deliver(await messagesOf(...requestOf([fresh], "generic")), envWith({ DB: counting }));
    expect(reads).toBeLessThan(60);
    reads = 0;
    const again: Told = { ...one, type: "opened", campaign: "old", at: BASE + 4 * DAY };
    await deliver(await messagesOf(...requestOf([again], "generic")), envWith({ DB: counting }));
    expect(reads).toBeGreaterThan(500);
  });
});

describe("what counting costs", () => {
  it("writes a row for each new cell of a tag, with its index, and one for each after that", async () => {
    await freshStorage();
    let written = 0;
    const counting = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        const results = await env.DB.batch(statements);
        written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
        return results;
      },
    };
    const slice = (second: number, tags: string[]): Told[] =>
      Array.from({ length: 300 }, (_, i) => ({
        source: "generic",
        type: "opened",
        bounce: "",
        machine: null,
        contact: `c${i}@gmail.com`,
        campaign: "spring",
        tags,
        at: BASE + second * 1000 + i,
      }));
    // 300 events x 2, source, archive object, AUTOINCREMENT; a cell by time, day and campaign.
    const plain = 300 * 2 + 1 + 1 + 1 + 3;
    for (const [second, tags, cost] of [
      [0, [], plain + 1], // the campaign's index entry
      [1, [], plain],
      [2, ["a", "b"], plain + 4],
      [3, ["a", "b"], plain + 2],
    ] as [number, string[], number][]) {
      written = 0;
      await deliver(
        await messagesOf(...requestOf(slice(second, tags), "generic")),
        envWith({ DB: counting }),
      );
      expect(written).toBe(cost);
    }
  });
});

describe("a recount", () => {
  const events = (n: number): Told[] =>
    Array.from({ length: n }, (_, i) => ({
      source: i % 3 === 0 ? "mailjet" : "generic",
      type: ["delivered", "opened", "clicked"][i % 3] ?? "",
      bounce: "",
      machine: i % 3 === 1 ? i % 2 === 0 : null,
      contact: `c${i % 17}@${["gmail.com", "example.com"][i % 2]}`,
      campaign: ["spring", "autumn"][i % 2] ?? null,
      tags: i % 3 !== 0 && i % 5 === 0 ? ["a", "b"] : [],
      at: BASE + i * 60_000,
    }));

  beforeEach(async () => await freshStorage());

  it("finds counters that are wrong, missing or too many, and puts them right", async () => {
    await tell(events(300));
    const right = await counters();
    const damages = [
      "UPDATE rollups SET n = n + 1 WHERE type = 'opened'",
      "DELETE FROM rollups WHERE source = 'mailjet'",
      "UPDATE day_rollups SET n = 0",
      "DELETE FROM campaign_rollups WHERE campaign = 'spring'",
      "UPDATE campaign_rollups SET uniques = uniques - 1, unique_humans = unique_humans + 1 WHERE type = 'clicked'",
      "UPDATE tag_rollups SET tag = 'c' WHERE tag = 'a'",
    ];
    for (const sql of damages) {
      await env.DB.prepare(sql).run();
      const found = await recount();
      expect(found.differing, sql).toBeGreaterThan(0);
      expect(await counters(), "without apply nothing changes").not.toEqual(right);
      expect((await recount({ recount: found.recount, apply: true })).differing).toBe(found.differing);
      expect(await counters(), sql).toEqual(right);
      expect((await recount()).differing).toBe(0);
    }
  });

  it("names the counter with what it is and what it should be", async () => {
    await tell(events(3));
    await env.DB.prepare("UPDATE campaign_rollups SET n = 7, uniques = 5 WHERE type = 'opened'").run();
    expect((await recount()).differences).toEqual([
      expect.objectContaining({
        counter: "campaign_rollups",
        label: "autumn",
        type: "opened",
        events: { is: 7, should_be: 1 },
        uniques: { is: 5, should_be: 1 },
      }),
    ]);
  });

  it("goes on where it stopped, while events come in, and applies to all of them", async () => {
    const all = events(200);
    await tell(all.slice(0, 120));
    // The feed looks long: a request's steps do not reach its end.
    await env.DB.prepare("UPDATE events SET seq = seq + 150000 WHERE seq > 60").run();
    await env.DB.prepare("UPDATE sqlite_sequence SET seq = 200000 WHERE name = 'events'")
      .run()
      .catch(() => null);
    await env.DB.prepare("UPDATE rollups SET n = n + 3").run();
    const begun = await recount({ apply: true });
    expect(begun).toMatchObject({ status: "running", position: 100_000 });
    await tell(all.slice(120));
    let last = begun;
    for (let turn = 0; turn < 5 && last.status === "running"; turn++)
      last = await recount({ recount: begun.recount, apply: true });
    expect(last.status).toBe("done");
    expect(last.differing).toBeGreaterThan(0);
    expect((await recount()).differing).toBe(0);
    const { stats } = await ask(RANGE);
    expect(stats[0]?.["events"]).toBe(200);
  });

  it("takes removed rows that were noted as counted, and is ended by removals and by another one", async () => {
    await tell(events(90));
    const before = await ask(`${RANGE}&by=campaign`);
    const begun = await recount();
    const where = "contact = ?1";
    const statements = [...goneFrom(where), `DELETE FROM events WHERE ${where}`];
    await env.DB.batch(statements.map((sql) => env.DB.prepare(sql).bind("c1@example.com")));
    await expect(recount({ recount: begun.recount })).rejects.toThrow("409");
    expect(await ask(`${RANGE}&by=campaign`)).toEqual(before);
    const after = await recount();
    expect(after.differing).toBe(0);
    await recount();
    await expect(recount({ recount: after.recount })).rejects.toThrow("409");
    // Without the note it is a difference.
    await env.DB.prepare("DELETE FROM events WHERE contact = ?1").bind("c2@gmail.com").run();
    expect((await recount()).differing).toBeGreaterThan(0);
  });

  it("takes an admin, and says what is wrong with a request", async () => {
    const post = async (body: unknown, token = "api-token") =>
      await read("/v1/stats/recount", {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      });
    expect((await post({ from: "2026-01-01", to: "2026-03-01" })).status).toBe(400);
    expect((await post({ from: "2026-01-02", to: "2026-01-01" })).status).toBe(400);
    expect((await post({ from: "2026-01-01" })).status).toBe(400);
    expect((await post({ recount: "x" })).status).toBe(400);
    expect((await post({ recount: "0".repeat(26) })).status).toBe(409);
    expect((await post({ from: "2026-01-01", to: "2026-01-02" }, "wrong")).status).toBe(401);
  });
});

describe("comparing", () => {
  it("says whether two campaigns differ", async () => {
    await freshStorage();
    const sent = (campaign: string, opened: number): Told[] =>
      Array.from({ length: 80 }, (_, i): Told[] => {
        const one = { source: "generic", bounce: "", machine: null, tags: [], campaign } as const;
        const contact = `${campaign}${i}@gmail.com`;
        const delivered: Told = { ...one, type: "delivered", contact, at: BASE + i * 1000 };
        const open: Told = { ...one, type: "opened", contact, at: BASE + DAY + i * 1000 };
        return i < opened ? [delivered, open, { ...open, at: open.at + 500_000 }] : [delivered];
      }).flat();
    for (const [campaign, opened] of [
      ["a", 60],
      ["b", 30],
      ["c", 33],
    ] as const)
      await tell(sent(campaign, opened), 300);
    const compare = async (a: string, b: string, more = "") =>
      await read(`/v1/stats/compare?a=${a}&b=${b}&metric=open${more}`);
    const told = await (await compare("a", "b")).json<Record<string, unknown>>();
    expect(told).toMatchObject({
      a: { campaign: "a", hits: 60, of: 80, rate: 0.75 },
      b: { hits: 30, of: 80 },
      difference: { value: 0.375 },
      verdict: "a is higher",
    });
    expect(await (await compare("b", "a")).json()).toMatchObject({ verdict: "b is higher" });
    expect(await (await compare("b", "c")).json()).toMatchObject({ verdict: "no difference can be told" });
    expect(await (await compare("b", "c", "&from=2026-09-27&to=2026-09-28")).json()).toMatchObject({
      a: { hits: 0 },
    });
    expect((await compare("a", "nobody")).status).toBe(404);
    expect((await compare("a", "a")).status).toBe(400);
    const none = await read("/v1/stats/compare?a=a&b=b&metric=click_to_open&human=true");
    expect(await none.json()).toMatchObject({ a: { hits: 0, of: 60, rate: 0 } });
  });

  it("has Wilson's interval: in 0 to 1, around the rate, symmetric, narrower with more", () => {
    const sample = fc
      .integer({ min: 1, max: 1e6 })
      .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
    fc.assert(
      fc.property(sample, ([hits, n]) => {
        const one = wilson(hits, n);
        const mirrored = wilson(n - hits, n);
        const more = wilson(hits * 4, n * 4);
        if (one === null || mirrored === null || more === null) throw new Error("no interval");
        expect(one.low).toBeGreaterThanOrEqual(0);
        expect(one.high).toBeLessThanOrEqual(1);
        expect(one.low).toBeLessThanOrEqual(one.rate);
        expect(one.high).toBeGreaterThanOrEqual(one.rate);
        expect(one.low).toBeCloseTo(1 - mirrored.high, 10);
        expect(more.high - more.low).toBeLessThan(one.high - one.low);
        expect(newcombe(one, one).low).toBeLessThanOrEqual(0);
        expect(comparisonOf(newcombe(one, one))).toBe("no difference can be told");
      }),
    );
    expect([wilson(0, 0), wilson(3, 2)]).toEqual([null, null]);
  });

  // Newcombe 1998: "Two-sided confidence intervals for the single proportion", table I, method 3; and "Interval estimation
  // for the difference", table II, method 10.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("gives the published interval of %i in %i", (hits, n, low, high) => {
    const found = wilson(hits, n);
    expect(found?.low).toBeCloseTo(low, 4);
    expect(found?.high).toBeCloseTo(high, 4);
  });

  it.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [10, 10, 0, 10, 0.6075, 1],
  ])("gives the published interval of %i/%i - %i/%i", (a, n, b, m, low, high) => {
    const [one, other] = [wilson(a, n), wilson(b, m)];
    if (one === null || other === null) throw new Error("no interval");
    const found = newcombe(one, other);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });
});

describe("buckets", () => {
  it("lie end to end and hold what lies in them; pieces cover a range once", () => {
    const instants = fc.integer({ min: 0, max: 4e12 });
    const buckets = fc.constantFrom<Bucket>("5m", "hour", "day", "week", "month", "none");
    fc.assert(
      fc.property(instants, instants, buckets, (a, b, bucket) => {
        const start = startOf(bucket, a);
        const end = endOf(bucket, start);
        expect(start <= a && a < end).toBe(true);
        expect(startOf(bucket, end)).toBe(end);
        expect(startOf(bucket, end - 1)).toBe(start);
        if (bucket === "week") expect(new Date(start).getUTCDay()).toBe(1);
        fc.pre(a < b);
        const range = alignToBuckets({ from: a, to: b }, bucket, false);
        expect(alignToBuckets(range, bucket, false)).toEqual(range);
        expect(range.from <= a && range.to >= b).toBe(true);
        let at = range.from;
        for (const piece of rangesByTable(range, bucket)) {
          expect(piece.from).toBe(at);
          expect(piece.to).toBeGreaterThan(at);
          if (piece.by === "day") expect(piece.from % DAY === 0 && piece.to % DAY === 0).toBe(true);
          at = piece.to;
        }
        expect(at).toBe(range.to);
      }),
    );
  });
});
