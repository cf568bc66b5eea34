// Erasures and removals where the rows lie in several databases: they go in all of them, the receipt adds up, and no
// database takes rows back once any has lost its own, wherever the work is broken off.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { continueErasures, erase } from "../../src/erasure/erase.ts";
import { continueRemovals, removeSource } from "../../src/erasure/source/remove.ts";
import { repeatsWithin } from "../../src/history/repeats.ts";
import type { Db } from "../../src/store/db.ts";
import { readStoredRows, type StoredRow } from "../../src/store/events/by-archive-object.ts";
import { addUp } from "../../src/store/erasure/parts.ts";
import { getErasure } from "../../src/store/erasure/erasures.ts";
import { addUpRemovals, getRemoval } from "../../src/store/erasure/removals.ts";
import type { Shards } from "../../src/store/shards.ts";
import { NO_ROWS, storeSlice } from "../../src/store/write/slice.ts";
import { createSchema } from "../support/database.ts";
import { shardsBy } from "../support/divided.ts";
import { expectLogs } from "../support/log.ts";
import { deliver, envWith, mailjetEvent, mailjetPost, messagesOf, rows } from "../support/support.ts";
import { ANN, MINUTE, freshWithKey, pass, withStandingClock } from "./asking.ts";

const BOB = "bob@example.com";
const TOKEN = { headers: { authorization: "Bearer observed-token-of-the-tests" } };
const databases = [env.DB, env.TEST_DB_1, env.TEST_DB_2] as const;

withStandingClock();
beforeEach(async () => await freshShards());

async function freshShards(): Promise<void> {
  await freshWithKey();
  for (const db of databases.slice(1)) await createSchema(env.TEST_MIGRATIONS, db);
}

/** The databases as shards. `before` runs before each transaction. */
function shardsWith(before: () => Promise<void> = async () => {}): Shards {
  const guarded = (db: D1Database): Db => ({
    prepare: (sql) => db.prepare(sql),
    batch: async <T>(statements: D1PreparedStatement[]) => {
      await before();
      return await db.batch<T>(statements);
    },
  });
  return shardsBy(() => 0, databases.map(guarded));
}

/** Copies all events of the home into the other shards, as if contacts had been moved and left rows behind. */
async function copyToAll(): Promise<StoredRow[]> {
  const { results } = await env.DB.prepare("SELECT DISTINCT batch FROM feed").all<{ batch: string }>();
  const all: StoredRow[] = [];
  for (const { batch } of results) all.push(...(await readStoredRows(env.DB, batch)));
  for (const db of databases.slice(1)) await storeSlice(db, { ...NO_ROWS, events: all });
  return all;
}

const reports = (source: "observed" | "mailjet"): Request => {
  const events = [
    mailjetEvent({ email: ANN, MessageID: 1 }),
    mailjetEvent({ email: ANN, MessageID: 2, time: 1_790_000_100 }),
    mailjetEvent({ email: BOB, MessageID: 3, CustomID: `friend of ${ANN}` }),
  ];
  const body = JSON.stringify(events);
  return source === "observed" ? mailjetPost(body, "/webhooks/observed", TOKEN) : mailjetPost(body);
};

/** All texts in a database that name ANN, tables of requests included. */
async function namesIn(db: D1Database): Promise<string[]> {
  const { results: tables } = await db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 3) <> '_cf'")
    .all<{ name: string }>();
  const found: string[] = [];
  for (const { name } of tables)
    for (const row of (await db.prepare(`SELECT * FROM ${name}`).all()).results)
      if (JSON.stringify(row).includes(ANN)) found.push(`${name}: ${JSON.stringify(row)}`);
  return found;
}

const eventsOf = async (db: D1Database, contact: string): Promise<number> =>
  (await db
    .prepare("SELECT count(*) AS n FROM events WHERE contact = ?1")
    .bind(contact)
    .first<number>("n")) ?? 0;

async function finish(shards: Shards): Promise<void> {
  for (let run = 0; run < 3; run++) {
    await continueErasures(envWith(), Date.now(), shards);
    pass(21 * MINUTE);
  }
}

const asked = { note: null, by: "tests" };

describe("an erasure over several databases", () => {
  it("takes the contact's rows and mentions out of all of them, and its receipt adds up", async () => {
    await deliver(await messagesOf(reports("mailjet")));
    await copyToAll();
    const shards = shardsWith();
    const { id, events } = await erase(envWith(), ANN, asked, Date.now(), shards);
    expect(events).toBe(6);
    for (const db of databases) expect(await eventsOf(db, ANN)).toBe(0);
    await finish(shards);
    for (const db of databases) {
      expect(await namesIn(db)).toEqual([]);
      expect(await eventsOf(db, BOB)).toBe(1);
      const open = await db
        .prepare("SELECT count(*) AS n FROM erasures WHERE finished_at IS NULL")
        .first("n");
      expect(open).toBe(0);
    }
    const row = await getErasure(env.DB, id);
    const [sum] = row === null ? [] : await addUp(shards, [row]);
    expect(sum).toMatchObject({ events: 6, messages: 6, contacts: 1, mentions: 3 });
    expect(sum?.finished_at).not.toBeNull();
  });

  it("lets no database take rows back once any of them has lost its own", async () => {
    await deliver(await messagesOf(reports("mailjet")));
    const own = (await copyToAll()).filter(({ contact }) => contact === ANN);
    let checked = 0;
    const shards = shardsWith(async () => {
      const counts = await Promise.all(databases.map(async (db) => await eventsOf(db, ANN)));
      if (counts.every((n) => n > 0)) return;
      const ended = await Promise.all(
        databases.map(
          async (db) => await db.prepare("SELECT 1 FROM erasures WHERE finished_at IS NOT NULL").first(),
        ),
      );
      if (ended.some((row) => row !== null)) return; // after twenty minutes nobody is left who could bring rows
      for (const [index, db] of databases.entries()) {
        if (counts[index] !== 0) continue;
        checked += 1;
        await expect(storeSlice(db, { ...NO_ROWS, events: own })).rejects.toThrow(/overflow/);
      }
      for (const [index, db] of databases.entries()) {
        if (counts[index] === 0) continue;
        checked += 1;
        const again = own.map((event) => ({ ...event, id: event.id.replace(/.$/, "z") }));
        await expect(storeSlice(db, { ...NO_ROWS, events: again })).rejects.toThrow(/overflow/);
      }
    });
    await erase(envWith(), ANN, asked, Date.now(), shards);
    await finish(shards);
    expect(checked).toBeGreaterThan(6);
  });

  it("keeps a suppression in force that only another database knows", async () => {
    await env.TEST_DB_2.prepare(
      "INSERT INTO contacts (contact, version, suppressed, since) VALUES (?1, 1, 'complaint', 7)",
    )
      .bind(ANN)
      .run();
    await erase(envWith(), ANN, asked, Date.now(), shardsWith());
    expect(await rows("SELECT reason, since FROM erased")).toEqual([{ reason: "complaint", since: 7 }]);
    expect((await env.TEST_DB_2.prepare("SELECT * FROM erased").all()).results).toEqual([]);
  });

  it("ends the same wherever it is broken off", async () => {
    expectLogs(/an erasure waits/);
    let calls = Infinity;
    for (let k = 2; k <= calls; k += 3) {
      await freshShards();
      await deliver(await messagesOf(reports("mailjet")));
      await copyToAll();
      let made = 0;
      const broken = shardsWith(() => {
        made += 1;
        return made >= k ? Promise.reject(new Error("D1_ERROR: it went away")) : Promise.resolve();
      });
      await erase(envWith(), ANN, asked, Date.now(), broken).catch(() => {});
      if (made < k) calls = made;
      if ((await rows("SELECT id FROM erasures")).length === 0) continue; // it never began
      pass(MINUTE);
      await finish(shardsWith());
      for (const db of databases) expect(await namesIn(db), `at call ${k}`).toEqual([]);
      const [row] = await rows<{ id: string }>("SELECT id FROM erasures");
      const erasure = await getErasure(env.DB, row?.id ?? "");
      const [sum] = erasure === null ? [] : await addUp(shardsWith(), [erasure]);
      expect(sum, `at call ${k}`).toMatchObject({ events: 6, contacts: 1 });
      expect(sum?.finished_at, `at call ${k}`).not.toBeNull();
    }
    expect(calls).toBeGreaterThan(6);
  });
});

describe("a removal over several databases", () => {
  it("takes the source's rows out of all of them, and its receipt adds up, wherever it is broken off", async () => {
    expectLogs(/a removal waits/);
    let calls = Infinity;
    for (let k = 2; k <= calls; k += 3) {
      await freshShards();
      await deliver(await messagesOf(reports("observed")));
      await copyToAll();
      let made = 0;
      const broken = shardsWith(() => {
        made += 1;
        return made >= k ? Promise.reject(new Error("D1_ERROR: it went away")) : Promise.resolve();
      });
      await removeSource(envWith(), "observed", "tests", Date.now(), broken).catch(() => {});
      if (made < k) calls = made;
      if ((await rows("SELECT id FROM removals")).length === 0) continue; // it never began
      const shards = shardsWith();
      for (let run = 0; run < 4; run++) {
        await continueRemovals(envWith(), Date.now(), repeatsWithin(300), shards);
        pass(21 * MINUTE);
      }
      for (const db of databases) {
        const left = await db.prepare("SELECT count(*) AS n FROM events").first("n");
        expect(left, `at call ${k}`).toBe(0);
      }
      const [row] = await rows<{ id: string }>("SELECT id FROM removals");
      const removal = await getRemoval(env.DB, row?.id ?? "");
      const [sum] = removal === null ? [] : await addUpRemovals(shards, [removal]);
      expect(sum, `at call ${k}`).toMatchObject({ events: 9, messages: 9 });
      expect(sum?.finished_at, `at call ${k}`).not.toBeNull();
    }
    expect(calls).toBeGreaterThan(6);
  });
});
