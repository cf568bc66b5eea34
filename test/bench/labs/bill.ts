// Runs stages of a month through a candidate, from the POST to D1, at a time that is told, and answers with what of it
// the platform would bill.

import tidings from "../../../src/index.ts";
import tutorial, { TUTORIAL_SCHEMA, type MailEvent, type TutorialEnv } from "../candidates/tutorial.ts";
import { array, mailjetJson, type EventPlan } from "../events.ts";
import { toBatch } from "./batch.ts";
import { clock } from "./clock.ts";
import {
  countedBucket,
  countedDatabase,
  countedNamespace,
  countMessage,
  counts,
  NOTHING,
  type CountedContact,
} from "./counted.ts";

export { CountedContact, CountedSeenContact } from "./counted.ts";

type LabEnv = Omit<Env, "CONTACTS"> & {
  CONTACTS: DurableObjectNamespace<CountedContact>;
  DB_TUTORIAL: D1Database;
  SEEN: TutorialEnv["SEEN"];
  SCHEMA: string[];
  WEBHOOK_AUTH: string;
};

export interface Stage {
  candidate: "tidings" | "tutorial";
  /** ms since the epoch, when all of it happens. */
  now: number;
  plans: EventPlan[];
  /** Messages that a consumer gets at once. */
  batch: number;
  /** Contacts whose alarm rings, for Tidings. */
  alarms: string[];
}

/** Events in a POST. */
const GROUP = 50;

const metadata = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };

export default {
  async fetch(request: Request, env: LabEnv, ctx: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname === "/schema") {
      await env.DB.batch(env.SCHEMA.map((sql) => env.DB.prepare(sql)));
      await env.DB_TUTORIAL.batch(TUTORIAL_SCHEMA.map((sql) => env.DB_TUTORIAL.prepare(sql)));
      return Response.json(null);
    }
    const stage = await request.json<Stage>();
    Object.assign(counts, NOTHING);
    const ownNow = Date.now;
    Date.now = () => stage.now;
    try {
      const began = await clock();
      await (stage.candidate === "tidings" ? runTidings(stage, env, ctx) : runTutorial(stage, env));
      counts.ms = (await clock()) - began;
    } finally {
      Date.now = ownNow;
    }
    return Response.json(counts);
  },
};

async function runTidings(
  { plans, batch, alarms }: Stage,
  env: LabEnv,
  ctx: ExecutionContext,
): Promise<void> {
  const sent: Uint8Array[] = [];
  const QUEUE = {
    send: async (body: Uint8Array) => {
      countMessage(body.length);
      sent.push(body);
      return metadata;
    },
  };
  const bindings = {
    ...env,
    QUEUE,
    DB: countedDatabase(env.DB),
    BUCKET: countedBucket(env.BUCKET),
    CONTACTS: countedNamespace(env.CONTACTS),
  } as unknown as Env;
  await post(plans, env, async (request) => await tidings.fetch(request, bindings, ctx));
  for (const some of piecesOf(sent, batch)) {
    counts.requests += 1;
    const messages = toBatch<unknown>("tidings-deliveries", some);
    await tidings.queue(messages, bindings, ctx);
    messages.check();
  }
  for (const name of alarms) {
    counts.objectRequests += 1;
    await env.CONTACTS.getByName(name).ring();
  }
}

async function runTutorial({ plans, batch }: Stage, env: LabEnv): Promise<void> {
  const sent: MailEvent[] = [];
  const QUEUE = {
    sendBatch: async (messages: Iterable<{ body: MailEvent }>) => {
      for (const { body } of messages) {
        countMessage(new TextEncoder().encode(JSON.stringify(body)).length);
        sent.push(body);
      }
      return metadata;
    },
  };
  const bindings = {
    ...env,
    QUEUE,
    DB: countedDatabase(env.DB_TUTORIAL),
    SEEN: countedNamespace(env.SEEN),
  } as unknown as TutorialEnv;
  await post(plans, env, async (request) => await tutorial.fetch(request, bindings));
  for (const some of piecesOf(sent, batch)) {
    counts.requests += 1;
    const messages = toBatch("tutorial", some);
    await tutorial.queue(messages, bindings);
    messages.check();
  }
}

async function post(
  plans: readonly EventPlan[],
  { WEBHOOK_AUTH }: LabEnv,
  handle: (request: Request) => Promise<Response>,
): Promise<void> {
  for (const some of piecesOf(plans, GROUP)) {
    counts.requests += 1;
    const body = new TextEncoder().encode(array(some.map(mailjetJson)));
    const headers = { authorization: `Basic ${btoa(WEBHOOK_AUTH)}`, "content-length": String(body.length) };
    const { status } = await handle(
      new Request("https://edge.example/webhooks/mailjet", { method: "POST", headers, body }),
    );
    if (status !== 200) throw new Error(`answered ${status}`);
  }
}

function piecesOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
