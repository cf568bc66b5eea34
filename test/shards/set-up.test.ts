// Setting several databases up, and what is noticed if they are not those that the configuration names.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { divideEvenly, feedStart } from "../../src/model/storage/shards.ts";
import { databasesOf } from "../../src/store/shards/databases.ts";
import { readMap } from "../../src/store/shards/map.ts";
import { setUp } from "../../src/store/shards/set-up.ts";
import { expectLogs } from "../support/log.ts";
import { databases } from "../support/merged.ts";
import { askApi, deliver, envWith, freshStorage } from "../support/support.ts";
import {
  bound,
  contactOf,
  contactsIn,
  deliveryOf,
  health,
  newIsolate,
  newly,
  rowsIn,
  SHARDS,
  untouched,
} from "./support.ts";

const CANNOT = /the databases cannot be used|a request met an outage|messages wait until/;

/** Everything that the set-up writes. */
async function written(): Promise<unknown> {
  const perShard = await Promise.all(
    databases().map(async (_, shard) => ({
      number: await rowsIn(shard, "SELECT number FROM shard"),
      owned: await rowsIn(shard, "SELECT lo, hi, state, target FROM owned ORDER BY lo"),
      feed: await rowsIn(shard, "SELECT first_seq + n - 1 AS last, ids FROM feed"),
      notices: await rowsIn(shard, "SELECT seq FROM notices"),
      counted: await rowsIn(shard, "SELECT position FROM counting"),
    })),
  );
  const deployments = await Promise.all(
    databases().map(async (_, shard) => await rowsIn(shard, "SELECT deployment FROM shard")),
  );
  const map = await readMap(env.DB);
  return { perShard, map, oneDeployment: new Set(deployments.map((one) => JSON.stringify(one))).size };
}

describe("a deployment that begins with several databases", () => {
  beforeEach(freshStorage);
  beforeEach(untouched);

  it("divides the contacts evenly, each prefix to one of them, and gives each its own stretch of seqs", async () => {
    await setUp(databasesOf(envWith()), null);
    const even = divideEvenly(SHARDS);
    expect(await written()).toEqual({
      perShard: even.map(({ lo, hi }, shard) => ({
        number: [{ number: shard }],
        owned:
          shard === 0
            ? even.map((range, of) => ({ ...range, state: of === 0 ? "owned" : "gone", target: null }))
            : [{ lo, hi, state: "owned", target: null }],
        feed: shard === 0 ? [] : [{ last: feedStart(shard), ids: "[null]" }],
        notices: shard === 0 ? [] : [{ seq: feedStart(shard) }],
        counted: [{ position: feedStart(shard) }],
      })),
      map: {
        map: { version: 1, shards: SHARDS, ranges: even.map(({ lo }, shard) => [lo, shard]) },
        uses: SHARDS,
        number: 0,
      },
      oneDeployment: 1,
    });
  });

  it("comes to the same if it was stopped at any call, before or after that took effect, and begun again", async () => {
    await setUp(databasesOf(envWith()), null);
    const expected = await written();
    for (const fault of ["before", "after"] as const)
      for (let k = 1, isOver = false; !isOver; k++) {
        await untouched();
        let calls = 0;
        const failing = (db: D1Database): D1Database =>
          new Proxy(db, {
            get(from, name) {
              const value: unknown = Reflect.get(from, name, from);
              if (typeof value !== "function") return value;
              if (name !== "batch") return (...args: unknown[]): unknown => Reflect.apply(value, from, args);
              return async (...args: unknown[]) => {
                const stops = ++calls === k;
                if (stops && fault === "before") throw new Error("stopped");
                const answer: unknown = await Reflect.apply(value, from, args);
                if (stops) throw new Error("stopped");
                return answer;
              };
            },
          });
        const [home, ...others] = databasesOf(envWith());
        const all = [home, ...others].map((shard) => ({ ...shard, db: failing(shard.db) }));
        const [first = home, ...rest] = all;
        isOver = await setUp([first, ...rest], null).then(
          () => true,
          () => false,
        );
        await Promise.all([1, 2].map(async () => await setUp(databasesOf(envWith()), null)));
        expect(await written(), `${fault} call ${k}`).toEqual(expected);
        expect(k).toBeLessThan(30);
      }
  });

  it("keeps all contacts in the home if anything was ever stored there", async () => {
    await env.DB.prepare(
      "INSERT INTO contacts (contact, version, changed) VALUES ('a@example.com', 1, 1)",
    ).run();
    await setUp(databasesOf(envWith()), null);
    expect(await rowsIn(0, "SELECT lo, hi, state FROM owned")).toEqual([{ lo: "", hi: "~", state: "owned" }]);
    expect(await rowsIn(1, "SELECT * FROM owned")).toEqual([]);
    await deliver([await deliveryOf([contactOf(1), contactOf(2)])], newIsolate());
    expect(await contactsIn(0)).toEqual([contactOf(1), contactOf(2)].toSorted());
  });

  it("is set up by the first delivery", async () => {
    expect((await deliver([await deliveryOf([contactOf(1), contactOf(0)])], newIsolate())).acked).toEqual([
      0,
    ]);
    expect([await contactsIn(0), await contactsIn(1)]).toEqual([[contactOf(0)], [contactOf(1)]]);
  });
});

describe("databases that are not those that the configuration names", () => {
  beforeEach(freshStorage);

  it.each([
    ["two bindings are swapped", () => ({ DB_1: databases()[2], DB_2: databases()[1] }), "database of DB_"],
    [
      "the home is swapped",
      () => ({ DB: newly(databases()[1] ?? env.DB), DB_1: env.DB }),
      "DB is the database of DB_1",
    ],
    ["one is bound twice", () => ({ DB_2: databases()[1] }), "DB_2 is the database of DB_1"],
    ["one is another, empty one", () => ({ DB_2: Reflect.get(env, "MERGED") }), "DB_2 lacks the migrations"],
    [
      "fewer are configured than are in use",
      () => ({ STORAGE: { shards: 2 } }),
      "is 2, but 3 databases are in use",
    ],
    ["one is configured of several", () => ({ STORAGE: { shards: 1 } }), "is 1, but 3 databases are in use"],
    ["a binding is missing", () => ({ DB_2: undefined }), "no database with the binding DB_2"],
  ])(
    "are a problem at /healthz if %s; events wait, /v1 answers 503, and nothing changes",
    async (_, change, reason) => {
      expectLogs(
        CANNOT,
        /the configuration has problems/,
        /did not say which/,
        /not as this version expects/,
      );
      const before = await Promise.all(
        databases().map(async (_, k) => await rowsIn(k, "SELECT * FROM owned")),
      );
      const wrong = newIsolate(change());
      const message = await deliveryOf([contactOf(0), contactOf(1), contactOf(2)]);
      expect(await deliver([message], wrong)).toEqual({ acked: [], retried: [0] });
      const answer = await askApi("GET", "/v1/suppressions", undefined, wrong);
      expect(answer.status).toBe(503);
      const found = await health(wrong);
      expect(found.status).toBe(503);
      expect(found.problems.map((problem) => problem.reason).join()).toContain(reason);
      expect(await Promise.all(databases().map(async (_, k) => await contactsIn(k)))).toEqual([[], [], []]);
      expect(
        await Promise.all(databases().map(async (_, k) => await rowsIn(k, "SELECT * FROM owned"))),
      ).toEqual(before);
      // Corrected: what waited is stored.
      expect((await deliver([message], newIsolate(), { attempts: 2 })).acked).toEqual([0]);
      expect(await contactsIn(2)).toEqual([contactOf(2)]);
    },
  );

  it("are a problem if one lacks the migrations, which /healthz names with the database", async () => {
    expectLogs(CANNOT);
    const db = databases()[2] ?? env.DB;
    await db.prepare("DELETE FROM d1_migrations WHERE name = '0025_shards.sql'").run();
    expect(await health(newIsolate())).toMatchObject({
      database: "behind",
      database_hint: expect.stringContaining("DB_2: The migration 0025_shards.sql is missing") as string,
    });
  });

  it("are refused if one is that of another deployment", async () => {
    expectLogs(CANNOT);
    const db = databases()[2] ?? env.DB;
    await db.prepare("UPDATE shard SET deployment = 'another'").run();
    expect((await health(newIsolate())).problems).toEqual([
      {
        setting: "STORAGE.shards",
        reason: expect.stringContaining("DB_2 is a database of another deployment") as string,
      },
    ]);
  });
});

describe("STORAGE.shards", () => {
  beforeEach(freshStorage);
  beforeEach(untouched);

  it.each([0, 65, 1.5, "3"])(
    "cannot be %s: a problem, and one database goes on as before",
    async (shards) => {
      expectLogs(/the configuration has problems/);
      await untouched();
      const wrong = newIsolate({ STORAGE: { shards } });
      const { status, problems } = await health(wrong);
      expect([status, problems]).toEqual([
        503,
        [{ setting: "STORAGE.shards", reason: "must be a whole number from 1 to 64" }],
      ]);
      expect((await deliver([await deliveryOf([contactOf(2)])], wrong)).acked).toEqual([0]);
      expect(await contactsIn(0)).toEqual([contactOf(2)]);
      expect(await rowsIn(0, "SELECT * FROM shard_map")).toEqual([]);
    },
  );

  it("needs the word of those who try it, until all of Tidings can answer from several", async () => {
    expectLogs(/the configuration has problems/);
    const { problems } = await health(bound({ DB: newly(env.DB), SHARDS_TRIAL: undefined }));
    expect(problems.map(({ setting }) => setting)).toEqual(["STORAGE.shards"]);
  });
});
