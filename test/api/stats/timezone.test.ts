// Figures by the hours, days, weeks and months of a time zone.

import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { askApi, envWith, freshStorage, read } from "../../support/support.ts";
import { ask, tell, type Told } from "./told.ts";

/** Every 50 minutes from 20 to 30 October 2026; Berlin's clock goes back on the 25th. */
const FROM = Date.UTC(2026, 9, 20);
const TIMES = Array.from({ length: 288 }, (_, i) => FROM + i * 50 * 60_000);

const countByHand = (
  timezone: string,
  options: Intl.DateTimeFormatOptions,
  from: number,
  to: number,
): number[] => {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: timezone,
    timeZoneName: "longOffset",
    ...options,
  });
  const within = TIMES.filter((at) => at >= from && at < to);
  return [...Map.groupBy(within, (at) => format.format(at)).values()].map((group) => group.length);
};

describe("figures of a time zone", () => {
  beforeAll(async () => {
    await freshStorage();
    const events = TIMES.map((at, i): Told => ({
      source: i % 2 === 0 ? "generic" : "mailjet",
      type: i % 3 === 0 ? "opened" : "delivered",
      bounce: "",
      machine: null,
      contact: `p${i}@gmail.com`,
      campaign: null,
      tags: [],
      at,
    }));
    await tell(events, 300);
  });

  const counts = async (query: string): Promise<number[]> =>
    (await ask(`${query}&limit=1000`)).stats.map(({ events }) => Number(events));

  it("are counted by its days, also the one of 25 hours", async () => {
    const day = await ask("from=2026-10-25&to=2026-10-26&bucket=day&timezone=Europe/Berlin");
    expect(day).toMatchObject({
      timezone: "Europe/Berlin",
      from: "2026-10-24T22:00:00.000Z",
      to: "2026-10-25T23:00:00.000Z",
    });
    expect(day.stats).toMatchObject([
      { start: "2026-10-24T22:00:00.000Z", end: "2026-10-25T23:00:00.000Z", events: 30 },
    ]);
  });

  it("equal the same counts by hand, in every bucket and in zones of all kinds", async () => {
    for (const zone of [
      "Europe/Berlin",
      "Asia/Kathmandu",
      "Australia/Lord_Howe",
      "America/St_Johns",
      "Pacific/Kiritimati",
    ]) {
      const { from, to } = await ask(`from=2026-10-21&to=2026-10-29&bucket=day&timezone=${zone}`);
      const range = [Date.parse(from), Date.parse(to)] as const;
      const days = { year: "numeric", month: "2-digit", day: "2-digit", timeZoneName: undefined } as const;
      expect(await counts(`from=2026-10-21&to=2026-10-29&bucket=day&timezone=${zone}`), zone).toEqual(
        countByHand(zone, days, ...range),
      );
      expect(await counts(`from=2026-10-21&to=2026-10-29&bucket=hour&timezone=${zone}`), zone).toEqual(
        countByHand(zone, { ...days, hour: "2-digit", timeZoneName: "longOffset" }, ...range),
      );
      const months = await counts(`from=2026-10-01&to=2026-11-01&bucket=month&timezone=${zone}`);
      expect(
        months.reduce((sum, n) => sum + n, 0),
        zone,
      ).toBe(TIMES.length);
      const weeks = await ask(`from=2026-10-19&to=2026-11-02&bucket=week&timezone=${zone}`);
      expect(
        weeks.stats.reduce((sum, { events }) => sum + Number(events), 0),
        zone,
      ).toBe(TIMES.length);
      const weekday = new Intl.DateTimeFormat("en-US", { timeZone: zone, weekday: "long" });
      for (const { start } of weeks.stats) expect(weekday.format(Date.parse(String(start)))).toBe("Monday");
    }
  });

  it("can be filtered, grouped and read in pages", async () => {
    const query = "from=2026-10-21&to=2026-10-29&bucket=day&timezone=Europe/Berlin&by=source&type=opened";
    const whole = await ask(`${query}&limit=1000`);
    const paged = [];
    for (let after = ""; ;) {
      const page = await ask(`${query}&limit=3${after}`);
      paged.push(...page.stats);
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(paged).toEqual(whole.stats);
    expect(whole.stats).toHaveLength(16);
  });

  it("are refused where only days of UTC are counted, and over too long a range", async () => {
    for (const [query, parameter, words] of [
      ["timezone=Berlin", "timezone", "Europe/Berlin"],
      ["by=campaign&timezone=Europe/Berlin", "timezone", "UTC day"],
      ["tag=x&timezone=Asia/Tokyo", "timezone", "UTC day"],
      ["bucket=day&timezone=Europe/Berlin&from=2026-01-01&to=2026-10-01", "from", "at most 93 days"],
      ["bucket=hour&timezone=Europe/Berlin&from=0001-01-01&to=9999-01-01", "from", "at most 31 days"],
      ["bucket=day&from=2026-10-25T00:00:00%2B02:00&to=2026-10-26T00:00:00%2B01:00", "from", "timezone="],
      ["bucket=week&to=2026-10-26T00:00:00-05:00", "to", "timezone="],
      ["bucket=hour&from=2026-10-25T00:00:00%2B05:30&to=2026-10-26", "from", "timezone="],
      ["campaign=x&from=2026-10-25T00:00:00%2B02:00", "from", "UTC day"],
    ] as const) {
      const answer = await read(`/v1/stats?${query}`);
      expect(answer.status, query).toBe(400);
      const { errors } = await answer.json<{ errors: { parameter: string; reason: string }[] }>();
      expect(
        errors.some((error) => error.parameter === parameter && error.reason.includes(words)),
        `${query}: ${JSON.stringify(errors)}`,
      ).toBe(true);
    }
    for (const query of [
      "by=campaign&timezone=UTC",
      "bucket=day&timezone=Europe/Berlin&from=2026-10-25T00:00:00%2B02:00&to=2026-10-26T00:00:00%2B01:00",
      "bucket=month&timezone=Europe/Berlin&from=2024-01-01&to=2026-10-01",
      "from=2026-10-25T00:00:00%2B02:00&to=2026-10-26T00:00:00%2B01:00",
      "bucket=hour&from=2026-10-25T00:00:00%2B02:00&to=2026-10-26T00:00:00%2B01:00",
    ])
      expect((await read(`/v1/stats?${query}`)).status, query).toBe(200);
  });

  it("read ranges of the counters' keys", async () => {
    const asked: { sql: string; values: unknown[] }[] = [];
    const session = {
      prepare: (sql: string) => ({
        bind: (...values: unknown[]) => (asked.push({ sql, values }), env.DB.prepare(sql).bind(...values)),
      }),
      getBookmark: () => null,
    };
    const bindings = envWith({ DB: { withSession: () => session } });
    for (const bucket of ["hour", "day", "week", "month"])
      await askApi(
        "GET",
        `/v1/stats?bucket=${bucket}&timezone=Europe/Berlin&from=2026-10-01&to=2026-10-30`,
        undefined,
        bindings,
      );
    const used = asked.filter(({ sql }) => sql.includes("rollups"));
    expect(used).toHaveLength(4);
    for (const { sql, values } of used) {
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...values)
        .all<{ detail: string }>();
      const details = plan.results.map(({ detail }) => detail).join("\n");
      expect(details).toMatch(/SEARCH r USING PRIMARY KEY \((bucket|day)>\? AND (bucket|day)<\?\)/);
      expect(details).not.toMatch(/SCAN r\b/);
    }
  });
});
