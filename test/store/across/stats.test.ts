// Statistics of several databases: whatever is asked, the answer is that of one database with the same reports.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { alignToBuckets, type Bucket, type Grouping } from "../../../src/model/stats/counts.ts";
import { isLocal, localEdges, zoneNamed } from "../../../src/model/stats/zone.ts";
import { readCampaignAcross, readStatsAcross } from "../../../src/store/across/stats.ts";
import type { StatsQuery } from "../../../src/store/stats/counted.ts";
import { readStats } from "../../../src/store/stats/stats.ts";
import type { Shards } from "../../../src/store/shards.ts";
import { BASE, DAY, generic, mailjet, SPAN, type Told } from "../../api/stats/told.ts";
import {
  allPages,
  countSome,
  divisions,
  freshDatabases,
  parts,
  shardsBy,
  tellBoth,
  undivided,
} from "../../support/divided.ts";

beforeEach(freshDatabases);

const PEOPLE = ["ann@gmail.com", "bob@outlook.com", "cy@example.com", "di@gmail.com", "ed@example.net"];

/** Reports of up to five contacts. */
const histories = fc
  .uniqueArray(fc.tuple(fc.oneof(generic, mailjet), fc.nat(PEOPLE.length - 1)), {
    selector: ([{ at }]) => at,
    minLength: 5,
    maxLength: 40,
  })
  .map((events) =>
    events.map(([{ kind, at, ...event }, person]): Told => ({
      ...event,
      type: kind.type,
      bounce: kind.bounce,
      contact: PEOPLE[person] ?? "",
      machine: /opened|clicked/.test(kind.type) ? event.machine : null,
      at: BASE + at * 1_000,
    })),
  );

const some = <T>(...values: T[]): fc.Arbitrary<T[] | undefined> =>
  fc.option(fc.subarray(values, { minLength: 1 }), { nil: undefined, freq: 1 });

/** Questions about time, destinations, sources and types. */
const byTime = fc
  .record({
    bucket: fc.constantFrom<Bucket>("5m", "hour", "day", "week", "month", "none"),
    by: fc.constantFrom<Grouping>("none", "source", "type", "destination"),
    zone: fc.constantFrom(null, "Europe/Berlin", "Asia/Kathmandu"),
    source: some("generic", "mailjet"),
    type: some("delivered", "opened", "bounced"),
    destination: some("gmail", "microsoft", "other"),
    from: fc.integer({ min: 0, max: 4 * DAY }),
    length: fc.integer({ min: 1, max: 5 * DAY }),
    limit: fc.constantFrom(1, 3, 1_000),
  })
  .map(({ zone, from, length, ...asked }): StatsQuery => {
    const wanted = { from: BASE + from, to: BASE + from + length };
    const edges =
      zone !== null && isLocal(asked.bucket) ? localEdges(zoned(zone), asked.bucket, wanted) : undefined;
    const range =
      edges === undefined
        ? alignToBuckets(wanted, asked.bucket, false)
        : { from: edges[0] ?? 0, to: edges.at(-1) ?? 0 };
    return { ...asked, ...range, edges };
  });

function zoned(name: string) {
  const zone = zoneNamed(name);
  if (zone === null) throw new Error(`there is no zone ${name}`);
  return zone;
}

/** Questions about campaigns or tags, which are counted by day. */
const byLabel = fc
  .record({
    bucket: fc.constantFrom<Bucket>("day", "week", "month", "none"),
    by: fc.constantFrom<Grouping>("campaign", "tag"),
    named: fc.boolean(),
    source: some("generic", "mailjet"),
    limit: fc.constantFrom(1, 3, 1_000),
  })
  .map(({ by, named, ...asked }): StatsQuery => {
    const range = { from: BASE, to: BASE + SPAN };
    const only = by === "tag" ? { tag: ["a", "ü"] } : { campaign: ["spring", "autumn, late"] };
    return { ...asked, ...range, by, ...(named ? only : {}) };
  });

const listed = async (shards: Shards, query: StatsQuery) =>
  await allPages(async (after: StatsQuery["after"]) => {
    const { groups, next } = await readStatsAcross(shards, { ...query, after });
    expect(groups.length).toBeLessThanOrEqual(query.limit);
    return { items: groups, next };
  });

describe("statistics of three databases", () => {
  it("equal those of one, for any division, question and page size, whatever is not counted yet", async () => {
    const questions = fc.array(fc.oneof(byTime, byLabel), { minLength: 16, maxLength: 16 });
    const counted = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(histories, divisions, questions, counted, async (events, division, asked, which) => {
        await freshDatabases();
        const half = Math.ceil(events.length / 2);
        await tellBoth(events.slice(0, half), division);
        await countSome(which);
        await tellBoth(events.slice(half), division);
        const several = shardsBy(division);
        for (const query of asked)
          expect(await listed(several, query)).toEqual(await listed(undivided(), query));
        for (const campaign of ["spring", "autumn, late", "none of these"]) {
          const range = { from: BASE, to: BASE + SPAN };
          const one = await readCampaignAcross(undivided(), campaign, range);
          expect(await readCampaignAcross(several, campaign, range)).toEqual(one);
        }
      }),
      { numRuns: 4 },
    );
  });

  it("decide over all databases whether a source reports deliveries", async () => {
    const of = (contact: string, type: string, at: number): Told => ({
      source: "generic",
      type,
      bounce: "",
      machine: null,
      contact,
      campaign: null,
      tags: [],
      at: BASE + at,
    });
    const division = (contact: string) => (contact.startsWith("ann") ? 1 : 2);
    await tellBoth([of("ann@gmail.com", "sent", 0), of("bob@gmail.com", "delivered", 1_000)], division);
    const query = { from: BASE, to: BASE + DAY, bucket: "day", by: "type", limit: 10 } as const;
    const { groups } = await readStatsAcross(shardsBy(division), query);
    // The source tells deliveries, so a mail that was only sent was not attempted yet.
    expect(groups.map(({ group, counts }) => [group, counts.attempted, counts.reached])).toEqual([
      ["delivered", 1, 1],
      ["sent", 0, 0],
    ]);
  });

  it("are whole over more cells than one answer may hold", async () => {
    // A week of five minutes with five sources: three parts of them do not fit into one page.
    const buckets = 2_016;
    await Promise.all(
      parts().map(async (db, part) => {
        await db
          .prepare(
            `WITH RECURSIVE b (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM b WHERE i < ${buckets - 1})
             INSERT INTO rollups (bucket, source, type, bounce, machine, destination, n)
             SELECT ?1 + i * 300000, s.value, 'sent', '', '', 'gmail', 1 + i % (2 + ?2) FROM b, json_each(?3) AS s
             WHERE i % (1 + ?2) = 0`,
          )
          .bind(
            BASE,
            part,
            JSON.stringify(Array.from({ length: 5 }, (_, i) => `source-${i}-${"x".repeat(200)}`)),
          )
          .run();
      }),
    );
    const query = {
      from: BASE,
      to: BASE + 7 * DAY,
      bucket: "5m",
      by: "source",
      limit: 5_000,
    } as const;
    const sizes: number[] = [];
    const groups = await allPages(async (after: StatsQuery["after"]) => {
      const page = await readStatsAcross(
        shardsBy(() => 0),
        { ...query, after },
      );
      sizes.push(page.groups.length);
      return { items: page.groups, next: page.next };
    });
    expect(sizes.length).toBeGreaterThan(Math.ceil((5 * buckets) / query.limit));
    const wanted = new Map<string, number>();
    for (const db of parts()) {
      const own = await allPages(async (after: StatsQuery["after"]) => {
        const page = await readStats(db, { ...query, after, limit: 2_000 });
        return { items: page.groups, next: page.next };
      });
      for (const { slot, group, counts } of own) {
        const key = `${slot} ${group}`;
        wanted.set(key, (wanted.get(key) ?? 0) + counts.events);
      }
    }
    expect(groups).toHaveLength(wanted.size);
    const told = groups.map(({ slot, group, counts }) => [`${slot} ${group}`, counts.events] as const);
    expect(new Map(told)).toEqual(wanted);
  });

  it("are none at all if one database fails", async () => {
    const failing = {
      prepare: (sql: string) => env.TEST_DB_2.prepare(`${sql} no SQL`),
      batch: env.TEST_DB_2.batch.bind(env.TEST_DB_2),
    };
    const query = { from: BASE, to: BASE + DAY, bucket: "day", by: "none", limit: 10 } as const;
    const shards = shardsBy(() => 0, [env.DB, env.TEST_DB_1, failing]);
    await expect(readStatsAcross(shards, query)).rejects.toThrow(/syntax error/);
  });
});
