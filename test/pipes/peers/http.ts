// What peers that speak HTTP have in common: they keep what they took, and can be told to fail in every way below the
// protocol's own.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import {
  listen,
  readAll,
  startRooms,
  stopServer,
  type Peer,
  type Room,
  type RoomState,
  type Taken,
} from "./rooms.ts";

/** A request, read to its end. */
export interface PeerRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body: string;
  bytes: Buffer;
}

export interface PeerAnswer {
  status: number;
  headers?: Record<string, string>;
  /** Text as it is, anything else as JSON. */
  body?: unknown;
  /** What the peer took with this request. */
  taken?: Taken[];
}

/**
 * How a room behaves; the rest of it is the peer's own, such as `items`: what to answer for the events at these places.
 * - `on`: only with requests whose path has this in it; `times`: only with so many
 * - `answer`: instead of the peer's own
 * - `delay`: ms before the answer
 * - `fault`: `hang`: no answer; `cut`: the connection ends before it; `cut_body`: within it; `hang_body`: the answer
 *   begins
 *   and never ends; `flood`: it never stops coming; `echo`: 200 with all of the request
 */
export interface Behaviour {
  on?: string;
  times?: number;
  answer?: Omit<PeerAnswer, "taken">;
  delay?: number;
  fault?: "hang" | "cut" | "cut_body" | "hang_body" | "flood" | "echo";
  items?: Record<string, string>;
  [setting: string]: unknown;
}

/** A peer's protocol: what it does with a request where it is not told otherwise. */
export type Protocol = (request: PeerRequest, behaviour: Behaviour) => PeerAnswer;

/** Starts a peer; `protocol` makes that of one room, with whatever it remembers. */
export async function startHttpPeer(protocol: () => Protocol): Promise<Peer> {
  return await startRooms(() => openRoom(protocol()));
}

const EMPTY = (): Omit<RoomState, "open"> => ({ taken: [], requests: 0, refused: [], flooded: 0 });

async function openRoom(protocol: Protocol): Promise<Room> {
  let behaviour: Behaviour = {};
  let state = EMPTY();
  const open = new Set<ServerResponse>();

  /** What holds for this request. */
  const told = ({ path }: PeerRequest): Behaviour => {
    const { on, times, ...now } = behaviour;
    if (on !== undefined && !path.includes(on)) return {};
    if (times !== undefined) behaviour = times > 1 ? { ...behaviour, times: times - 1 } : {};
    return now;
  };
  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    state.requests++;
    open.add(response);
    response.once("close", () => open.delete(response));
    const request = await readRequest(message);
    const now = told(request);
    if (now.delay !== undefined) await wait(now.delay);
    if (now.fault !== undefined) return await fail(now.fault, request, response, state);
    const given: PeerAnswer = now.answer ?? protocol(request, now);
    if (now.answer === undefined && given.status >= 300)
      state.refused.push(`${given.status} ${textOf(given)}`);
    state.taken.push(...(given.taken ?? []));
    const type = typeof given.body === "object" ? { "content-type": "application/json" } : {};
    response.writeHead(given.status, { ...type, ...given.headers }).end(textOf(given));
  };
  const server = createServer((message, response) => {
    serve(message, response).catch((error: unknown) => {
      state.refused.push(String(error));
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error)); // seen by the test, as an answer that it did not expect
    });
  });
  const port = await listen(server);
  return {
    port,
    stop: () => stopServer(server),
    behave: (given) => void (behaviour = given as Behaviour),
    tell: () => ({ ...state, open: open.size }),
    forget: () => {
      for (const one of open) one.destroy();
      [behaviour, state] = [{}, EMPTY()];
    },
  };
}

function textOf({ body = "" }: PeerAnswer): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

async function readRequest(message: IncomingMessage): Promise<PeerRequest> {
  const bytes = await readAll(message);
  const headers = Object.entries(message.headers).map(([name, value]) => [name, String(value)]);
  return {
    method: message.method ?? "",
    path: message.url ?? "",
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: bytes.toString(),
    bytes,
  };
}

async function fail(
  fault: NonNullable<Behaviour["fault"]>,
  { method, path, headers, body }: PeerRequest,
  response: ServerResponse,
  state: Pick<RoomState, "flooded">,
): Promise<void> {
  switch (fault) {
    case "hang":
      return;
    case "cut":
      response.destroy();
      return;
    case "cut_body":
      response.writeHead(200, { "content-length": "1000" });
      response.write("begun", () => response.destroy());
      return;
    case "hang_body":
      response.writeHead(200).write("begun");
      return;
    case "echo": {
      const told = { method, path, headers, body };
      const lines = Object.values(headers).join("\n");
      response.writeHead(200, { "x-echo": encodeURIComponent(lines), "set-cookie": "session=abc" });
      response.end(`${JSON.stringify(told)}\n${lines}`);
      return;
    }
    case "flood":
      await flood(response, state);
  }
}

/** Writes without end, no faster than it is read, until the other side has enough. */
async function flood(response: ServerResponse, state: Pick<RoomState, "flooded">): Promise<void> {
  const part = Buffer.alloc(64 * 1024, "flood ");
  const left = new AbortController();
  response.once("close", () => left.abort());
  response.writeHead(200);
  while (!response.destroyed) {
    const more = response.write(part);
    state.flooded += part.length;
    if (!more) await once(response, "drain", { signal: left.signal }).catch(() => undefined);
  }
}
