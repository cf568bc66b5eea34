// A second deployment of Tidings, whose pipe leads back to a source of the first. It is the same code at another host:
// its door, its parser and its sender. Only the storage between them is missing, because a loop cannot be told there; a
// set of ids takes the place of the contacts' claims.

import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { configOf } from "../../src/config/config.ts";
import worker from "../../src/index.ts";
import { decodeFrame } from "../../src/model/envelope.ts";
import { attempt } from "../../src/pipes/attempt.ts";
import { webhook } from "../../src/pipes/kinds/webhook.ts";
import { eventRow } from "../../src/pipes/rows.ts";
import { toSelected } from "../../src/pipes/select.ts";
import { readEnvelope } from "../../src/process/parse.ts";
import { toEvents } from "../../src/store/events/event-columns.ts";
import { capture } from "../support/support.ts";

/** What signs the requests of all simulated pipes. */
export const SIGNING_SECRET = `whsec_${btoa("a secret of thirty-two bytes ...")}`;

/** A request that a pipe makes. */
export interface PipeCall {
  headers: Record<string, string>;
  body: string;
}

/** The answer of the second deployment: what its pipe sends because of a request, and how many elements it kept back. */
export interface PassedOn {
  status: number;
  calls: PipeCall[];
  /** Elements of which it made an event, now or earlier. */
  read: number;
  /** Dead letters. */
  letters: number;
}

/** A new second deployment. It gets one request at a time. */
export function makeSecondDeployment(): (call: PipeCall) => Promise<PassedOn> {
  const known = new Set<string>();
  const { queue, bodies } = capture();
  const bindings = {
    ...env,
    QUEUE: queue,
    SOURCES: { first: { provider: "generic" } },
    SOURCE_CREDENTIALS: JSON.stringify({ first: SIGNING_SECRET }),
    API_TOKENS: "{}",
  } as unknown as Env;
  return async ({ headers, body }) => {
    const request = new Request("https://second.example/webhooks/first", { method: "POST", headers, body });
    const { status } = await worker.fetch(request, bindings, createExecutionContext());
    const passed: PassedOn = { status, calls: [], read: 0, letters: 0 };
    for (const frame of bodies.splice(0)) {
      const { envelope, batch } = await decodeFrame(frame);
      if (batch !== null) throw new Error("the body is too long for a message");
      const parsed = readEnvelope({ envelope, batch: "", line: 0, problem: null }, configOf(bindings));
      passed.read += parsed.events.length + parsed.duplicates;
      passed.letters += parsed.rejects.length;
      const fresh = parsed.events.filter(({ row }) => !known.has(row.id));
      for (const { row } of fresh) known.add(row.id);
      const events = await toEvents(fresh.map(({ row }) => ({ ...row, seq: 1 })));
      const outgoing = events.map((event) => toSelected("event", eventRow(event)).out);
      const batches = body.startsWith("[") ? [outgoing] : outgoing.map((one) => [one]);
      for (const some of batches) if (some.length > 0) passed.calls.push(await callWith(bindings, some));
    }
    return passed;
  };
}

type Outgoing = ReturnType<typeof toSelected>["out"];

/** The request of the second deployment's pipe for these events. */
async function callWith(bindings: Env, events: readonly Outgoing[]): Promise<PipeCall> {
  const settings = webhook.settings.parse({
    url: "https://first.example.com/webhooks/loop",
    batch: events.length > 1,
    signing_secrets: [SIGNING_SECRET],
  });
  const calls: PipeCall[] = [];
  const call: typeof fetch = async (_url, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers));
    calls.push({ headers, body: typeof init?.body === "string" ? init.body : "" });
    return new Response(null, { status: 200 });
  };
  await attempt(bindings, { kind: webhook, settings, kept: new Map(), call }, events);
  const [made] = calls;
  if (made === undefined) throw new Error("the second deployment sent nothing");
  return made;
}
