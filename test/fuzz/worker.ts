// The fuzz's Worker: Tidings, and beside it what the fuzz needs to see. It tells in its log which queue messages were
// acknowledged and which will come again, has a door into the queue of Cloudflare Email Service, and lets nothing out:
// what a provider's message asks to be fetched is answered here.

import worker from "../../src/index.ts";
import { configOf } from "../../src/config.ts";
import { open } from "../../src/process/consume.ts";
import { readEnvelope } from "../../src/process/work.ts";

export { Contact, Pipe } from "../../src/index.ts";

/** Begins the log's lines that are for the fuzz. */
const MARK = "fuzz-queue ";
const EMAIL_EVENTS = "/fuzz/email-events";
const MOST_PER_ENVELOPE = 1_000; // as the dead letters have it

/** Subscriptions are confirmed; certificates are not to be had. */
globalThis.fetch = async (input) =>
  new Response(null, { status: /Action=ConfirmSubscription/.test(urlOf(input)) ? 200 : 404 });

function urlOf(input: RequestInfo | URL): string {
  return input instanceof Request ? input.url : input.toString();
}

export default {
  ...worker,

  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== EMAIL_EVENTS) return await worker.fetch(request, env, context);
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

/** The message, noting its envelope's id, how many elements have to come of it, and how it ends. */
async function watched(
  message: Message,
  env: Env,
  told: [string, number, number, string][],
): Promise<Message> {
  const { envelope, problem } = await open(message, env.BUCKET);
  // The Worker's own call of the same comes after this one, and tells in the log where it fails.
  const { candidates, duplicates, pings, rejects } = readEnvelope(
    { envelope, batch: "", line: 0, problem },
    configOf(env),
  );
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

/** Deeper ones stop the local queue, which then delivers nothing that waits beside them either. */
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
