// A recount finds wrong counters, lists them, and corrects them.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { goneFrom } from "../../../src/store/write/counters.ts";
import { countAll, freshStorage, read } from "../../support/support.ts";
import { BASE, RANGE, ask, counters, recount, tell, type Told } from "./told.ts";

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

  it("finds wrong, missing and surplus counters, and corrects them only with apply", async () => {
    await tell(events(300));
    await countAll();
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
      const result = await recount();
      expect(result.differing, sql).toBeGreaterThan(0);
      expect(await counters(), "without apply nothing changes").not.toEqual(right);
      expect((await recount({ recount: result.recount, apply: true })).differing).toBe(result.differing);
      expect(await counters(), sql).toEqual(right);
      expect((await recount()).differing).toBe(0);
    }
  });

  it("lists each differing counter with its present and its correct values", async () => {
    await tell(events(3));
    await countAll();
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

  it("continues where it stopped while new events arrive, and corrects the counters of all of them", async () => {
    const all = events(200);
    await tell(all.slice(0, 120));
    await countAll();
    // The feed looks long: a request's steps do not reach its end.
    const end = "(SELECT max(first_seq) FROM feed)";
    await env.DB.prepare(`UPDATE events SET seq = seq + 150000 WHERE seq >= ${end}`).run();
    await env.DB.prepare(`UPDATE feed SET first_seq = first_seq + 150000 WHERE first_seq = ${end}`).run();
    await env.DB.prepare("UPDATE counting SET position = position + 150000").run();
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

  it("includes the noted counts of removed rows, and answers 409 after a removal or once another recount has begun", async () => {
    await tell(events(90));
    await countAll();
    const before = await ask(`${RANGE}&by=campaign`);
    const begun = await recount();
    const where = "contact = ?1";
    const statements = [...goneFrom(`events WHERE ${where}`), `DELETE FROM events WHERE ${where}`];
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

  it("refuses wrong ranges (400), unknown recounts (409) and wrong tokens (401)", async () => {
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
