// Receivers for tests of pipes: functions in place of the network, and time that passes when a test says so.

import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, vi } from "vitest";
import {
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
  send,
} from "../support/support.ts";

/** A request as a receiver sees it. */
export interface Heard {
  url: string;
  id: string;
  attempt: string;
  type: string;
  contact: string;
  headers: Headers;
  body: string;
}

type Receiver = (heard: Heard) => Response | Promise<Response>;

/** By the first label of their host; whoever is not here takes everything. */
export const receivers = new Map<string, Receiver>();
/** What each took, in order. */
export const taken = new Map<string, Heard[]>();

/** Fresh storage, nobody who refuses anything, and a clock of our own for each test. */
export function withReceivers(): void {
  beforeEach(async () => {
    await freshStorage();
    receivers.clear();
    taken.clear();
    // Ahead of the platform's clock, so that no alarm goes off but by `pass`.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10 * 86_400_000 });
    vi.spyOn(globalThis, "fetch").mockImplementation(
      async (input, init) => await receive(new Request(input).url, init ?? {}),
    );
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

async function receive(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers as Record<string, string>);
  const body = typeof init.body === "string" ? init.body : "";
  // Of an array the first one is shown.
  const [told] = [JSON.parse(body)].flat() as [{ type: string; data: { contact: string } }];
  const id = headers.get("webhook-id") ?? "";
  const attempt = headers.get("tidings-attempt") ?? "";
  const heard = { url, id, attempt, type: told.type, contact: told.data.contact, headers, body };
  const name = new URL(url).hostname.split(".")[0] ?? "";
  const answer = await (receivers.get(name)?.(heard) ?? new Response(null, { status: 204 }));
  if (answer.ok) taken.set(name, [...(taken.get(name) ?? []), heard]);
  return answer;
}

/** Ids of the events that a receiver took. */
export const ids = (name: string): string[] => (taken.get(name) ?? []).map(({ id }) => id);
export const status = (code: number, headers = {}): Response => new Response("no", { status: code, headers });

export const ask = async (
  method: string,
  path: string,
  body?: unknown,
  bindings = envWith(),
): Promise<Response> =>
  await send(
    new Request(`https://edge.example/v1${path}`, {
      method,
      headers: { authorization: "Bearer api-token", "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    }),
    bindings,
  );

/** Makes a webhook whose receiver has its name; its id. */
export async function make(name: string, more: Record<string, unknown> = {}): Promise<string> {
  const settings = { url: `https://${name}.example.com/hook` };
  const response = await ask("POST", "/pipes", { name, kind: "webhook", settings, ...more });
  expect(response.status, await response.clone().text()).toBe(201);
  return (await response.json<{ pipe: { id: string } }>()).pipe.id;
}

interface Shown {
  name: string;
  settings: Record<string, unknown>;
  secrets: string[];
  filter: string | null;
  status: string;
  condition: string;
  paused: { reason: string } | null;
  health: {
    behind: number;
    waiting: number;
    delivered: number;
    filtered: number;
    given_up: number;
    down: { reason: string } | null;
  };
}
export const show = async (id: string): Promise<Shown> =>
  await (await ask("GET", `/pipes/${id}`)).json<Shown>();

/** Lets time pass, and every pipe do what it does by itself, until nothing happens for the moment. */
export async function pass(ms = 0): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  for (const { id } of await rows<{ id: string }>("SELECT id FROM pipes")) {
    const stub = env.PIPES.getByName(id);
    await stub.wake();
    for (let i = 0; i < 500; i++) {
      const { next_at } = (await stub.health()) ?? { next_at: null };
      if (next_at === null || next_at > Date.now()) break;
      await runDurableObjectAlarm(stub);
    }
  }
}

let made = 0;

/** Stores an event of each of the contacts; the events' ids in the order of their feeds. */
export async function store(contacts: readonly string[], event = "open"): Promise<string[]> {
  const known = new Set((await rows<{ id: string }>("SELECT id FROM events")).map(({ id }) => id));
  const events = contacts.map((email) => {
    made += 1;
    return mailjetEvent({ event, email, time: 1_790_000_000 + made, MessageID: made });
  });
  for (let i = 0; i < events.length; i += 200)
    await deliver(await messagesOf(mailjetPost(JSON.stringify(events.slice(i, i + 200)))));
  const stored = await rows<{ id: string }>("SELECT id FROM events ORDER BY seq");
  return stored.flatMap(({ id }) => (known.has(id) ? [] : [id]));
}

export const people = (n: number): string[] => Array.from({ length: n }, (_, i) => `p${i}@example.com`);
