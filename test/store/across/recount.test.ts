// Recounting several databases: each proves its own counters, and each difference is told once, with its database.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { BASE, SPAN, type Told } from "../../api/stats/told.ts";
import { runRecount, type RecountState } from "../../../src/store/stats/run-recount.ts";
import type { Shards } from "../../../src/store/shards.ts";
import { countSome, freshDatabases, parts, shardsBy, tellBoth } from "../../support/divided.ts";

const PEOPLE = ["ann@gmail.com", "bob@outlook.com", "cy@example.com"];
const division = (contact: string): number => Math.max(0, PEOPLE.indexOf(contact));

beforeEach(async () => {
  await freshDatabases();
  const events = PEOPLE.flatMap((contact, person) =>
    ["delivered", "opened"].map((type, i): Told => ({
      source: "generic",
      type,
      bounce: "",
      machine: null,
      contact,
      campaign: "spring",
      tags: [],
      at: BASE + (10 * person + i) * 1_000,
    })),
  );
  await tellBoth(events, division);
  await countSome([true, true, true, true]);
});

const spoil = async (db: D1Database, sql = "n = n + 1"): Promise<void> =>
  void (await db.prepare(`UPDATE day_rollups SET ${sql} WHERE type = 'opened'`).run());

/** All answers of a recount until it is done, and what a caller collects from them. */
async function recount(shards: Shards, apply: boolean) {
  const answers: RecountState[] = [];
  let asked: Parameters<typeof runRecount>[1] = { from: BASE, to: BASE + SPAN, apply };
  while (answers.at(-1)?.isDone !== true) {
    const ran = await runRecount(shards, asked);
    if (!ran.ok) throw new Error(ran.reason);
    answers.push(ran.value);
    asked = { id: ran.value.id, apply };
  }
  const differences = answers.flatMap((answer) => answer.differences);
  return {
    answers,
    differences: differences.map(({ shard, counter, was, should }) => ({ shard, counter, was, should })),
    total: answers.reduce((sum, { total }) => sum + total, 0),
  };
}

describe("a recount of three databases", () => {
  it("finds nothing wrong in what they counted, and names the database whose counters are spoilt", async () => {
    const shards = shardsBy(division);
    expect(await recount(shards, false)).toMatchObject({ answers: [{ compared: 3 }], total: 0 });
    await spoil(env.DB);
    await spoil(env.TEST_DB_2, "n = n + 5");
    expect(await recount(shards, false)).toMatchObject({
      total: 2,
      differences: [
        { shard: 0, counter: "day_rollups", was: 2, should: 1 },
        { shard: 2, counter: "day_rollups", was: 6, should: 1 },
      ],
    });
    expect((await recount(shards, true)).total).toBe(2);
    expect((await recount(shards, true)).total).toBe(0);
    const counted = await Promise.all(
      parts().map(async (db) => await db.prepare("SELECT sum(n) AS n FROM day_rollups").first<number>("n")),
    );
    expect(counted).toEqual([2, 2, 2]);
  });

  it("ends if rows of one of them are removed meanwhile", async () => {
    const shards = shardsBy(division);
    const begun = await runRecount(shards, { from: BASE, to: BASE + SPAN, apply: false });
    const id = begun.ok ? begun.value.id : "";
    expect(id).toMatch(/\.2$/);
    await env.TEST_DB_2.prepare("UPDATE recounts SET gone = -1").run();
    expect(await runRecount(shards, { id, apply: false })).toEqual({ ok: false, reason: "disturbed" });
    expect(await runRecount(shards, { id: id.replace(".2", ".7"), apply: false })).toEqual({
      ok: false,
      reason: "unknown",
    });
  });

  it("of more databases than one request compares goes on where it stopped, and tells each difference once", async () => {
    await spoil(env.DB);
    await spoil(env.TEST_DB_ALL);
    const five = shardsBy(division, [...parts(), env.TEST_DB_ALL, env.DB]);
    const { answers, differences } = await recount(five, false);
    expect(answers.map(({ shard, compared }) => [shard, compared])).toEqual([
      [3, 4],
      [4, 1],
    ]);
    expect(differences.map(({ shard }) => shard)).toEqual([0, 3, 3, 3, 4]);
  });
});
