// GET /healthz, for probes: whether deliveries can be accepted (200, or 503 if the configuration is wrong), and also
// whether the database answers, the scheduled jobs do their work, and no pipe had to be paused. These appear in the body but do not change the
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
import type { Db } from "../store/db.ts";
import { arePeopleKnown, readRebuild } from "../store/rebuild/rebuilds.ts";
import { countStopped } from "../store/pipes/pipes.ts";
import { compareSchema, isLost, type SchemaDifference } from "../store/schema.ts";
import { settleEach } from "../store/shards/each.ts";
import { shardsOf, type Shard } from "../store/shards.ts";
import { originalOf, withOutages } from "../store/outages.ts";
import { readFill, sizeOf } from "../store/storage/fill.ts";
import { hasRoom, levelOf, THRESHOLDS, WAITS_FROM } from "../model/storage/level.ts";
import { bindingOf } from "../model/storage/shards.ts";
import { version } from "../version.ts";
import { examineShards } from "./databases.ts";
import { examineJurisdiction } from "./jurisdiction.ts";
import { bearerOf, hasEnded } from "./kit/auth.ts";
import { isoOrNull } from "./views.ts";

/** How long to wait for the database, and for how long its answer is reused, ms. */
const DEADLINE = 2_000;
const KNOWN_FOR = 5_000;

/** What /healthz and /v1/status say of the database. */
export interface Database {
  state: "ok" | "full" | "no answer" | "not migrated" | "behind" | "ahead" | "empty" | "rebuilding";
  /** What is wrong, or soon will be, and what to do; null if nothing is. */
  hint: string | null;
  records: JobRecords | null;
  /** How many pipes Tidings has paused; 0 if that is not known. */
  stopped?: number;
}

const known = new WeakMap<object, { database: Database; until: number }>();

/** Answers a probe. `authorization`: the header of that name. */
export async function answerHealth(env: Env, authorization: string | undefined): Promise<Response> {
  const config = configOf(env);
  const [place, databases, database] = await Promise.all([
    examineJurisdiction(env),
    examineShards(env),
    databaseOf(withOutages(env), config.storage.limit),
  ]);
  const { state, hint, records, stopped = 0 } = database;
  const ofSettings = isAdmin(config, authorization)
    ? config.problems.map(({ setting, reason }) => ({ setting, reason }))
    : publicProblems(config);
  const problems = [...ofSettings, ...place.problems, ...databases];
  const jobs = records === null ? [] : healthOf(JOBS, records, Date.now());
  const well = state === "ok" && stopped === 0 && jobs.every(({ problem }) => problem === null);
  const status = problems.length > 0 ? "misconfigured" : well ? "ok" : "degraded";
  const shown = jobs.map(({ job, record, problem }) => ({
    name: job.name,
    last_success_at: isoOrNull(record?.succeeded_at ?? null),
    last_failure_at: isoOrNull(record?.failed_at ?? null),
    problem,
  }));
  const body = {
    status,
    version,
    problems,
    database: state,
    database_hint: hint,
    pipes_paused: stopped,
    jurisdiction: place.shown,
    jobs: shown,
  };
  return Response.json(body, { status: problems.length > 0 ? 503 : 200 });
}

/** Whether the header holds a token of the configuration with the scope admin. Others are not looked up here. */
function isAdmin({ tokens }: Config, authorization: string | undefined): boolean {
  const shown = bearerOf(authorization);
  const token = shown === null ? undefined : tokens.get(digestOf(shown));
  return token !== undefined && token.scopes.includes("admin") && !hasEnded(token, Date.now());
}

/**
 * The state of the database, at most five seconds old. Never rejects. `env`: with its outages tagged; `limit`: the largest
 * size of the database, bytes.
 */
export async function databaseOf(env: Env, limit: number): Promise<Database> {
  const before = known.get(originalOf(env));
  if (before !== undefined && before.until > Date.now()) return before.database;
  const database = await ask(env, limit);
  known.set(originalOf(env), { database, until: Date.now() + KNOWN_FOR });
  return database;
}

async function ask(env: Env, limit: number): Promise<Database> {
  const { home, all } = shardsOf(env);
  try {
    const database = await within(DEADLINE, "the database", examine(home, env.BUCKET, limit));
    if (database.state !== "ok") return database;
    return { ...database, ...(await firstBadOf(all.slice(1), limit)) };
  } catch (error) {
    if (isOutage(error)) return { ...NO_ANSWER, records: null };
    console.error({ message: "the database is not as this version expects it", ...describeError(error) });
    return { state: "not migrated", hint: MIGRATE, records: null };
  }
}

/** What is wrong with the first of the further databases with which anything is; nothing if all are well. */
async function firstBadOf(
  others: readonly Shard[],
  limit: number,
): Promise<Partial<Pick<Database, "state" | "hint">>> {
  const found = await settleEach(
    others,
    async ({ db }) => await within(DEADLINE, "the database", examineOther(db, limit)),
  );
  const bad = found.flatMap((one, index) => {
    const name = bindingOf(others[index]?.index ?? 0);
    if (one.status === "fulfilled") return one.value === null ? [] : [{ ...one.value, name }];
    if (isOutage(one.reason)) return [{ ...NO_ANSWER, name }];
    console.error({
      message: "a database is not as this version expects it",
      database: name,
      ...describeError(one.reason),
    });
    return [{ state: "not migrated" as const, hint: MIGRATE, name }];
  });
  const [first] = bad.toSorted((a, b) => Number(a.state === "ok") - Number(b.state === "ok"));
  return first === undefined ? {} : { state: first.state, hint: `${first.name}: ${first.hint}` };
}

/** What is wrong, or soon will be, with a further database; null if nothing is. */
async function examineOther(db: Db, limit: number): Promise<Pick<Database, "state" | "hint"> | null> {
  const schema = await compareSchema(db);
  if (schema === null) return { state: "not migrated", hint: MIGRATE };
  return differenceInWords(schema) ?? (await fillingOf(db, await sizeOf(db), limit));
}

const NO_ANSWER = { state: "no answer", hint: "The database did not answer in time." } as const;
const MIGRATE = "Apply the migrations: npm run deploy; on your own machine, start npm start again.";

/** What to say of a database whose migrations are not this version's; null if they are. */
function differenceInWords({ missing, unknown }: SchemaDifference): Pick<Database, "state" | "hint"> | null {
  const [first] = missing;
  if (first !== undefined) {
    const others = missing.length > 1 ? ` and ${missing.length - 1} more are` : " is";
    return { state: "behind", hint: `The migration ${first}${others} missing. ${MIGRATE}` };
  }
  if (unknown.length === 0) return null;
  const hint = `The database has migrations of a newer version: ${unknown.join(", ")}. Deploy that version again.`;
  return { state: "ahead", hint };
}

async function examine(db: Db, bucket: R2Bucket, limit: number): Promise<Database> {
  const schema = await compareSchema(db);
  const difference = schema === null ? null : differenceInWords(schema);
  if (difference?.state === "behind")
    return { ...difference, records: await readJobs(db).catch(nothingUnlessDown) };
  const records = await readJobs(db);
  if (difference !== null) return { ...difference, records };
  const filling = await fillingOf(db, records.size, limit);
  if (filling?.state === "full") return { ...filling, records };
  if (await isLost(db, bucket, Date.now())) {
    const hint =
      "The database is empty, and the archive is not: it was lost or replaced. Do not send, because nobody is known to be " +
      "suppressed. See src/docs/recovery.md, A lost database.";
    return { state: "empty", hint, records };
  }
  const rebuild = await readRebuild(db);
  if (rebuild !== null && rebuild.finished_at === null) {
    const hint = arePeopleKnown(rebuild)
      ? "The database is being rebuilt. Suppressions are back; older events and statistics are not complete."
      : "The database is being rebuilt. Do not send yet, because not everybody is known who is suppressed.";
    return { state: "rebuilding", hint, records };
  }
  return { state: "ok", hint: filling?.hint ?? null, records, stopped: await countStopped(db) };
}

/** What to say of a database that is filling, or full; null of another. `size` and `limit`: bytes. */
async function fillingOf(
  db: Db,
  size: number,
  limit: number,
): Promise<Pick<Database, "state" | "hint"> | null> {
  const [first] = THRESHOLDS;
  if (size < (limit * first) / 100) return null; // what is free in it makes it only less
  const fill = await readFill(db, limit);
  const { threshold } = levelOf(fill);
  if (threshold === null) return null;
  const level = `The database is more than ${threshold} % full.`;
  if (threshold < WAITS_FROM) return { state: "ok", hint: `${level} ${FILLING}` };
  return { state: "full", hint: `${level} ${hasRoom(fill) ? LAST_ROOM : WAITING}` };
}

const SEE = "See GET /v1/storage, and src/docs/storage.md.";
const FILLING = `Set a retention, or a shorter one, before deliveries have to wait. ${SEE}`;
const LAST_ROOM = `Deliveries will have to wait in the queue soon. Make room. ${SEE}`;
const WAITING = `Deliveries wait in the queue until there is room, and none is lost. Make room. ${SEE}`;

/** An older database may lack the jobs' table; that it lacks a migration is told anyway. */
function nothingUnlessDown(error: unknown): null {
  if (isOutage(error)) throw error;
  return null;
}
