// Helpers of several suites: requests as providers send them, the resulting queue messages, and figures from the
// database.

import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  getQueueResult,
  reset,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";
import { loadLazyModules } from "./lazy.ts";
import { asInvocation, checkMessages, readWithin, type Invocation } from "./limits.ts";
import { beginWorld, worldBegan } from "./world.ts";
import { createSchema } from "./database.ts";
import { databases, queryAll } from "./merged.ts";
import { databasesOf } from "../../src/store/shards/databases.ts";
import { setUp } from "../../src/store/shards/set-up.ts";
import { COUNT_REST } from "../../src/store/write/counting.ts";

await loadLazyModules();

export const QUEUE = "tidings-deliveries";
export const DEAD_QUEUE = "tidings-dead";

/** The bindings with the tests' credentials, and with the replacements of a test. */
export function envWith(
  changes: Partial<Record<keyof Env | "PIPE_KEYS" | "RETENTION" | "STORAGE", unknown>> = {},
): Env {
  return {
    ...env,
    SOURCES: {
      observed: { provider: "mailjet", ip_policy: "observe", ips: ["203.0.113.0/24"] },
      enforced: { provider: "mailjet", ip_policy: "enforce", ips: ["203.0.113.0/24", "2001:db8::/32"] },
    },
    SOURCE_CREDENTIALS: JSON.stringify({
      mailjet: ["user:secret-of-the-tests", "next:secret-of-the-tests"],
      jangomail: "jango-token-of-the-tests",
      generic: "generic-token-of-the-tests",
      observed: "observed-token-of-the-tests",
      enforced: "enforced-token-of-the-tests",
    }),
    API_TOKENS: JSON.stringify({ tests: "api-token" }),
    ...changes,
    ...storageOf(changes.STORAGE),
  } as Env;
}

/** The STORAGE of a test beside that of the run, which has the number of databases. */
function storageOf(changed: unknown): { STORAGE?: unknown } {
  const own: unknown = Reflect.get(env, "STORAGE");
  if (typeof changed !== "object" || typeof own !== "object") return {};
  return { STORAGE: { ...own, ...changed } };
}

const basic = (pair: string): string => `Basic ${btoa(pair)}`;

/** A POST as Mailjet sends it, with the right credentials unless `init` says otherwise. */
export function mailjetPost(body: BodyInit, path = "/webhooks/mailjet", init: RequestInit = {}): Request {
  const headers = new Headers({
    authorization: basic("user:secret-of-the-tests"),
    "content-type": "application/json",
  });
  for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
  return new Request(`https://edge.example${path}`, { method: "POST", ...init, body, headers });
}

/** One request through the Worker's own routes, with the given bindings. */
export async function send(request: Request, bindings: Env): Promise<Response> {
  const used: Invocation = { queries: 0, subrequests: 0 };
  const answer = async () => await worker.fetch(request, bindings, createExecutionContext());
  return readWithin(await asInvocation(answer, used), used);
}

/** A Mailjet event; fields that a test does not name are plausible. */
export function mailjetEvent(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    event: "open",
    time: 1_790_000_000,
    MessageID: 1000,
    email: "ann@example.com",
    mj_campaign_id: 7,
    mj_contact_id: 1,
    customcampaign: "",
    CustomID: "",
    Payload: "",
    ...fields,
  };
}

/** A queue producer that collects its messages instead of queueing them. */
export function capture(): { queue: Pick<Queue, "send" | "sendBatch">; bodies: Uint8Array[] } {
  const bodies: Uint8Array[] = [];
  const metadata = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  return {
    bodies,
    queue: {
      send: async (body) => (checkMessages([body]), bodies.push(body as Uint8Array), metadata),
      sendBatch: async (given) => {
        const messages = [...given];
        checkMessages(messages.map(({ body }) => body));
        for (const { body } of messages) bodies.push(body as Uint8Array);
        return metadata;
      },
    },
  };
}

/** The queue messages that the requests become. */
export async function messagesOf(...requests: Request[]): Promise<Uint8Array[]> {
  const { queue, bodies } = capture();
  for (const request of requests) {
    const response = await send(request, envWith({ QUEUE: queue }));
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
  }
  return bodies;
}

/** Delivers messages to the consumer as one batch; returns the indexes of acknowledged and of retried messages. */
export async function deliver(
  bodies: readonly unknown[],
  bindings: Env = envWith(),
  { queue = QUEUE, attempts = 1, firstId = 0 } = {},
): Promise<{ acked: number[]; retried: number[] }> {
  const messages = bodies.map((body, index) => ({
    id: String(firstId + index),
    timestamp: worldBegan(), // a message keeps its time of sending over redeliveries
    attempts,
    body,
  }));
  const batch = createMessageBatch(queue, messages);
  const context = createExecutionContext();
  await asInvocation(async () => await worker.queue(batch, bindings, context));
  const result = await getQueueResult(batch, context);
  return {
    acked: result.explicitAcks.map((id) => Number(id) - firstId),
    retried: result.retryMessages.map(({ msgId }) => Number(msgId) - firstId),
  };
}

/** Counts what is not counted yet, if the query reads counters: they are to hold what whoever reads them is told. */
async function countFor(sql: string): Promise<void> {
  if (/rollups|\bsources\b/.test(sql)) await countAll();
}

/** Counts what is not counted yet. */
export async function countAll(): Promise<void> {
  for (const db of databases()) await db.batch(COUNT_REST.map((sql) => db.prepare(sql)));
}

/** All rows of a query to everything that is stored, in however many databases. */
export async function rows<T = Record<string, unknown>>(sql: string): Promise<T[]> {
  await countFor(sql);
  return await queryAll<T>(sql);
}

/** A single number. */
export async function figure(sql: string): Promise<number> {
  const [row] = await rows<{ n: number | null }>(sql);
  return row?.n ?? 0;
}

/** The state that must not depend on how events arrived: without seq, versions, envelope ids and times of receipt. */
export async function finalState(): Promise<Record<string, unknown>> {
  return {
    events: await rows(
      "SELECT id, contact, at, source, type, message_id, campaign, element, custom_id, tags, reason, details FROM events ORDER BY id",
    ),
    messages: await rows("SELECT * FROM messages ORDER BY message_id, prefix"),
    contacts: await rows("SELECT contact, suppressed, since FROM contacts ORDER BY contact"),
    suppressions: await rows(
      "SELECT contact, reason, event, source, at, lifted_at, lifted_by FROM suppressions ORDER BY contact, reason, event",
    ),
    rollups: await rows("SELECT * FROM rollups ORDER BY bucket, source, type, bounce, machine, destination"),
    days: await rows("SELECT * FROM day_rollups ORDER BY day, source, type, bounce, machine, destination"),
    tags: await rows("SELECT * FROM tag_rollups ORDER BY day, tag, source, type, bounce, machine"),
    campaigns: await rows(
      "SELECT day, campaign, source, type, bounce, machine, n, gone, uniques, unique_humans FROM campaign_rollups ORDER BY day, campaign, source, type, bounce, machine",
    ),
    sources: await rows("SELECT source, events, duplicates, pings, outside FROM sources ORDER BY source"),
    letters: await rows("SELECT element, source, reason, raw FROM dead_letters ORDER BY reason, raw"),
  };
}

/** Empties all storage and creates the schema again. */
export async function freshStorage(): Promise<void> {
  await beginWorld();
  // `reset` overlooks what is not in memory, and a bucket or database that rested for ten seconds is not.
  await Promise.all([
    env.BUCKET.head("any"),
    ...databases().map(async (db) => await db.prepare("SELECT 1").run()),
  ]);
  await reset();
  for (const db of databases()) await createSchema(env.TEST_MIGRATIONS, db);
  if (databases().length > 1) await setUp(databasesOf(env), null);
}

/** Names of the bucket's objects under a prefix. */
export async function objects(prefix: string): Promise<string[]> {
  return (await env.BUCKET.list({ prefix })).objects.map(({ key }) => key);
}

/** A request to the API with the tests' token; `body`: sent as JSON. */
export async function askApi(
  method: string,
  path: string,
  body?: unknown,
  bindings: Env = envWith(),
): Promise<Response> {
  const headers = { authorization: "Bearer api-token" };
  const init =
    body === undefined
      ? { headers }
      : { headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
  return await send(new Request(`https://edge.example${path}`, { method, ...init }), bindings);
}

/** Replays a dead letter into a queue. */
export async function replay(id: string | undefined, queue: unknown): Promise<Response> {
  return await askApi("POST", `/v1/dead-letters/${id}/replay`, undefined, envWith({ QUEUE: queue }));
}

/** A scheduled run of the Worker. */
export async function runScheduled(bindings: Env = envWith()): Promise<void> {
  await worker.scheduled(createScheduledController(), bindings, createExecutionContext());
}

/** A GET of the API with the tests' token. */
export async function read(path: string, init: RequestInit = {}): Promise<Response> {
  const request = new Request(`https://edge.example${path}`, {
    ...init,
    headers: { authorization: "Bearer api-token", ...(init.headers as Record<string, string>) },
  });
  return await send(request, envWith());
}
