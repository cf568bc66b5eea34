// Whether the simulation can be trusted: its reference notices every kind of wrong state.

import { env } from "cloudflare:workers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rows } from "../support/support.ts";
import { check } from "./reference.ts";
import type { Witness } from "./witness.ts";
import { simulate } from "./simulate.ts";
import { worldOf, type World } from "./world.ts";

/** The world of the first seed that leads to suppressions and dead letters, and in which nothing is deleted again. */
function fullWorld(): World {
  for (let seed = 1; seed < 1_000; seed += 1) {
    const world = worldOf(seed);
    const bounced = world.parcels.some(({ reports }) => reports.some(({ what }) => what === "hard_bounce"));
    if (world.erasing || world.removing || world.kept !== null || world.mistaken !== null) continue;
    if (world.pipes.length > 0) continue;
    if (bounced && world.parcels.some(({ poison }) => poison > 0)) return world;
  }
  throw new Error("no seed has everything");
}

/** Whether a person lifts a suppression while there may be pipes. */
function lifts({ pipes, rounds }: World): boolean {
  const made = rounds.findIndex(({ acts }) => acts.some(({ kind }) => kind === "make"));
  return (
    pipes.length > 0 && rounds.slice(made + 1).some(({ acts }) => acts.some(({ kind }) => kind === "lift"))
  );
}

/** Puts a table's rows back as they were. */
async function restore(table: string, before: readonly Record<string, unknown>[]): Promise<void> {
  const statements = before.map((row) => {
    const names = Object.keys(row);
    const values = Object.values(row).map((value) => (Array.isArray(value) ? new Uint8Array(value) : value));
    const places = names.map((_, i) => `?${i + 1}`);
    return env.DB.prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${places.join()})`).bind(...values);
  });
  await env.DB.batch([env.DB.prepare(`DELETE FROM ${table}`), ...statements]);
}

describe("after a simulated history the reference notices", () => {
  let witness: Witness;
  // Simulated once; each test takes back what it did.
  beforeAll(async () => {
    const { violations, ...history } = await simulate(fullWorld());
    expect(violations).toEqual([]);
    witness = history.witness;
  });
  afterAll(async () => expect(await check(witness)).toEqual([]));

  const EVENT = "(SELECT min(id) FROM events)";
  it.each([
    ["a lost event", `DELETE FROM events WHERE id = ${EVENT}`, /lost/],
    ["an event that nobody sent", `UPDATE events SET at = at + 1000 WHERE id = ${EVENT}`, /never sent/],
    [
      "an event whose delivery is not archived",
      `UPDATE events SET line = 99 WHERE id = ${EVENT}`,
      /no archived/,
    ],
    ["a wrong counter", "UPDATE rollups SET n = n + 1", /counted/],
    ["a missing campaign counter", "DELETE FROM campaign_rollups", /not counted/],
    ["repeats that were not counted", "UPDATE sources SET duplicates = duplicates - 1", /accounted for/],
    ["a missing suppression", "DELETE FROM suppressions", /has suppressions/],
    [
      "a suppressed contact that counts as active",
      "UPDATE contacts SET suppressed = NULL",
      /is suppressed by/,
    ],
    ["a missing message", "DELETE FROM message_rows", /message/],
    ["a missing dead letter", "DELETE FROM dead_letters", /dead letter is missing/],
    ["a dead letter without a cause", "UPDATE dead_letters SET envelope = envelope || 'x'", /without cause/],
  ])("%s", async (_what, sql, words) => {
    const table = /(?:FROM|UPDATE) (\w+)/.exec(sql)?.[1] ?? "";
    const before = await rows(`SELECT * FROM ${table}`);
    try {
      await env.DB.prepare(sql).run();
      expect((await check(witness)).join("\n")).toMatch(words);
    } finally {
      await restore(table, before);
    }
  });
});

describe("the reference notices", () => {
  it("an erased address, however it is encoded", async () => {
    let seed = 1;
    while (!worldOf(seed).erasing || worldOf(seed).kept !== null) seed += 1;
    const { witness, violations } = await simulate(worldOf(seed));
    expect(violations).toEqual([]);
    const [{ contact } = { contact: "" }] = witness.erasures;
    witness.claims = witness.claims.filter((one) => one.contact !== contact);
    witness.deeds = witness.deeds.filter((deed) => deed.contact !== contact);
    await env.DB.prepare("DELETE FROM events WHERE contact = ?1").bind(contact).run();
    await env.BUCKET.put("spool/x", `of ${contact.toUpperCase().replace("@", "%40")}`);
    const told = (await check(witness)).join("\n");
    expect(told).toMatch(/was erased, and stands in spool/);
  });

  it("a lifted suppression without its system event for pipes", async () => {
    const sql = await env.DB.prepare(
      "SELECT sql FROM sqlite_master WHERE name = 'suppression_ends'",
    ).first<string>("sql");
    await env.DB.prepare("DROP TRIGGER suppression_ends").run();
    const wrong: string[] = [];
    for (let seed = 1; seed < 100 && wrong.length === 0; seed += 1)
      if (lifts(worldOf(seed))) wrong.push(...(await simulate(worldOf(seed))).violations);
    await env.DB.prepare(sql ?? "").run();
    expect(wrong.join("\n")).toMatch(/is told/);
  });

  it("a delivery that is missing in the archive", async () => {
    const { witness } = await simulate(fullWorld());
    const { objects } = await env.BUCKET.list({ prefix: "archive/" });
    await env.BUCKET.delete(objects.map(({ key }) => key));
    expect((await check(witness)).join("\n")).toMatch(/not in the archive/);
  });
});
