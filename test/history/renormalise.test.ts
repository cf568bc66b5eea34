// Parsing the archive again: the differences are reported, and nothing is changed unless they are applied.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { tableNames } from "../support/database.ts";
import { envWith, finalState, freshStorage, rows } from "../support/support.ts";
import { YEAR, ask, fillHistory, walk } from "./misread.ts";
import { countingDb } from "../support/counting-db.ts";
import { FEED_END } from "../../src/store/feed-rows.ts";

/**
 * Imitates an older parser that did not know complaints, read one time wrongly, lost one event and invented another.
 */
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
  await run("UPDATE feed SET ids = replace(ids, ?1, substr(?1, 1, 18) || '0000000000000000')", other);
  await run(
    "UPDATE events SET id = substr(id, 1, 18) || '0000000000000000', type = 'sent' WHERE id = ?1",
    other,
  );
  await run("UPDATE events SET at = at + 86400000 WHERE id = ?1", late);
  await run("DELETE FROM events WHERE id = ?1", lost);
  await run(
    `INSERT INTO events (seq, id, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id,
       campaign, line, element, details)
     SELECT ${FEED_END} + 1, substr(id, 1, 18) || '1111111111111111', contact, at, received_at, source, provider, type, bounce, destination,
       machine, message_id, campaign, line, 999, details FROM events WHERE id = ?1`,
    doubled,
  );
  await run(
    `INSERT INTO feed (first_seq, n, batch, stored_at, ids)
     SELECT e.seq, 1, f.batch, 0, json_array(e.id) FROM events AS d, events AS e
     JOIN feed AS f ON instr(f.ids, d.id) > 0 WHERE d.id = ?1 AND e.seq > ${FEED_END}`,
    doubled,
  );
}

async function everything(): Promise<unknown> {
  const events = await rows("SELECT * FROM events ORDER BY seq");
  return { ...(await finalState()), events };
}

beforeEach(async () => {
  await freshStorage();
  await fillHistory();
});

describe("parsing the archive again", () => {
  it("finds no difference if the parser is unchanged, in several steps or in one", async () => {
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

  it("reports the events that would change, appear and vanish, and changes nothing", async () => {
    await imitateOldParser();
    const before = await everything();
    const report = await walk();
    expect(report).toMatchObject({ changed: 3, appeared: 1, vanished: 1 });
    expect(report.samples.map(({ kind }) => kind).toSorted()).toEqual([
      "appeared",
      "changed",
      "changed",
      "changed",
      "vanished",
    ]);
    const type = report.samples.find(({ before: was }) => was?.type === "unknown");
    expect(type?.after?.type).toBe("complained");
    expect(await everything()).toEqual(before);
    expect(await walk({ source: "jangomail" })).toMatchObject({
      deliveries: 0,
      changed: 0,
      appeared: 0,
      vanished: 0,
    });
  });

  it("with apply restores the events, counters and suppressions of a lost database", async () => {
    const { sources: _, letters: __, ...before } = await finalState();
    const tables = (await tableNames()).filter((name) => name !== "d1_migrations");
    await env.DB.batch(tables.map((name) => env.DB.prepare(`DELETE FROM "${name}"`)));
    expect(await rows("SELECT id FROM events UNION ALL SELECT event FROM suppressions")).toEqual([]);
    await walk({ apply: true });
    expect(await finalState()).toMatchObject(before);
  });

  it("answers 400 with the name of the wrong parameter", async () => {
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

it("parsing the archive again scans no table: every statement uses an index", async () => {
  await imitateOldParser();
  const { db, asked } = countingDb();
  expect((await ask({ apply: true }, envWith({ DB: db }))).status).toBe(200);
  const statements = [...new Set(asked)].filter((sql) => /json_each/.test(sql));
  expect(statements.length).toBeGreaterThan(20);
  for (const sql of statements) {
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
    for (const { detail } of plan.filter((step) => !step.detail.includes("VIRTUAL TABLE")))
      expect(detail, sql).not.toMatch(/SCAN (events|e|messages|contacts|c|suppressions|s|\w*rollups|feed)\b/);
  }
});
