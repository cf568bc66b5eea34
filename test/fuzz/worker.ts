// The fuzz's Worker: Tidings with the instruments of the fuzz. It logs which queue messages were acknowledged and which
// will be redelivered, has a route into the queue of Cloudflare Email Service, and blocks all outgoing traffic:
// requests to other machines are answered here, and only the fuzz's own receivers on this machine are called.

import { Socket } from "node:net";
import { env as bindings } from "cloudflare:workers";
import worker from "../../src/index.ts";
import { configOf } from "../../src/config/config.ts";
import { decodeMessage } from "../../src/process/decode.ts";
import { readEnvelope } from "../../src/process/parse.ts";

export { Contact, Pipe } from "../../src/index.ts";

/** Begins the log lines that are meant for the fuzz. */
const MARK = "fuzz-queue ";
const EMAIL_EVENTS = "/fuzz/email-events";
const MOST_PER_ENVELOPE = 1_000; // as the dead letters have it

const KEPT_IN = "fuzz-kept-in";

/** Ports of the receivers: the witness pipe's, and the hostile one, to which all other pipes deliver. */
const [WITNESS, HOSTILE] = ((bindings as { FUZZ_RECEIVERS?: string }).FUZZ_RECEIVERS ?? "").split(",");

const toReceivers = globalThis.fetch.bind(globalThis);

/** Answers requests to other machines with the status that their host or path names, and with the request's body. */
globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input.toString());
  if (url.hostname === "127.0.0.1" && HOSTILE !== undefined) {
    url.protocol = "http:";
    if (url.port !== WITNESS) url.port = HOSTILE;
    return await toReceivers(url, init);
  }
  console.log(KEPT_IN);
  // Subscriptions are confirmed; certificates are not available.
  if (url.searchParams.get("Action") === "ConfirmSubscription") return new Response(null);
  const status = Number(/\b[2-5]\d\d\b/.exec(`${url.hostname.replace(/^s/, "")}${url.pathname}`)?.[0] ?? 404);
  const sent = `${JSON.stringify(init?.headers ?? {})}${typeof init?.body === "string" ? init.body : ""}`;
  return new Response(status === 204 || status === 304 ? null : sent, { status });
};

/** Sockets, which AMQP uses, connect to no host. */
Socket.prototype.connect = function (this: Socket): Socket {
  console.log(KEPT_IN);
  queueMicrotask(() => this.destroy(new Error("connect ECONNREFUSED")));
  return this;
};

const PLACEHOLDER = /~pipe(\d{1,3})/g;

/**
 * The text with each index of a pipe replaced by that pipe's id, in the order of creation; the witness is not included.
 */
async function withIds(text: string, db: D1Database): Promise<string> {
  if (!text.includes("~pipe")) return text;
  const { results } = await db
    .prepare("SELECT id FROM pipes WHERE name <> 'witness' ORDER BY id")
    .all<{ id: string }>();
  return text.replaceAll(PLACEHOLDER, (_, place) => results[Number(place) % results.length]?.id ?? "none");
}

/** The request with the ids of pipes in it; only requests for redeliveries name pipes in their body. */
async function named(request: Request, db: D1Database): Promise<Request> {
  const url = await withIds(request.url, db);
  const { method, headers } = request;
  if (url.endsWith("/v1/redeliveries") && method === "POST") {
    const body = await request.text().then(
      async (text) => await withIds(text, db),
      () => null, // a body that breaks off is answered like an empty one
    );
    return new Request(url, { method, headers, body });
  }
  return url === request.url ? request : new Request(url, request);
}

export default {
  ...worker,

  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== EMAIL_EVENTS)
      return await worker.fetch(await named(request, env.DB), env, context);
    const bodies = await bodiesOf(request);
    if (bodies.length === 0) return Response.json({ queued: 0 });
    try {
      await env.EMAIL_EVENTS.sendBatch(bodies.map((body) => ({ body, contentType: "json" })));
      return Response.json({ queued: bodies.length });
    } catch {
      return Response.json({ queued: 0 }); // larger than a queue's message may be
    }
  },

  async queue(batch, env, context) {
    const told: [id: string, elements: number, attempts: number, end: string][] = [];
    const messages: Message[] = [];
    for (const message of batch.messages) messages.push(await watched(message, env, told));
    const { queue, metadata } = batch;
    const whole = { ackAll: () => batch.ackAll(), retryAll: () => batch.retryAll() };
    await worker.queue({ queue, metadata, messages, ...whole }, env, context);
    console.log(MARK + JSON.stringify({ queue, messages: told }));
  },
} satisfies ExportedHandler<Env>;

/** The message, wrapped to log its envelope's id, its number of elements, and how it ends. */
async function watched(
  message: Message,
  env: Env,
  told: [string, number, number, string][],
): Promise<Message> {
  const { envelope, problem } = await decodeMessage(message, env.BUCKET);
  // The Worker makes the same call after this one, and logs a failure.
  const {
    events: candidates,
    duplicates,
    pings,
    rejects,
  } = readEnvelope({ envelope, batch: "", line: 0, problem }, configOf(env));
  const dead = rejects.length > MOST_PER_ENVELOPE ? 1 : rejects.length;
  const note: [string, number, number, string] = [
    envelope.id,
    candidates.length + duplicates + pings + dead,
    message.attempts,
    "none",
  ];
  told.push(note);
  const { id, timestamp, attempts, body } = message;
  return {
    id,
    timestamp,
    attempts,
    body,
    ack: () => {
      note[3] = "ack";
      message.ack();
    },
    retry: (options) => {
      note[3] = "retry";
      message.retry(options);
    },
  };
}

/** Deeper values stop the local queue, which then does not deliver the messages beside them either. */
const DEEPEST = 1_000;

function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const bracket of json.match(/[[{\]}]/g) ?? []) {
    depth += /[[{]/.test(bracket) ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** The items of a JSON array, or the one value, that fit into a batch. */
async function bodiesOf(request: Request): Promise<unknown[]> {
  try {
    const value: unknown = JSON.parse(await request.text());
    const all: unknown[] = Array.isArray(value) ? value : [value];
    return all.filter((one) => one !== null && depthOf(JSON.stringify(one)) < DEEPEST).slice(0, 50);
  } catch {
    return [];
  }
}
