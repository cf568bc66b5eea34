// Times the way from the queue to D1, inside of workerd: a batch of messages is made, then given to the consumer between
// two readings of the clock. All candidates store into databases and objects of the same runtime.

import tidings from "../../../src/index.ts";
import { encodeFrame } from "../../../src/model/envelope.ts";
import { configOf } from "../../../src/config/config.ts";
import { readEnvelope } from "../../../src/process/parse.ts";
import { storeFloor, type FloorEnv, type FloorRow } from "../candidates/floor.ts";
import tutorial, {
  toEvent,
  TUTORIAL_SCHEMA,
  type MailEvent,
  type TutorialEnv,
} from "../candidates/tutorial.ts";
import { array, mailjetJson, type EventPlan } from "../events.ts";
import { timeId } from "../../../src/lib/time-id.ts";
import { clock } from "./clock.ts";
import { toBatch } from "./batch.ts";

export { Contact } from "../../../src/index.ts";
export { SeenContact } from "../candidates/tutorial.ts";
export { FloorContact } from "../candidates/floor.ts";

type LabEnv = Env & {
  DB_FLOOR: D1Database;
  DB_TUTORIAL: D1Database;
  /** Tidings' database with many events in it. */
  DB_LARGE: D1Database;
  SEEN: TutorialEnv["SEEN"];
  FLOOR: FloorEnv["FLOOR"];
  SCHEMA: string[];
};

interface SqlQuestion {
  database: "DB" | "DB_LARGE";
  statements: { sql: string; values?: unknown[] }[];
}

/** A question to Tidings over one of its databases. */
export interface ApiQuestion {
  candidate: "tidings" | "large";
  path: string;
  headers: Record<string, string>;
}

export interface Timing {
  /** ms in the consumer, and of these in calls of the database */
  ms: number;
  database: number;
  /** Events that are stored now and were not before. */
  stored: number;
}

/** Events in a POST. */
const GROUP = 50;
/** Messages that the platform hands over at once at most. */
const MOST_MESSAGES = 100;

const CANDIDATES = {
  tidings: async (plans, env, ctx) => await consume(plans, env, env.DB, ctx),
  large: async (plans, env, ctx) => await consume(plans, env, env.DB_LARGE, ctx),
  tutorial: async (plans, env) => {
    const bindings = { ...env, DB: env.DB_TUTORIAL } as unknown as TutorialEnv;
    const events = plans.map((plan) => toEvent(JSON.parse(mailjetJson(plan)) as Record<string, unknown>));
    const batches = piecesOf(events, MOST_MESSAGES).map((some) => toBatch<MailEvent>("tutorial", some));
    const ms = await timed(async () => {
      for (const batch of batches) await tutorial.queue(batch, bindings);
    });
    for (const batch of batches) batch.check();
    return { ms, database: 0 };
  },
  floor: async (plans, env) => {
    const rows = floorRows(plans, env);
    const ms = await timed(async () => await storeFloor(rows, { FLOOR: env.FLOOR, DB: env.DB_FLOOR }));
    return { ms, database: 0 };
  },
} satisfies Record<
  string,
  (plans: EventPlan[], env: LabEnv, ctx: ExecutionContext) => Promise<Omit<Timing, "stored">>
>;

export type Storing = keyof typeof CANDIDATES;

export default {
  async fetch(request: Request, env: LabEnv, ctx: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/schema") {
      for (const db of [env.DB, env.DB_LARGE, env.DB_FLOOR])
        await db.batch(env.SCHEMA.map((sql) => db.prepare(sql)));
      await env.DB_TUTORIAL.batch(TUTORIAL_SCHEMA.map((sql) => env.DB_TUTORIAL.prepare(sql)));
      return Response.json(null);
    }
    if (pathname === "/sql") {
      const { database, statements } = await request.json<SqlQuestion>();
      const db = env[database];
      await db.batch(statements.map(({ sql, values = [] }) => db.prepare(sql).bind(...values)));
      return Response.json(null);
    }
    if (pathname === "/ask") {
      const { candidate, path, headers } = await request.json<ApiQuestion>();
      const asked = new Request(new URL(path, request.url), { headers });
      return await tidings.fetch(asked, { ...env, DB: databaseOf(candidate, env) }, ctx);
    }
    const { candidate, plans } = await request.json<{ candidate: Storing; plans: EventPlan[] }>();
    const db = databaseOf(candidate, env);
    const before = await countOf(db, candidate);
    const timing = await CANDIDATES[candidate](plans, env, ctx);
    return Response.json({ ...timing, stored: (await countOf(db, candidate)) - before });
  },
};

function databaseOf(candidate: Storing, env: LabEnv): D1Database {
  const databases = { tidings: env.DB, large: env.DB_LARGE, tutorial: env.DB_TUTORIAL, floor: env.DB_FLOOR };
  return databases[candidate];
}

/** How many events there are. Counting a million would take its time; there, nothing repeats, so the last seq tells. */
async function countOf(db: D1Database, candidate: Storing): Promise<number> {
  const sql = candidate === "large" ? "SELECT max(seq) AS n FROM events" : "SELECT count(*) AS n FROM events";
  return (await db.prepare(sql).first<number>("n")) ?? 0;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = await clock();
  await work();
  return (await clock()) - began;
}

async function consume(
  plans: EventPlan[],
  env: LabEnv,
  db: D1Database,
  ctx: ExecutionContext,
): Promise<Omit<Timing, "stored">> {
  let database = 0;
  const DB = {
    prepare: (sql: string) => db.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) => {
      const began = performance.now(); // the clock stands where the last answer of an object or the bucket came
      const results = await db.batch(statements);
      database += performance.now() - began;
      return results;
    },
  };
  const frames = piecesOf(plans, GROUP).map(frameOf);
  const batch = toBatch<unknown>("tidings-deliveries", frames);
  const ms = await timed(async () => await tidings.queue(batch, { ...env, DB } as unknown as Env, ctx));
  batch.check();
  return { ms, database };
}

function envelopeOf(plans: readonly EventPlan[]) {
  return {
    id: timeId(Date.now(), crypto.getRandomValues(new Uint8Array(10))),
    source: "mailjet",
    provider: "mailjet",
    receivedAt: Date.now(),
    method: "POST",
    url: "https://edge.example/webhooks/mailjet",
    headers: [],
    body: new TextEncoder().encode(array(plans.map(mailjetJson))),
  };
}

function frameOf(plans: readonly EventPlan[]): Uint8Array {
  return encodeFrame(envelopeOf(plans));
}

/** The very rows that Tidings would store. */
function floorRows(plans: readonly EventPlan[], env: LabEnv): FloorRow[] {
  const located = {
    envelope: envelopeOf(plans),
    batch: timeId(0, new Uint8Array(10)),
    line: 0,
    problem: null,
  };
  return readEnvelope(located, configOf(env)).events.map(({ row }) => [
    row.id,
    row.contact,
    row.at,
    row.received_at,
    row.source,
    row.provider,
    row.type,
    row.bounce ?? "",
    row.destination,
    row.machine,
    row.message_id,
    row.campaign,
    row.batch,
    row.line,
    row.element,
    row.details,
  ]);
}

function piecesOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
