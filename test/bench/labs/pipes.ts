// The Worker whose pipes are measured: Tidings with its database and objects, and beside the pipes an object that does
// nothing but send, which is how a destination's own speed is found.

import { DurableObject } from "cloudflare:workers";
import tidings from "../../../src/index.ts";
import { wakePipes } from "../../../src/pipes/wake.ts";
import { encodeFrame } from "../../../src/model/envelope.ts";
import { array, mailjetJson, type EventPlan } from "../events.ts";
import { timeId } from "../../../src/lib/time-id.ts";
import { toBatch } from "./batch.ts";
import { countedDatabase, countedNamespace, counts, NOTHING, type CountedPipe } from "./counted.ts";

export { Contact, Pipe } from "../../../src/index.ts";
export { CountedPipe } from "./counted.ts";

type LabEnv = Omit<Env, "PIPES"> & {
  PIPES: DurableObjectNamespace<CountedPipe>;
  FLOOR: DurableObjectNamespace<FloorPipe>;
  SCHEMA: string[];
};

// Evenly spread, so that also a small run logs the very share of successes that it is to log.
const GOLDEN = (Math.sqrt(5) - 1) / 2;
let drawn = 0;
Math.random = () => (drawn = (drawn + GOLDEN) % 1);

/** The same request again and again. */
export interface Sending {
  url: string;
  headers: Record<string, string>;
  body: string;
  requests: number;
  /** Requests under way at once. */
  concurrency: number;
}

/** Events to be stored as the queue brings them. Stretches of time with the same `stretch` share what an isolate knows. */
export interface Storing {
  stretch: number;
  plans: EventPlan[];
}

/** The destination's own speed: a pipe without reading, rendering, signing, accounts or state. */
export class FloorPipe extends DurableObject {
  async send({ url, headers, body, requests, concurrency }: Sending): Promise<void> {
    let left = requests;
    const lane = async (): Promise<void> => {
      while (left-- > 0) {
        const response = await fetch(url, { method: "POST", headers, body });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`answered ${response.status}`);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
  }
}

let present: { stretch: number; env: Env } | null = null;

/** Knows nothing yet of which pipes there are, as an isolate that was just started, whenever a new stretch begins. */
function envOf(env: LabEnv, stretch: number): Env {
  const PIPES = countedNamespace(env.PIPES);
  const fresh = (): Env => ({ ...env, DB: countedDatabase(env.DB), PIPES });
  if (present?.stretch !== stretch) present = { stretch, env: fresh() };
  return present.env;
}

const WALK = "SELECT place, body FROM ready WHERE place > ?1 ORDER BY place LIMIT 1000";

const DOORS: Readonly<
  Record<string, (request: Request, env: LabEnv, ctx: ExecutionContext) => Promise<unknown>>
> = {
  "/schema": async (_, env) => {
    await env.DB.batch(env.SCHEMA.map((sql) => env.DB.prepare(sql)));
    return null;
  },
  "/sql": async (request, env) => {
    const { statements } = await request.json<{ statements: { sql: string; values?: unknown[] }[] }>();
    await env.DB.batch(statements.map(({ sql, values = [] }) => env.DB.prepare(sql).bind(...values)));
    return null;
  },
  // The least that reading all events can be: rows of text that are kept ready, page by page.
  "/walk": async (_, env) => {
    let place = 0;
    for (;;) {
      const { results } = await env.DB.prepare(WALK).bind(place).all<{ place: number; body: string }>();
      const last = results.at(-1);
      if (last === undefined) return place;
      place = last.place;
    }
  },
  "/send": async (request, env) => {
    await env.FLOOR.getByName("floor").send(await request.json<Sending>());
    return null;
  },
  "/store": async (request, env, ctx) => {
    const { stretch, plans } = await request.json<Storing>();
    const batch = toBatch<unknown>("tidings-deliveries", [frameOf(plans)]);
    await tidings.queue(batch, envOf(env, stretch), ctx);
    const at = performance.timeOrigin + performance.now(); // of the last answer that storing waited for
    batch.check();
    return at;
  },
  "/wake": async (request, env) => {
    const { stretch } = await request.json<{ stretch: number }>();
    await wakePipes(envOf(env, stretch), Date.now());
    return null;
  },
  "/counts": async () => {
    const counted = { ...counts };
    Object.assign(counts, NOTHING);
    return counted;
  },
  "/bare": async (_, env) => await env.DB.prepare("SELECT 1 AS one").first(),
};

export default {
  async fetch(request: Request, env: LabEnv, ctx: ExecutionContext): Promise<Response> {
    const door = DOORS[new URL(request.url).pathname];
    if (door !== undefined) return Response.json(await door(request, env, ctx));
    return await tidings.fetch(request, env, ctx);
  },
};

function frameOf(plans: readonly EventPlan[]): Uint8Array {
  const now = Date.now();
  return encodeFrame({
    id: timeId(now, crypto.getRandomValues(new Uint8Array(10))),
    source: "mailjet",
    provider: "mailjet",
    receivedAt: now,
    method: "POST",
    url: "https://edge.example/webhooks/mailjet",
    headers: [],
    body: new TextEncoder().encode(array(plans.map(mailjetJson))),
  });
}
