// Times the way from the queue to D1, inside of workerd: a batch of messages is made, then given to the consumer between
// two readings of the clock. All candidates store into databases and objects of the same runtime.

import tidings from "../../../src/index.ts";
import { encodeFrame } from "../../../src/model/envelope.ts";
import { configOf } from "../../../src/config/config.ts";
import { readEnvelope } from "../../../src/process/parse.ts";
import { FLOOR_SCHEMA, storeFloor, type FloorEnv, type FloorRow } from "../candidates/floor.ts";
import tutorial, {
  toEvent,
  TUTORIAL_SCHEMA,
  type MailEvent,
  type TutorialEnv,
} from "../candidates/tutorial.ts";
import { array, mailjetJson, type EventPlan } from "../events.ts";
import { timeId } from "../../../src/lib/time-id.ts";
import { FEED_END } from "../../../src/store/feed-rows.ts";
import { clock } from "./clock.ts";
import { toBatch } from "./batch.ts";
import { NOTHING_SPENT, watchDatabase, type Spent, type WatchedDatabase } from "./watched.ts";

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

/** Events to store, so many of them with each call of the consumer. */
export interface StoreQuestion {
  candidate: Storing;
  plans: readonly EventPlan[];
  together: number;
}

/** What storing took; of the tutorial, what its database spends is not looked at. */
export interface Timing extends Spent {
  /** ms in the consumer */
  ms: number;
  /** Events that are stored now and were not before. */
  stored: number;
}

/** Events in a POST. */
const GROUP = 50;
/** Messages that the platform hands over at once at most. */
const MOST_MESSAGES = 100;

type Store = (question: StoreQuestion, env: LabEnv, ctx: ExecutionContext) => Promise<Omit<Timing, "stored">>;

const CANDIDATES = {
  tidings: async (question, env, ctx) => await consume(question, env, ctx),
  large: async (question, env, ctx) => await consume(question, env, ctx),
  tutorial: async ({ plans, together }, env) => {
    const bindings = { ...env, DB: env.DB_TUTORIAL } as unknown as TutorialEnv;
    const events = plans.map((plan) => toEvent(JSON.parse(mailjetJson(plan)) as Record<string, unknown>));
    const batches = piecesOf(events, Math.min(together, MOST_MESSAGES)).map((some) =>
      toBatch<MailEvent>("tutorial", some),
    );
    const ms = await timed(async () => {
      for (const batch of batches) await tutorial.queue(batch, bindings);
    });
    for (const batch of batches) batch.check();
    return { ms, ...NOTHING_SPENT };
  },
  floor: async ({ plans, together }, env) => {
    const pieces = piecesOf(floorRows(plans, env), together);
    const { DB, spent } = watched("floor", env);
    const ms = await timed(async () => {
      for (const rows of pieces) await storeFloor(rows, { FLOOR: env.FLOOR, DB });
    });
    return { ms, ...spent };
  },
} satisfies Record<string, Store>;

export type Storing = keyof typeof CANDIDATES;

export default {
  async fetch(request: Request, env: LabEnv, ctx: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/schema") {
      for (const db of [env.DB, env.DB_LARGE]) await db.batch(env.SCHEMA.map((sql) => db.prepare(sql)));
      await env.DB_FLOOR.batch(FLOOR_SCHEMA.map((sql) => env.DB_FLOOR.prepare(sql)));
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
    const question = await request.json<StoreQuestion>();
    const { candidate } = question;
    const db = databaseOf(candidate, env);
    const before = await countOf(db, candidate);
    const timing = await CANDIDATES[candidate](question, env, ctx);
    return Response.json({ ...timing, stored: (await countOf(db, candidate)) - before });
  },
};

function databaseOf(candidate: Storing, env: LabEnv): D1Database {
  const databases = { tidings: env.DB, large: env.DB_LARGE, tutorial: env.DB_TUTORIAL, floor: env.DB_FLOOR };
  return databases[candidate];
}

/** How many events there are. Counting a million would take its time; there, nothing repeats, so the last seq tells. */
async function countOf(db: D1Database, candidate: Storing): Promise<number> {
  const sql = candidate === "large" ? `SELECT ${FEED_END} AS n` : "SELECT count(*) AS n FROM events";
  return (await db.prepare(sql).first<number>("n")) ?? 0;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = await clock();
  await work();
  return (await clock()) - began;
}

async function consume(
  { candidate, plans, together }: StoreQuestion,
  env: LabEnv,
  ctx: ExecutionContext,
): Promise<Omit<Timing, "stored">> {
  const batches = piecesOf(plans, together).map((some) =>
    toBatch<unknown>("tidings-deliveries", piecesOf(some, GROUP).map(frameOf)),
  );
  const { bindings, spent } = watched(candidate, env);
  const ms = await timed(async () => {
    for (const batch of batches) await tidings.queue(batch, bindings, ctx);
  });
  for (const batch of batches) batch.check();
  return { ms, ...spent };
}

const watches = new Map<Storing, WatchedDatabase & { bindings: Env }>();

/** The same bindings with every call, as in production: the configuration is read once for them. Nothing is spent yet. */
function watched(candidate: Storing, env: LabEnv): WatchedDatabase & { bindings: Env } {
  let watch = watches.get(candidate);
  if (watch === undefined) {
    const database = watchDatabase(databaseOf(candidate, env));
    watch = { ...database, bindings: { ...env, DB: database.DB } as unknown as Env };
    watches.set(candidate, watch);
  }
  Object.assign(watch.spent, NOTHING_SPENT);
  return watch;
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
