// Events passed on again by what became of them: those that were given up, and no others.

import { describe, expect, it } from "vitest";
import { envWith, rows } from "../support/support.ts";
import { ask, ids, make, pass, people, receivers, show, status, store, withReceivers } from "./receivers.ts";

withReceivers();

const HOUR = 3_600_000;

interface Answer {
  id: string | null;
  attempts_since: string;
  pipes: { pipe: string; count: number; complete: boolean; missing: number }[];
}

async function redeliver(more: Record<string, unknown>): Promise<Answer> {
  const response = await ask("POST", "/redeliveries", { pipes: ["crm"], ...more });
  expect(response.status, await response.clone().text()).toBe(200);
  return await response.json<Answer>();
}

/** Stores an event that is given up, one that is taken at its second try, and two that are taken at once. */
async function failures(): Promise<{ lost: string; late: string }> {
  let tries = 0;
  receivers.set("crm", ({ contact }) => {
    if (contact === "lost@example.com") return status(422);
    return contact === "late@example.com" && tries++ === 0 ? status(422) : status(200);
  });
  const [lost = "", late = ""] = await store(["lost@example.com", "late@example.com", ...people(2)]);
  for (let n = 0; n < 15; n++) await pass(30 * HOUR); // longer than any wait, so that the last ones find nothing to do
  receivers.clear();
  return { lost, late };
}

describe("a redelivery by outcome", () => {
  it("sends what was given up, once, and nothing else", async () => {
    const id = await make("crm");
    const made = Date.now();
    const { lost } = await failures();
    expect((await show(id)).health).toMatchObject({ given_up: 1, waiting: 0 });
    const counted = await redeliver({ outcome: "given_up" });
    expect(counted).toMatchObject({ id: null, pipes: [{ pipe: id, count: 1, complete: true, missing: 0 }] });
    expect(Date.parse(counted.attempts_since)).toBeGreaterThanOrEqual(made - HOUR);
    expect(ids("crm")).not.toContain(lost);
    const sent = await redeliver({ outcome: ["given_up"], from: "2026-01-01", dry_run: false });
    expect(sent.pipes).toEqual(counted.pipes);
    await pass();
    expect(ids("crm").filter((one) => one === lost)).toHaveLength(1);
    expect(ids("crm")).toHaveLength(4);
  });

  it("keeps to the time of the attempts, to both filters, and to the events that are still stored", async () => {
    const id = await make("crm");
    const { lost, late } = await failures();
    const all = { outcome: ["refused", "given_up"] };
    const count = async (more: Record<string, unknown>): Promise<number | undefined> =>
      (await redeliver(more)).pipes[0]?.count;
    expect(await count(all)).toBe(2);
    expect(await count({ ...all, filter: 'contact == "late@example.com"' })).toBe(1);
    const second = new Date(Date.now() - 20 * HOUR).toISOString();
    expect(await count({ ...all, from: second })).toBe(0);
    expect(await count({ ...all, to: second })).toBe(2);
    expect(await count({ outcome: "unavailable" })).toBe(0);
    await ask("PATCH", `/pipes/${id}`, { filter: 'contact != "lost@example.com"' });
    expect(await count({ outcome: "given_up" })).toBe(0);
    await ask("PATCH", `/pipes/${id}`, { filter: null });
    await ask("DELETE", "/contacts/late@example.com");
    expect(await count(all)).toBe(1);
    expect(await count({ ...all, events: undefined, dry_run: false })).toBe(1);
    await pass();
    expect(ids("crm").filter((one) => one === lost || one === late)).toEqual([late, lost]);
  });

  it("is refused for a success, for no outcome that there is, and beside events", async () => {
    await make("crm");
    for (const wrong of [
      { outcome: "delivered" },
      { outcome: "failed" },
      { outcome: [] },
      { outcome: "given_up", events: ["a"] },
    ]) {
      const response = await ask("POST", "/redeliveries", { pipes: ["crm"], ...wrong });
      expect(response.status).toBe(400);
    }
    const words = await ask("POST", "/redeliveries", { pipes: ["crm"], outcome: "failed" });
    expect(await words.text()).toContain("given_up");
  });

  it("finds what was given up without looking at the other attempts", async () => {
    const id = await make("crm");
    await envWith()
      .DB.prepare(
        `INSERT INTO attempts (id, event, events, n, at, outcome, status, took, try, reason, excerpt)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         SELECT ?1 || '.0000000000x' || i, 'e' || i, '["e' || i || '"]', 1, 0, iif(i % 1000 = 0, 'given_up', 'refused'), 400, 1, 1, NULL, NULL
         FROM n`,
      )
      .bind(id)
      .run();
    const plan = await rows<{ detail: string }>(
      "EXPLAIN QUERY PLAN SELECT id, events FROM attempts INDEXED BY attempts_given_up WHERE outcome = 'given_up' AND id > '1' AND id < '2' ORDER BY id LIMIT 5",
    );
    expect(plan.map(({ detail }) => detail).join()).toContain("attempts_given_up (id>? AND id<?)");
    expect((await redeliver({ outcome: "given_up" })).pipes).toMatchObject([{ count: 0, missing: 3 }]);
    expect((await redeliver({ outcome: "refused" })).pipes).toMatchObject([{ count: 0, missing: 2997 }]);
  });
});
