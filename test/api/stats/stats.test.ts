// Statistics: the counters against an independent count of the events that were sent, whatever their deliveries.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { startOf, type Bucket } from "../../../src/model/stats/counts.ts";
import { askApi, envWith, freshStorage, read } from "../../support/support.ts";
import {
  BASE,
  RANGE,
  SPAN,
  ask,
  counted,
  generic,
  mailjet,
  recount,
  tell,
  type Answer,
  type Stats,
  type Told,
} from "./told.ts";

/** Distinct times, so that it is plain which event is first. */
const histories = fc
  .uniqueArray(fc.oneof(generic, mailjet), { selector: ({ at }) => at, minLength: 5, maxLength: 60 })
  .map((events) =>
    events.map(({ kind, at, ...event }): Told => ({ ...event, ...kind, at: BASE + at * 1000 })),
  );

/** The same counts, computed independently: start and group -> counts. */
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
    const about = /opened|clicked/.test(type) ? [machine === true ? "machine" : "human"] : [];
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

const withoutUniques = (counts: Map<string, Record<string, number>>) =>
  new Map(
    [...counts].map(([key, cell]) => [
      key,
      Object.fromEntries(Object.entries(cell).filter(([name]) => !name.startsWith("unique"))),
    ]),
  );

describe("statistics", () => {
  it("equal an independent count of the events, whatever their batches and repeats", async () => {
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
            const counts = counted(await ask(`${range}&bucket=${bucket}&by=${by}&limit=1000`));
            expect(counts).toEqual(withoutUniques(countByHand(some, bucket, group)));
          }
        }
        const clean = await recount();
        expect(clean).toMatchObject({ status: "done", differing: 0, differences: [] });
      }),
      { numRuns: 15 },
    );
  }, 240_000);

  it("cover the requested range, widened to five-minute boundaries, from all tables of counters together", async () => {
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

  it("can be filtered by what is counted, and answer 400 to questions that the counters cannot answer exactly", async () => {
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

  it("have the same groups in pages, as NDJSON and as CSV", async () => {
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

  it("include rates, also for sources that report no deliveries", async () => {
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

  it("read ranges of an index, never whole tables", async () => {
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
      "campaign=x&campaign=y&type=opened,clicked",
      "tag=x&tag=y",
    ];
    const paths = [...queries.map((query) => `?${query}`), "/compare?a=x&b=y&metric=open"];
    for (const path of paths) await askApi("GET", `/v1/stats${path}`, undefined, bindings);
    const used = asked.filter(({ sql }) => sql.includes("rollups"));
    expect(used.length).toBeGreaterThanOrEqual(8);
    for (const { sql, values } of used) {
      const plan = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...values);
      const details = (await plan.all<{ detail: string }>()).results.map(({ detail }) => detail).join("\n");
      expect(details).not.toMatch(/SCAN \w*rollups/);
      const key = /campaign IN /.test(sql)
        ? "campaign_rollups_campaign"
        : /tag IN /.test(sql)
          ? "tag_rollups_tag"
          : "PRIMARY KEY";
      expect(details, sql).toContain(key);
    }
  });
});
