// Where the Durable Objects lie: in the configured jurisdiction, and nowhere once they were made in another one. The
// local runtime knows no jurisdictions, so these tests give its namespaces parts of their own: real objects under other
// names.

import { applyD1Migrations, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { isOutage } from "../../src/lib/outage.ts";
import { withOutages } from "../../src/store/outages.ts";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
  send,
} from "../support/support.ts";

beforeEach(freshStorage);

const ANN = "ann@example.com";
const NONE = "none";

type Namespace = Env["CONTACTS"] | Env["PIPES"];

/** A namespace with a part for each jurisdiction, whose objects are those of the namespace under other names. */
function divided(namespace: Namespace, part = "", told: string | undefined = part): unknown {
  return {
    getByName: (name: string) => namespace.getByName(part === "" ? name : `${name} in ${part}`),
    idFromName: (name: string) => ({ name, jurisdiction: told }),
    jurisdiction: (wanted: string) => divided(namespace, wanted),
  };
}

/** A database that an isolate meets for the first time. `region`: where it says that it is. */
function newlyMet(region?: string): D1Database {
  const watched = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(from, name) {
        if (name === "bind") return (...values: unknown[]) => watched(from.bind(...values));
        if (name === "all" && region !== undefined)
          return async () => {
            const answer = await from.all();
            return { ...answer, meta: { ...answer.meta, served_by_region: region } };
          };
        const value: unknown = Reflect.get(from, name);
        return typeof value === "function" ? (value.bind(from) as unknown) : value;
      },
    });
  return new Proxy(env.DB, {
    get(from, name) {
      if (name === "prepare" && region !== undefined) return (sql: string) => watched(from.prepare(sql));
      const value: unknown = Reflect.get(from, name);
      return typeof value === "function" ? (value.bind(from) as unknown) : value;
    },
  });
}

/** The bindings of a new isolate in Cloudflare's network, with this setting. */
const isolate = (jurisdiction: unknown, changes: Parameters<typeof envWith>[0] = {}): Env =>
  envWith({
    CONTACTS: divided(env.CONTACTS),
    PIPES: divided(env.PIPES),
    DB: newlyMet(),
    ...(jurisdiction === undefined ? {} : { STORAGE: { jurisdiction } }),
    ...changes,
  });

/** Whether a contact's object has stored anything. */
const isUsed = async (name: string): Promise<boolean> =>
  await runInDurableObject(
    env.CONTACTS.getByName(name),
    (_, { storage }) => [...storage.kv.list()].length > 0,
  );

interface Health {
  status: string;
  problems: { setting: string; reason: string }[];
  jurisdiction: unknown;
}

async function healthOf(bindings: Env): Promise<{ code: number } & Health> {
  const response = await send(new Request("https://edge.example/healthz"), bindings);
  return { code: response.status, ...(await response.json<Health>()) };
}

const open = async (): Promise<Uint8Array[]> =>
  await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ email: ANN })])));
const noted = async (): Promise<unknown[]> =>
  (await rows<{ jurisdiction: string }>("SELECT * FROM jurisdiction")).map(
    ({ jurisdiction }) => jurisdiction,
  );

describe("the objects of a deployment", () => {
  it("lie in the configured jurisdiction, and the database notes it once", async () => {
    const bodies = await open();
    expect(await deliver(bodies, isolate("eu"))).toEqual({ acked: [0], retried: [] });
    expect([await isUsed(`${ANN} in eu`), await isUsed(ANN)]).toEqual([true, false]);
    expect(await noted()).toEqual(["eu"]);
    const answer = await askApi("PUT", `/v1/suppressions/${ANN}`, { reason: "manual" }, isolate("eu"));
    expect(answer.status).toBeLessThan(300);
    expect(await isUsed(ANN)).toBe(false);
  });

  it("lie in no particular one without the setting, which is noted as well", async () => {
    expect(await deliver(await open(), isolate(undefined))).toEqual({ acked: [0], retried: [] });
    expect([await isUsed(`${ANN} in eu`), await isUsed(ANN)]).toEqual([false, true]);
    expect(await noted()).toEqual([NONE]);
  });

  it.each([
    ["eu", undefined],
    [undefined, "eu"],
    ["fedramp", "eu"],
  ])("are not begun anew if the setting changes from %s to %s", async (before, after) => {
    const [first = new Uint8Array(), again = new Uint8Array()] = await messagesOf(
      mailjetPost(JSON.stringify([mailjetEvent()])),
      mailjetPost(JSON.stringify([mailjetEvent()])),
    );
    await deliver([first], isolate(before));
    expectLogs(/were made with/);
    const changed = isolate(after);
    expect(await deliver([again], changed, { firstId: 1 })).toEqual({ acked: [], retried: [0] });
    const byHand = await askApi("PUT", `/v1/suppressions/${ANN}`, { reason: "manual" }, changed);
    expect(byHand.status).toBe(503);
    const reason = `is ${after ?? NONE}, but the objects of this deployment were made with ${before ?? NONE}`;
    expect(await healthOf(changed)).toMatchObject({
      code: 503,
      status: "misconfigured",
      problems: [{ setting: "STORAGE.jurisdiction", reason: expect.stringContaining(reason) as string }],
    });
    expect(await isUsed(after === undefined ? ANN : `${ANN} in ${after}`)).toBe(false);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(0);

    // Put back, what waited is worked off, and nothing was forgotten: the repeat is known as one.
    expect(await deliver([again], isolate(before), { firstId: 1, attempts: 2 })).toEqual({
      acked: [0],
      retried: [],
    });
    expect(await figure("SELECT events AS n FROM sources")).toBe(1);
    expect(await figure("SELECT duplicates AS n FROM sources")).toBe(1);
  });

  it("are those without a jurisdiction in a deployment that is older than the setting", async () => {
    const [first = new Uint8Array(), later = new Uint8Array()] = [...(await open()), ...(await open())];
    await deliver([first], isolate(undefined));
    await env.DB.batch([
      env.DB.prepare("DROP TABLE jurisdiction"),
      env.DB.prepare("DELETE FROM d1_migrations WHERE name = '0023_jurisdiction.sql'"),
    ]);
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
    expect(await noted()).toEqual([NONE]);
    expectLogs(/were made with none/);
    expect((await deliver([later], isolate("eu"), { firstId: 1 })).retried).toEqual([0]);
    expect((await healthOf(isolate("eu"))).code).toBe(503);
    expect((await deliver([later], isolate(undefined), { firstId: 1, attempts: 2 })).acked).toEqual([0]);
  });

  it.each([
    ["an unknown one", { jurisdiction: "mars" }, "STORAGE.jurisdiction"],
    ["one in capitals", { jurisdiction: "EU" }, "STORAGE.jurisdiction"],
    ["a misspelt setting", { jurisdicton: "eu" }, "STORAGE.jurisdicton"],
    ["a table that is no JSON", "{jurisdiction", "STORAGE"],
  ])("are not reached with %s, which is a problem of the configuration", async (_, STORAGE, setting) => {
    expectLogs(/the configuration has problems/, /has a mistake/);
    const wrong = isolate("eu", { STORAGE });
    expect(await deliver(await open(), wrong)).toEqual({ acked: [], retried: [0] });
    expect(await noted()).toEqual([]);
    const { code, problems } = await healthOf(wrong);
    expect([code, problems.map((one) => one.setting)]).toEqual([503, [setting]]);
    expect(JSON.stringify(problems)).not.toMatch(/mars|EU/);
  });

  it("have their failures told apart from bugs in a jurisdiction, too", async () => {
    const failing = {
      jurisdiction: () => ({
        getByName: () => ({ claim: async () => await Promise.reject(new Error("Network connection lost.")) }),
      }),
    };
    const tagged = withOutages(isolate("eu", { CONTACTS: failing }));
    const error: unknown = await tagged.CONTACTS.jurisdiction("eu")
      .getByName(ANN)
      .claim([])
      .then(
        () => null,
        (reason: unknown) => reason,
      );
    expect(isOutage(error)).toBe(true);
  });

  it("of pipes lie there as well", async () => {
    const made = await askApi(
      "POST",
      "/v1/pipes",
      { name: "there", kind: "webhook", settings: { url: "https://example.com/hook" } },
      isolate("eu", { PIPE_KEYS: JSON.stringify({ tests: btoa("k".repeat(32)) }) }),
    );
    expect(made.status).toBe(201);
    const { id } = (await made.json<{ pipe: { id: string } }>()).pipe;
    expect(await env.PIPES.getByName(`${id} in eu`).health()).not.toBe(null);
    expect(await env.PIPES.getByName(id).health()).toBe(null);
    await env.PIPES.getByName(`${id} in eu`).destroy();
  });
});

describe("/healthz about the jurisdiction", () => {
  it("shows nothing of it unless one is set", async () => {
    expect(await healthOf(isolate(undefined))).toMatchObject({ code: 200, problems: [], jurisdiction: null });
  });

  it("shows what the objects' ids and the database tell", async () => {
    expect(await healthOf(isolate("eu", { DB: newlyMet("WEUR") }))).toMatchObject({
      code: 200,
      problems: [],
      jurisdiction: { set: "eu", objects: "eu", database_region: "WEUR" },
    });
  });

  it("reports a database that answers from outside of it, and objects that lie elsewhere", async () => {
    const america = await healthOf(isolate("eu", { DB: newlyMet("ENAM") }));
    expect([america.code, america.problems.map(({ reason }) => reason)]).toEqual([
      503,
      [expect.stringContaining("the database answers from ENAM")],
    ]);
    expect((await healthOf(isolate("fedramp", { DB: newlyMet("ENAM") }))).problems).toEqual([]);
    const elsewhere = { jurisdiction: () => divided(env.CONTACTS, "eu", "us") };
    const lied = await healthOf(isolate("eu", { CONTACTS: elsewhere, DB: newlyMet("EEUR") }));
    expect(lied.problems.map(({ reason }) => reason)).toEqual(["is eu, but objects are made with us"]);
  });

  it("says that the local runtime knows no jurisdictions, and everything works in it all the same", async () => {
    expect(() => env.CONTACTS.jurisdiction("eu")).toThrow("not implemented in workerd");
    const local = envWith({ STORAGE: { jurisdiction: "eu" }, DB: newlyMet() });
    expect(await deliver(await open(), local)).toEqual({ acked: [0], retried: [] });
    expect(await healthOf(local)).toMatchObject({
      code: 200,
      jurisdiction: { set: "eu", objects: NONE, database_region: null },
    });
  });
});
