// /v1/status: says in sentences what is bad, and answers 503 then, so that a monitor needs to understand nothing else.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, HOUR } from "../../src/lib/time.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  runScheduled,
  send,
} from "../support/support.ts";

interface Finding {
  about: string;
  name: string | null;
  finding: string;
  advice: string;
  since: string | null;
}
interface Status {
  status: string;
  version: string;
  checked_at: string;
  findings: Finding[];
}

const KEY = Buffer.alloc(32, 7).toString("base64");
const sound = (changes: Parameters<typeof envWith>[0] = {}): Env =>
  envWith({ PIPE_KEYS: JSON.stringify({ own: KEY }), ...changes });

async function ask(bindings = sound()): Promise<{ code: number; status: string; findings: Finding[] }> {
  const answer = await askApi("GET", "/v1/status", undefined, bindings);
  const { status, findings, version, checked_at } = await answer.json<Status>();
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(Math.abs(Date.parse(checked_at) - Date.now())).toBeLessThan(60_000);
  expect(findings.length === 0).toBe(status === "ok");
  for (const { finding, advice } of findings)
    for (const sentence of [finding, advice]) expect(sentence).toMatch(/^[A-Z].*[.!)]$/s);
  return { code: answer.status, status, findings };
}
const told = ({ findings }: { findings: Finding[] }): string[] =>
  findings.map(({ about, name }) => `${about} ${name}`);

const FINE = { code: 200, status: "ok", findings: [] };

beforeEach(freshStorage);
afterEach(() => void vi.useRealTimers());

/** Stores an event of the source mailjet that happens and is received now. */
async function report(message: number): Promise<void> {
  const time = Math.floor(Date.now() / 1000);
  await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ time, MessageID: message })]))));
}

describe("the status", () => {
  it("is ok in a fresh deployment, and while everything works", async () => {
    expect(await ask()).toEqual(FINE);
    await report(1);
    await runScheduled(sound());
    expect(await ask()).toEqual(FINE);
  });

  it("names missing secrets and wrong settings, and hides misplaced names from all but admins", async () => {
    expectLogs(/the configuration has problems/);
    const API_TOKENS = JSON.stringify({
      tests: "api-token",
      reader: { token: "reader-token", scopes: ["read"] },
      hunter2: { sha256: "abc" },
    });
    const bindings = envWith({ API_TOKENS, SOURCE_CREDENTIALS: undefined, PIPE_KEYS: undefined });
    const { code, findings } = await ask(bindings);
    expect(code).toBe(503);
    expect(told({ findings }).slice(0, 3)).toEqual([
      "configuration SOURCE_CREDENTIALS",
      "configuration API_TOKENS.hunter2.sha256",
      "configuration PIPE_KEYS",
    ]);
    expect(findings[0]?.finding).toContain("SOURCE_CREDENTIALS: is not set");
    const answer = await askApi("GET", "/v1/status", undefined, {
      ...bindings,
      API_TOKENS: API_TOKENS.replace("api-token", "another-token").replace("reader-token", "api-token"),
    });
    const text = await answer.text();
    expect([answer.status, text.includes("API_TOKENS."), text.includes("hunter2")]).toEqual([
      503,
      true,
      false,
    ]);
  });

  it("names a pipe that is paused, until it is resumed, and one whose secrets no key opens", async () => {
    const wanted = { name: "crm", kind: "webhook", settings: { url: "https://crm.example.com/hook" } };
    const made = await askApi("POST", "/v1/pipes", wanted, sound());
    expect(made.status).toBe(201);
    const { pipe } = await made.json<{ pipe: { id: string } }>();
    expect(await ask()).toEqual(FINE);
    await askApi("POST", `/v1/pipes/${pipe.id}/pause`, undefined, sound());
    const paused = await ask();
    expect([paused.code, ...told(paused)]).toEqual([503, "pipe crm"]);
    expect(paused.findings[0]).toMatchObject({
      finding: "The pipe crm is paused, so its destination gets nothing. The reason: paused by tests.",
      advice: expect.stringContaining(`/v1/pipes/${pipe.id}/resume`) as string,
      since: expect.any(String) as string,
    });
    await askApi("POST", `/v1/pipes/${pipe.id}/resume`, undefined, sound());
    expect(await ask()).toEqual(FINE);
    const lost = await ask(sound({ PIPE_KEYS: JSON.stringify({ other: KEY }) }));
    expect([lost.code, ...told(lost)]).toEqual([503, "pipe crm"]);
    expect(lost.findings[0]?.finding).toContain("no key named own");
  });

  it("names a source that is open no longer, or was configured and never opened", async () => {
    await report(1);
    const SOURCE_CREDENTIALS = JSON.stringify({ observed: "observed-token-of-the-tests" });
    const closed = await ask(sound({ SOURCE_CREDENTIALS }));
    expect([closed.code, ...told(closed)]).toEqual([503, "source enforced", "source mailjet"]);
    const [never, before] = closed.findings;
    expect(never?.finding).toMatch(/refuses every request\. It never accepted one\.$/);
    expect(before?.finding).toMatch(/refuses every request\. It accepted the last one at 20\d\d-/);
    // Nobody misses a provider that was given up a while ago.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 8 * DAY });
    expect(told(await ask(sound({ SOURCE_CREDENTIALS })))).not.toContain("source mailjet");
  });

  it("names a source that is silent for longer than its last weeks explain, until it reports again", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 60 * DAY });
    for (let day = 0; day < 8; day++) {
      await report(day);
      vi.setSystemTime(Date.now() + DAY);
    }
    expect(told(await ask())).not.toContain("source mailjet");
    vi.setSystemTime(Date.now() + DAY);
    const quiet = await ask();
    expect(quiet.code).toBe(503);
    const finding = quiet.findings.find(({ about }) => about === "source");
    expect(finding?.name).toBe("mailjet");
    expect(finding?.finding).toBe(
      "The source mailjet has been silent for 48 hours. By the habit of its last weeks, 36 are usual.",
    );
    await report(100);
    expect(told(await ask())).not.toContain("source mailjet");
  });

  it("lets a source be silent that has no habit, or had such pauses before", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 60 * DAY });
    await report(0);
    vi.setSystemTime(Date.now() + 6 * DAY);
    expect(told(await ask())).not.toContain("source mailjet");
    for (let day = 0; day < 6; day++) {
      await report(day + 1);
      vi.setSystemTime(Date.now() + 4 * DAY);
      expect(told(await ask()), `${day}`).not.toContain("source mailjet");
    }
    vi.setSystemTime(Date.now() + 4 * DAY);
    expect(told(await ask())).toContain("source mailjet");
  });

  it("names dead letters that pile up: many of one day, but not a few", async () => {
    const broken = (n: number) => mailjetPost(JSON.stringify(Array.from({ length: n }, () => "x")));
    await deliver(await messagesOf(broken(9)));
    expect(await ask()).toEqual(FINE);
    await deliver(await messagesOf(broken(1)));
    const piled = await ask();
    expect([piled.code, ...told(piled)]).toEqual([503, "dead_letters mailjet"]);
    expect(piled.findings[0]?.finding).toMatch(
      /^The source mailjet has 10 dead letters, 10 of them received since 20/,
    );
    // Those of other days count once there are a hundred.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 25 * HOUR });
    expect(told(await ask())).not.toContain("dead_letters mailjet");
    await deliver(await messagesOf(broken(9)));
    await env.DB.prepare(
      `INSERT INTO dead_letters (id, envelope, element, source, provider, reason, raw, received_at)
       WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 199)
       SELECT '0000.' || i, '0000', i, source, provider, reason, raw, received_at FROM n, (SELECT * FROM dead_letters LIMIT 1)`,
    ).run();
    expect(told(await ask())).toContain("dead_letters mailjet");
  });

  it("names a job that does not succeed, with the reason of its last failure", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    await runScheduled(sound());
    const refuses = async (): Promise<never> => await Promise.reject(new Error("the queue is away"));
    expectLogs(/a job failed/, /an envelope was not taken/);
    const bindings = sound({ QUEUE: { send: refuses, sendBatch: refuses } });
    expect((await send(mailjetPost(JSON.stringify([mailjetEvent()])), bindings)).status).toBe(200);
    expect(await objects("spool/")).toHaveLength(1);
    for (let minutes = 0; minutes <= 16; minutes += 8) {
      await runScheduled(bindings);
      vi.setSystemTime(Date.now() + 8 * 60_000);
    }
    const late = await ask();
    expect([late.code, ...told(late)]).toEqual([503, "job spool"]);
    expect(late.findings[0]?.finding).toMatch(/^The scheduled job spool has not succeeded .*queue is away/);
  });

  it("names a database that lacks migrations, or is lost", async () => {
    await report(1);
    const last = MIGRATIONS.at(-1) ?? "";
    await env.DB.prepare("DELETE FROM d1_migrations WHERE name = ?1").bind(last).run();
    const behind = await ask();
    expect([behind.code, ...told(behind)]).toEqual([503, "database null"]);
    expect(behind.findings[0]?.advice).toContain(`${last} is missing`);
    const archived = await objects("archive/");
    const bodies = await Promise.all(
      archived.map(async (key) => await (await env.BUCKET.get(key))?.arrayBuffer()),
    );
    await freshStorage();
    for (const [i, key] of archived.entries()) await env.BUCKET.put(key, bodies[i] ?? "");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR });
    const lost = await ask();
    expect(lost.code).toBe(503);
    expect(lost.findings[0]).toMatchObject({
      about: "database",
      finding: "The database is empty, although the archive has deliveries: it was lost or replaced.",
      advice: expect.stringContaining("Do not send") as string,
    });
  });

  it("is told although the database is down", async () => {
    const fails = async (): Promise<never> => await Promise.reject(new Error("D1_ERROR: away"));
    const statement = { bind: () => statement, run: fails, all: fails, first: fails, raw: fails };
    const session = { prepare: () => statement, batch: fails, getBookmark: () => null };
    const DB = { ...session, withSession: () => session };
    expectLogs(/a use was not noted/);
    const down = await ask(sound({ DB }));
    expect([down.code, ...told(down)]).toEqual([503, "database null"]);
    expect(down.findings[0]?.finding).toBe("The database did not answer in time.");
  });

  it("tells everything else if one part cannot be read", async () => {
    const wanted = { name: "crm", kind: "webhook", settings: { url: "https://crm.example.com/hook" } };
    await askApi("POST", "/v1/pipes", wanted, sound());
    const PIPES = {
      getByName: () => ({ health: async () => await Promise.reject(new Error("the object is away")) }),
    };
    const away = await ask(sound({ PIPES }));
    expect([away.code, ...told(away)]).toEqual([503, "pipe crm"]);
    await env.DB.prepare("DROP TABLE dead_letters").run();
    expectLogs(/a check of the status failed/);
    const part = await ask(sound({ PIPES }));
    expect([part.code, ...told(part)]).toEqual([503, "pipe crm", "source null"]);
    expect(part.findings[1]?.finding).toBe("The state of the sources could not be read.");
  });
});
