// The scheduled jobs, through the Worker's own handlers: a job that fails or hangs holds up no other, and is reported.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { JOBS } from "../../src/jobs/index.ts";
import { runJobs } from "../../src/jobs/run.ts";
import { withOutages } from "../../src/store/outages.ts";
import type { Job } from "../../src/jobs/job.ts";
import {
  capture,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  rows,
  runScheduled,
  send,
} from "../support/support.ts";

const DAY = 86_400_000;

interface ShownJob {
  name: string;
  last_success: { at: string } | null;
  last_failure: { at: string; reason: string } | null;
  failing_since: string | null;
  problem: string | null;
}
interface Health {
  status: string;
  database: string;
  jobs: {
    name: string;
    last_success_at: string | null;
    last_failure_at: string | null;
    problem: string | null;
  }[];
}

const health = async (bindings = envWith()): Promise<[number, Health]> => {
  const response = await send(new Request("https://edge.example/healthz"), bindings);
  return [response.status, await response.json<Health>()];
};
const listed = async (): Promise<Map<string, ShownJob>> => {
  const request = new Request("https://edge.example/v1/jobs", {
    headers: { authorization: "Bearer reader" },
  });
  const API_TOKENS = JSON.stringify({ reader: { token: "reader", scopes: ["read"] } });
  const { jobs } = await (await send(request, envWith({ API_TOKENS }))).json<{ jobs: ShownJob[] }>();
  return new Map(jobs.map((job) => [job.name, job]));
};
const refuses = async (): Promise<never> => await Promise.reject(new Error("refused for ann@example.com"));
const hangs = async (): Promise<never> => await new Promise(() => {});
/** A database whose every call does this. */
const databaseThat = (does: () => Promise<never>): unknown => {
  const statement = { bind: () => statement, run: does, all: does, first: does, raw: does };
  return {
    prepare: () => statement,
    batch: does,
    withSession: () => ({ prepare: () => statement, batch: does }),
  };
};

let said: { message: string; job?: string; error?: string; stack?: string }[];
beforeEach(async () => {
  await freshStorage();
  said = [];
  for (const level of ["log", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line: (typeof said)[number]) => void said.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Puts a delivery into the spool, and stores an event that is due for deletion by retention. */
async function spoolAndExpire(): Promise<Record<string, unknown>> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 41 * DAY });
  await deliver(
    await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ time: Math.floor(Date.now() / 1000) })]))),
  );
  vi.useRealTimers();
  const refusing = envWith({ QUEUE: { send: refuses, sendBatch: refuses } });
  expect((await send(mailjetPost(JSON.stringify([mailjetEvent()])), refusing)).status).toBe(200);
  expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
  expect(await objects("spool/")).toHaveLength(1);
  return { RETENTION: { events_days: 40 } };
}

it("runs all other jobs if the queue refuses the spool's messages", async () => {
  const RETENTION = await spoolAndExpire();
  await runScheduled(envWith({ ...RETENTION, QUEUE: { send: refuses, sendBatch: refuses } }));
  expect(await figure("SELECT count(*) AS n FROM events")).toBe(0);
  expect(await objects("spool/")).toHaveLength(1);
  const jobs = await listed();
  expect([...jobs.keys()]).toEqual(JOBS.map(({ name }) => name));
  for (const { name, last_success, last_failure, failing_since } of jobs.values()) {
    const failed = name === "spool";
    expect([last_success === null, last_failure !== null, failing_since !== null], name).toEqual([
      failed,
      failed,
      failed,
    ]);
  }
  expect(jobs.get("spool")?.last_failure?.reason).toBe("the queue: Error: refused for (address)");
  expect(said).toContainEqual(expect.objectContaining({ message: "a job failed", job: "spool" }));
  const [status, { jobs: shown, database }] = await health();
  expect([status, database]).toEqual([200, "ok"]);
  expect(shown.find(({ name }) => name === "spool")).toMatchObject({ last_success_at: null, problem: null });
  expect(JSON.stringify(shown)).not.toContain("refused");

  const { queue, bodies } = capture();
  await runScheduled(envWith({ QUEUE: queue }));
  expect(bodies).toHaveLength(1);
  expect((await listed()).get("spool")).toMatchObject({
    last_success: {},
    last_failure: {},
    failing_since: null,
  });
});

it("ends a hanging job at its deadline, and runs the others meanwhile", async () => {
  const RETENTION = await spoolAndExpire();
  const list = async ({ prefix = "" }: { prefix?: string }) =>
    prefix === "spool/" ? await hangs() : await env.BUCKET.list({ prefix });
  const BUCKET = { list, get: hangs, put: hangs, delete: hangs };
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let over = false;
  const run = runScheduled(envWith({ ...RETENTION, BUCKET })).then(() => (over = true));
  await vi.waitFor(async () => expect(await figure("SELECT count(*) AS n FROM events")).toBe(0));
  await vi.waitFor(async () =>
    expect(await figure("SELECT count(*) AS n FROM jobs WHERE succeeded_at > 0")).toBe(JOBS.length - 1),
  );
  expect(over).toBe(false);
  const [spool] = JOBS;
  await vi.advanceTimersByTimeAsync(spool?.deadline ?? 0);
  await run;
  expect((await listed()).get("spool")?.last_failure?.reason).toMatch(
    /^the job spool: .*no answer within 60000 ms$/,
  );
});

it("runs the jobs that need no database while it is down, and /healthz reports the outage at once", async () => {
  await spoolAndExpire();
  const { queue, bodies } = capture();
  const bindings = envWith({ DB: databaseThat(refuses), QUEUE: queue });
  await runScheduled(bindings);
  expect(bodies).toHaveLength(1);
  expect(said.filter(({ message }) => message === "a job failed").map(({ job }) => job)).not.toContain(
    "spool",
  );
  expect(said).toContainEqual(
    expect.objectContaining({ message: "the end of a job was not noted", job: "spool" }),
  );
  expect(await health(bindings)).toMatchObject([
    200,
    { status: "degraded", database: "no answer", jobs: [] },
  ]);
  const hung = envWith({ DB: databaseThat(hangs) });
  expect(await health(hung)).toMatchObject([200, { status: "degraded", database: "no answer" }]);
});

it("logs a stack for a bug in a job, and none for an outage", async () => {
  const job = (name: string, run: Job["run"]): Job => ({
    name,
    does: "Fails.",
    deadline: 1_000,
    patience: 1_000,
    run,
  });
  await runJobs(envWith(), [
    job("bug", async () => await Promise.reject(new TypeError("x is not a function"))),
    job("outage", async (own) => void (await own.QUEUE.send("x"))),
    job("throws-at-once", () => {
      throw new RangeError("at once");
    }),
  ]);
  const QUEUE = { send: refuses };
  await runJobs(withOutages(envWith({ QUEUE })), [
    job("outage", async (own) => void (await own.QUEUE.send("x"))),
  ]);
  const failed = said.filter(({ message }) => message === "a job failed");
  expect(failed.map((line) => [line.job, line.stack !== undefined])).toEqual([
    ["bug", true],
    ["throws-at-once", true],
    ["outage", false],
  ]);
});

it("runs each job every minute, records a success only every ten minutes, and /healthz is degraded once the runs stop", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  let written = 0;
  const counting = new Proxy(env.DB, {
    get: (db, name) =>
      name === "prepare"
        ? (sql: string) => {
            const statement = db.prepare(sql);
            if (!sql.includes("INTO jobs")) return statement;
            const bind = (...values: unknown[]) => {
              const bound = statement.bind(...values);
              return {
                run: async () => {
                  const result = await bound.run();
                  written += result.meta.rows_written;
                  return result;
                },
              };
            };
            return { bind };
          }
        : (Reflect.get(db, name, db) as unknown),
  });
  for (let minute = 0; minute <= 30; minute++) {
    await runScheduled(
      envWith({
        DB: {
          prepare: (sql: string) => counting.prepare(sql),
          batch: async (all: D1PreparedStatement[]) => await env.DB.batch(all),
        },
      }),
    );
    vi.setSystemTime(Date.now() + 60_000);
  }
  expect(written).toBe(JOBS.length * 4); // at the beginning and every ten minutes
  expect((await health())[1]).toMatchObject({ status: "ok", database: "ok" });
  vi.setSystemTime(Date.now() + 16 * 60_000);
  const [status, { status: word, jobs }] = await health(envWith({ DB: counting }));
  expect([status, word]).toEqual([200, "degraded"]);
  expect(jobs.filter(({ problem }) => problem !== null).map(({ name }) => name)).toEqual(["spool", "pipes"]);
});

it("reports a full database at /healthz, and accepts deliveries meanwhile", async () => {
  const DB = {
    prepare: (sql: string) => ({
      all: async () => {
        const { results, meta } = await env.DB.prepare(sql).all();
        return { results, meta: { ...meta, size_after: 9_950_000_000 } };
      },
    }),
  };
  expect(await health(envWith({ DB }))).toMatchObject([200, { status: "degraded", database: "full" }]);
  const { queue, bodies } = capture();
  const post = mailjetPost(JSON.stringify([mailjetEvent()]));
  expect((await send(post, envWith({ DB, QUEUE: queue }))).status).toBe(200);
  expect(bodies).toHaveLength(1);
});

it("reports a database without the newest migrations as not migrated at /healthz", async () => {
  await env.DB.prepare("DROP TABLE jobs").run();
  await runScheduled(envWith());
  expect(await health()).toMatchObject([200, { status: "degraded", database: "not migrated" }]);
});

it("counts the pipes at /healthz that had to be paused, and not those that a person paused", async () => {
  const pipe = (id: string, paused: string | null): D1PreparedStatement =>
    env.DB.prepare(
      `INSERT INTO pipes (id, name, kind, settings, options, start, paused, revision, created_at, changed_at)
       VALUES (?1, ?1, 'webhook', '{}', '{}', '{}', ?2, 1, 0, 0)`,
    ).bind(id, paused);
  await env.DB.batch([pipe("runs", null), pipe("rests", "paused by ann")]);
  expect(await health()).toMatchObject([200, { status: "ok", pipes_paused: 0 }]);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10_000 }); // the answer is kept for seconds
  await pipe("stopped", "the destination took nothing for 75 hours").run();
  expect(await health()).toMatchObject([200, { status: "degraded", pipes_paused: 1 }]);
});

it("names the migrations at /healthz that the database lacks, or that this version does not know", async () => {
  const last = MIGRATIONS.at(-1) ?? "";
  await env.DB.prepare("DELETE FROM d1_migrations WHERE name = ?1").bind(last).run();
  expect(await health()).toMatchObject([
    200,
    { status: "degraded", database: "behind", database_hint: expect.stringContaining(`${last} is missing`) },
  ]);
  await env.DB.prepare("INSERT INTO d1_migrations (name) VALUES (?1), ('9999_later.sql')").bind(last).run();
  expect(await health()).toMatchObject([
    200,
    { status: "degraded", database: "ahead", database_hint: expect.stringContaining("9999_later.sql") },
  ]);
});

it("has jobs with distinct names, whose deadlines together fit into one scheduled run of the platform", () => {
  expect(new Set(JOBS.map(({ name }) => name)).size).toBe(JOBS.length);
  const all = JOBS.reduce((sum, { deadline }) => sum + deadline + 5_000, 0);
  expect(all).toBeLessThan(13 * 60_000); // even one after the other
  for (const { name, does } of JOBS)
    expect([name, does]).toEqual([expect.stringMatching(/^[a-z-]+$/), expect.stringMatching(/^[A-Z].*\.$/)]);
});

it("stores one row for each job and one without a name, and no others", async () => {
  await runScheduled(envWith());
  expect(
    (await rows<{ name: string }>("SELECT name FROM jobs ORDER BY name")).map(({ name }) => name),
  ).toEqual(["", ...JOBS.map(({ name }) => name)].toSorted());
});
