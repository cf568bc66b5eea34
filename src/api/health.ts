// GET /healthz, for probes: whether deliveries can be accepted (200, or 503 if the configuration is wrong), and also
// whether the database answers and the scheduled jobs do their work. These two appear in the body but do not change the
// status: deliveries are accepted without a database, so no probe should send them elsewhere because of it.
//
// The route needs no token, so the answer contains no reasons of failures (GET /v1/jobs does), no names that may be
// secrets by mistake, and few requests reach the database. With an admin's token of API_TOKENS it names every setting.

import { configOf, type Config } from "../config/config.ts";
import { publicProblems } from "../config/public-problems.ts";
import { digestOf } from "../config/tables.ts";
import { healthOf } from "../jobs/health.ts";
import { JOBS } from "../jobs/index.ts";
import { within } from "../lib/deadline.ts";
import { describeError, isOutage } from "../lib/outage.ts";
import { readJobs, type JobRecords } from "../store/jobs.ts";
import { storeOf } from "../store/db.ts";
import { originalOf, withOutages } from "../store/outages.ts";
import { version } from "../version.ts";
import { bearerOf, hasEnded } from "./kit/auth.ts";
import { isoOrNull } from "./views.ts";

/** How long to wait for the database, and for how long its answer is reused, ms. */
const DEADLINE = 2_000;
const KNOWN_FOR = 5_000;

/**
 * From this size on, in bytes, the database is reported as full: D1 refuses every write at 10 GB
 * (https://developers.cloudflare.com/d1/platform/limits/). Reading goes on, and what cannot be stored waits.
 */
const FULL = 9_900_000_000;

type Database =
  | { state: "ok" | "full"; records: JobRecords }
  | { state: "no answer" | "not migrated"; records: null };

const known = new WeakMap<object, { database: Database; until: number }>();

/** Answers a probe. `authorization`: the header of that name. */
export async function answerHealth(env: Env, authorization: string | undefined): Promise<Response> {
  const config = configOf(env);
  const problems = isAdmin(config, authorization)
    ? config.problems.map(({ setting, reason }) => ({ setting, reason }))
    : publicProblems(config);
  const { state, records } = await databaseOf(withOutages(env));
  const jobs = records === null ? [] : healthOf(JOBS, records, Date.now());
  const well = state === "ok" && jobs.every(({ problem }) => problem === null);
  const status = problems.length > 0 ? "misconfigured" : well ? "ok" : "degraded";
  const shown = jobs.map(({ job, record, problem }) => ({
    name: job.name,
    last_success_at: isoOrNull(record?.succeeded_at ?? null),
    last_failure_at: isoOrNull(record?.failed_at ?? null),
    problem,
  }));
  const body = { status, version, problems, database: state, jobs: shown };
  return Response.json(body, { status: problems.length > 0 ? 503 : 200 });
}

/** Whether the header holds a token of the configuration with the scope admin. Others are not looked up here. */
function isAdmin({ tokens }: Config, authorization: string | undefined): boolean {
  const shown = bearerOf(authorization);
  const token = shown === null ? undefined : tokens.get(digestOf(shown));
  return token !== undefined && token.scopes.includes("admin") && !hasEnded(token, Date.now());
}

async function databaseOf(env: Env): Promise<Database> {
  const before = known.get(originalOf(env));
  if (before !== undefined && before.until > Date.now()) return before.database;
  const database = await ask(storeOf(env));
  known.set(originalOf(env), { database, until: Date.now() + KNOWN_FOR });
  return database;
}

async function ask(db: D1Database): Promise<Database> {
  try {
    const records = await within(DEADLINE, "the database", readJobs(db));
    return { state: records.size < FULL ? "ok" : "full", records };
  } catch (error) {
    if (isOutage(error)) return { state: "no answer", records: null };
    console.error({ message: "the database does not know the jobs", ...describeError(error) });
    return { state: "not migrated", records: null };
  }
}
