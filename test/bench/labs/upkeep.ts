// What is done with events after they were stored: erasing contacts, ending what is old, reading history anew. All of it
// goes through Tidings' own doors, at a time that is told, and answers with how long it took and what would be billed.
// There are two of everything but the objects, a small store and a large one, in the same runtime.

import tidings from "../../../src/index.ts";
import { encodeFrame, type Envelope } from "../../../src/model/envelope.ts";
import { getBatch, listBatches, putBatch } from "../../../src/store/bucket/archive.ts";
import { array, mailjetJson, type EventPlan } from "../events.ts";
import type {
  Archiving,
  Erasing,
  Mending,
  Place,
  Reading,
  Rebuilt,
  Removed,
  Running,
  Step,
  Store,
  Storing,
  Taken,
} from "../upkeep/questions.ts";
import { timeId } from "../../../src/lib/time-id.ts";
import { toBatch } from "./batch.ts";
import { clock } from "./clock.ts";
import {
  countedBucket,
  countedDatabase,
  countedNamespace,
  counts,
  NOTHING,
  rowsByTable,
  type Caller,
  type CountedContact,
  type Counts,
} from "./counted.ts";

export { CountedContact } from "./counted.ts";

type LabEnv = Omit<Env, "CONTACTS"> & {
  CONTACTS: DurableObjectNamespace<CountedContact>;
  DB_LARGE: D1Database;
  BUCKET_LARGE: R2Bucket;
  SCHEMA: string[];
};

// A scheduled run says what it ended, which would stand between the tables.
console.log = () => undefined;

/** Events in a POST. */
const GROUP = 50;
const MINUTE = 60_000;
/** Scheduled runs after which an erasure must be done. */
const MOST_RUNS = 20;

const bindings = new Map<string, Env>();
let database = 0;

const timed: Caller = async (call) => {
  const began = await clock();
  const result = await call();
  database += performance.now() - began;
  return result;
};

/** The same object for all calls, as it is in production: the configuration is read once per environment. */
function bindingsOf(env: LabEnv, place: Place, eventsDays: number | null = null): Env {
  const key = `${place} ${eventsDays}`;
  const known = bindings.get(key);
  if (known !== undefined) return known;
  const bound = {
    ...env,
    DB: countedDatabase(place === "small" ? env.DB : env.DB_LARGE, timed),
    BUCKET: countedBucket(bucketOf(env, place)),
    CONTACTS: countedNamespace(env.CONTACTS),
    ...(eventsDays === null ? {} : { RETENTION: { events_days: eventsDays } }),
  };
  bindings.set(key, bound);
  return bound;
}

const bucketOf = (env: LabEnv, place: Place): R2Bucket => (place === "large" ? env.BUCKET_LARGE : env.BUCKET);

const DOORS: Readonly<Record<string, (request: Request, env: LabEnv) => Promise<unknown>>> = {
  "/schema": async (_, env) => {
    for (const db of [env.DB, env.DB_LARGE]) await db.batch(env.SCHEMA.map((sql) => db.prepare(sql)));
    return null;
  },
  "/sql": async (request, env) => {
    const { database: name, statements } = await request.json<{
      database: "DB" | "DB_LARGE";
      statements: { sql: string; values?: unknown[] }[];
    }>();
    const db = env[name];
    await db.batch(statements.map(({ sql, values = [] }) => db.prepare(sql).bind(...values)));
    return null;
  },
  "/bare": async (request, env) => {
    const { store } = await request.json<{ store: Store }>();
    const { DB } = bindingsOf(env, store);
    return await measured(Date.now(), async () => await DB.prepare("SELECT 1 AS one").first());
  },
  "/store": async (request, env) => await storeSlice(await request.json<Storing>(), env),
  "/archive": async (request, env) => {
    const { store, now, slices } = await request.json<Archiving>();
    for (const plans of slices)
      await putBatch(
        bucketOf(env, store),
        newId(now),
        piecesOf(plans).map((some) => envelopeOf(some, now)),
      );
    return null;
  },
  "/erase": async (request, env) => await eraseContact(await request.json<Erasing>(), env),
  "/run": async (request, env) => {
    const { store, now, eventsDays } = await request.json<Running>();
    const db = store === "large" ? env.DB_LARGE : env.DB;
    const count = async () => (await db.prepare("SELECT count(*) AS n FROM events").first<number>("n")) ?? 0;
    const before = await count();
    const { result: _, ...taken } = await measured(now, async () => {
      await scheduled(bindingsOf(env, store, eventsDays));
    });
    return { ...taken, ended: before - (await count()) };
  },
  "/mend": async (request, env) => {
    const { store, from, to, find, replace } = await request.json<Mending>();
    const bucket = bucketOf(env, store);
    for (const batch of await listBatches(bucket, { from, to, after: null, limit: 1_000 })) {
      const envelopes = (await getBatch(bucket, batch)) ?? [];
      const mended = envelopes.map((envelope) => {
        const text = new TextDecoder().decode(envelope.body).replaceAll(find, replace);
        return { ...envelope, body: new TextEncoder().encode(text) };
      });
      await putBatch(bucket, batch, mended);
    }
    return null;
  },
  "/read": async (request, env) => {
    const { store, from, to, apply } = await request.json<Reading>();
    const body = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), limit: 200, apply };
    return await measured(
      Date.now(),
      async () => await call<Step>(env, store, "POST", "/v1/history/renormalise", body),
    );
  },
  "/rebuild": async (_, env) =>
    await measured(null, async () => await call<Rebuilt>(env, "rebuilt", "POST", "/v1/storage/rebuild")),
  "/rebuilding": async (_, { DB_LARGE }) =>
    (await DB_LARGE.prepare("SELECT events FROM rebuild").first<number>("events")) ?? 0,
};

export default {
  async fetch(request: Request, env: LabEnv): Promise<Response> {
    const door = DOORS[new URL(request.url).pathname];
    if (door === undefined) return new Response("there is no such door", { status: 404 });
    return Response.json(await door(request, env));
  },
};

/** Does the work at the time `now`, or while time goes on if it is null, and counts what it takes. */
async function measured<T>(now: number | null, work: () => Promise<T>): Promise<Taken & { result: T }> {
  const ownNow = Date.now;
  if (now !== null) Date.now = () => now;
  Object.assign(counts, NOTHING);
  rowsByTable.clear();
  database = 0;
  try {
    const began = await clock();
    const result = await work();
    const ms = (await clock()) - began;
    return { ms, database, counts: { ...counts }, tables: Object.fromEntries(rowsByTable), result };
  } finally {
    Date.now = ownNow;
  }
}

async function storeSlice(
  { store, now, receivedAt, plans }: Storing,
  env: LabEnv,
): Promise<Taken & { result: null }> {
  const frames = piecesOf(plans).map((some) => encodeFrame(envelopeOf(some, receivedAt)));
  const batch = toBatch<unknown>("tidings-deliveries", frames);
  const bound = bindingsOf(env, store);
  const taken = await measured(now, async () => {
    await tidings.queue(batch, bound, contextOf([]));
    return null;
  });
  batch.check();
  return taken;
}

/** The call, and the scheduled runs that it takes: as many as there are objects to look at, and the second look. */
async function eraseContact({ store, now, contact }: Erasing, env: LabEnv) {
  const path = `/v1/contacts/${encodeURIComponent(contact)}`;
  const asked = await measured(now, async () => await call<{ id: string }>(env, store, "DELETE", path));
  const { result: receiptOf, ...sum } = asked;
  for (let run = 1; run <= MOST_RUNS; run++) {
    const at = now + run * 25 * MINUTE;
    const more = await measured(at, async () => await scheduled(bindingsOf(env, store)));
    sum.ms += more.ms;
    sum.database += more.database;
    for (const name of Object.keys(sum.counts) as (keyof Counts)[]) sum.counts[name] += more.counts[name];
    for (const [table, rows] of Object.entries(more.tables))
      sum.tables[table] = (sum.tables[table] ?? 0) + rows;
    const receipt = await call<{ status: string; removed: Removed }>(
      env,
      store,
      "GET",
      `/v1/erasures/${receiptOf.id}`,
    );
    if (receipt.status === "done") return { ...sum, removed: receipt.removed };
  }
  throw new Error("an erasure did not end");
}

async function scheduled(env: Env): Promise<void> {
  const controller = { scheduledTime: Date.now(), cron: "* * * * *", noRetry: () => undefined };
  await tidings.scheduled(controller, env, contextOf([]));
}

async function call<T>(env: LabEnv, store: Place, method: string, path: string, body?: unknown): Promise<T> {
  const headers = { authorization: "Bearer bench-only", "content-type": "application/json" };
  const request = new Request(`https://edge.example${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const later: Promise<unknown>[] = [];
  const response = await tidings.fetch(request, bindingsOf(env, store), contextOf(later));
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  const answer = await response.json<T>();
  await Promise.all(later);
  return answer;
}

/** What is to be done after the answer is waited for, so that it is counted where it belongs. */
function contextOf(later: Promise<unknown>[]): ExecutionContext {
  const context = {
    waitUntil: (promise: Promise<unknown>) => void later.push(promise),
    passThroughOnException: () => undefined,
    props: {},
  };
  return context as unknown as ExecutionContext;
}

function envelopeOf(plans: readonly EventPlan[], receivedAt: number): Envelope {
  return {
    id: newId(receivedAt),
    source: "mailjet",
    provider: "mailjet",
    receivedAt,
    method: "POST",
    url: "https://edge.example/webhooks/mailjet",
    headers: [],
    body: new TextEncoder().encode(array(plans.map(mailjetJson))),
  };
}

const newId = (now: number): string => timeId(now, crypto.getRandomValues(new Uint8Array(10)));

function piecesOf<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / GROUP) }, (_, i) =>
    items.slice(i * GROUP, (i + 1) * GROUP),
  );
}
