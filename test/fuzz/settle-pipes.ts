// Checks after the last request: the witness pipe, which no request touched, must have passed everything on. All other
// pipes must be sound: they return no secret and no address, their state is consistent, and they can be deleted.

import { setTimeout as sleep } from "node:timers/promises";
import type { Edge } from "../../src/cli/edge.ts";
import { readEvents, type Api } from "../../src/demo/read-back.ts";
import { startReceiver, type Receiver } from "../../src/demo/receiver.ts";
import { decodePosition } from "../../src/store/feed-position.ts";
import { leaks } from "./oracles.ts";
import { API_TOKEN } from "./settings.ts";
import { ADDRESS } from "./worker-log.ts";

const POLL = 500; // ms
const STALLED = 45_000; // ms without any movement

/** The pipe that no request touches, and its receiver. */
export interface Witness {
  id: string;
  receiver: Receiver;
}

/** Starts the receiver of the witness pipe, which no request touches. */
export async function startWitness(): Promise<Receiver> {
  return await startReceiver({ down: 0, after: [] });
}

/** Creates the witness pipe, which passes everything on. */
export async function makeWitness(edge: Edge, receiver: Receiver): Promise<Witness> {
  const settings = { url: receiver.url, batch: true };
  const body = JSON.stringify({ name: "witness", kind: "webhook", settings });
  const { status, text } = await call(edge, "POST", "/pipes", body);
  if (status !== 201) throw new Error(`the witness could not be made: ${status} ${text}`);
  const { pipe, made }: { pipe: { id: string }; made: { signing_secret: string } } = JSON.parse(text);
  receiver.trust(made.signing_secret);
  return { id: pipe.id, receiver };
}

/** Waits until the witness has every stored event; reports the missing ones. */
export async function waitForWitness(
  api: Api,
  { receiver: { heard } }: Witness,
  onChange: (done: number, all: number) => void,
): Promise<string[]> {
  const events = await readEvents(api);
  let moved = Date.now();
  let before = -1;
  for (;;) {
    const missing = events.filter(({ id }) => !heard.events.has(id));
    onChange(events.length - missing.length, events.length);
    if (missing.length === 0) break;
    if (missing.length !== before) moved = Date.now();
    before = missing.length;
    if (Date.now() - moved > STALLED)
      return [`${missing.length} stored events were not passed on, such as ${missing[0]?.id}`];
    await sleep(POLL);
  }
  return heard.verified === heard.requests
    ? []
    : [`of ${heard.requests} requests of a pipe ${heard.verified} were signed`];
}

interface Pipe {
  id: string;
  name: string;
  status: "running" | "failing" | "paused";
  paused: { reason: string } | null;
  health: { position: string; behind: number; waiting: number; failure: string | null; down: unknown } | null;
}

/** Checks each pipe, resumes it, and deletes it. */
export async function judgePipes(edge: Edge, witness: Witness): Promise<{ wrong: string[]; pipes: number }> {
  const wrong: string[] = [];
  const ask = async (method: string, path: string, expected: readonly number[]): Promise<string> => {
    const { status, text } = await call(edge, method, path);
    if (!expected.includes(status)) wrong.push(`${method} /v1${path} was answered with ${status}: ${text}`);
    if (leaks(text)) wrong.push(`${method} /v1${path} shows a secret: ${text.slice(0, 500)}`);
    return text;
  };
  const { pipes }: { pipes: Pipe[] } = JSON.parse(await ask("GET", "/pipes", [200]));
  if (!pipes.some(({ id }) => id === witness.id)) wrong.push("the pipe that nobody touched is gone");
  for (const pipe of pipes) {
    const { id } = pipe;
    const unsound = whatIsUnsound(pipe);
    if (unsound !== null) wrong.push(`the pipe ${pipe.name}: ${unsound}: ${JSON.stringify(pipe)}`);
    const log = await ask("GET", `/attempts?pipe=${id}&limit=1000`, [200]);
    for (const { reason, excerpt } of attemptsOf(log)) {
      if (ADDRESS.test(`${reason ?? ""} ${excerpt ?? ""}`))
        wrong.push(`an attempt of ${pipe.name} shows an address: ${reason}, ${excerpt}`);
    }
    if (ADDRESS.test(`${pipe.health?.failure ?? ""} ${pipe.paused?.reason ?? ""}`))
      wrong.push(`the state of ${pipe.name} shows an address: ${JSON.stringify(pipe)}`);
    if (id === witness.id) continue;
    await ask("GET", `/pipes/${id}/waiting`, [200]);
    await ask("POST", `/pipes/${id}/resume`, [200]);
    await ask("POST", `/pipes/${id}/pause`, [200, 409]);
    await ask("DELETE", `/pipes/${id}`, [204]);
    await ask("GET", `/pipes/${id}`, [404]);
  }
  return { wrong, pipes: pipes.length };
}

function attemptsOf(log: string): { reason: string | null; excerpt: string | null }[] {
  try {
    return (
      (JSON.parse(log) as { attempts?: { reason: string | null; excerpt: string | null }[] }).attempts ?? []
    );
  } catch {
    return [];
  }
}

/** The inconsistencies in a pipe's state. */
function whatIsUnsound({ status, paused, health }: Pipe): string | null {
  if (health === null) return "it never began";
  if ((status === "paused") !== (paused !== null)) return "it is paused, or not";
  if (paused?.reason === "") return "it is paused for no reason";
  // Its circuit is open, or it refuses all events, one by one.
  if (status === "failing" && health.down === null && health.failure === null)
    return "it fails for no reason";
  const { position, behind, waiting } = health;
  if (decodePosition(position) === null) return "its position is no cursor";
  return [behind, waiting].every((n) => Number.isInteger(n) && n >= 0) ? null : "its counts are wrong";
}

async function call(
  { url }: Edge,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text() };
}
